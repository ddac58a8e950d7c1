"""Health of the web process and of the whole, for load balancers, container runtimes and monitoring. The answers name
what fails, not why."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config import broker
from pins.measures import readiness
from pins.measures.readiness import Part, Status

#: In the order in which to look: each needs those before it.
PARTS: Final = ("database", "migrations", "broker", "beat", "queue", "sweep")


#: Seconds for which an answer is good enough for those who ask meanwhile.
_JUST_NOW: Final = 10.0


@dataclass
class _Found:
    parts: dict[str, Part] = field(default_factory=dict)
    at: float = float("-inf")  # of the monotonic clock


_MOST_LOOKING: Final = 3
_looking, _found = threading.BoundedSemaphore(_MOST_LOOKING), _Found()


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process is up. It asks nothing else: a slow database must not get the web server restarted."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every part answers and keeps up, else 503 with the names of those that do not.

    `?only=database,migrations` asks about some parts: a load balancer should not take the pages away, which say what is
    wrong, because a worker is down.
    """
    asked = [name for name in request.GET.get("only", ",".join(PARTS)).split(",") if name]
    unknown = sorted(set(asked) - set(PARTS))
    if unknown or not asked:
        return JsonResponse({"error": f"“only” takes some of these, with commas: {', '.join(PARTS)}."}, status=400)
    found = {name: part for name, part in _present().items() if name in asked}
    behind = [name for name, part in found.items() if part.status is not Status.OK]
    body = {
        "ready": not behind,
        "behind": behind,
        "checks": {name: part.status.value for name, part in found.items()},
        "seconds": {name: part.seconds for name, part in found.items() if part.seconds is not None},
    }
    return JsonResponse(body, status=503 if behind else 200)


def _present() -> dict[str, Part]:
    """How each part is, looked at for few requests at a time: a broker that hangs holds a thread for two seconds, and
    whoever asks often must not hold all eight. The others are told what was found just now, or that it is unknown."""
    if not _looking.acquire(blocking=False):
        return _found.parts if time.monotonic() - _found.at < _JUST_NOW else dict.fromkeys(PARTS, Part(Status.UNKNOWN))
    try:
        _found.parts = examine()
        _found.at = time.monotonic()
        return _found.parts
    finally:
        _looking.release()


def examine() -> dict[str, Part]:
    """How each part is."""
    reaches_broker = broker.answers(settings.REDIS_URL, within=2)
    found = dict.fromkeys(PARTS, Part(Status.UNKNOWN))
    found["broker"] = Part(Status.OK if reaches_broker else Status.UNREACHABLE)
    found["database"] = Part(Status.OK if database_answers() else Status.UNREACHABLE)
    if found["database"].status is not Status.OK:
        return found
    try:
        is_migrated = migrations_are_applied()
        found["migrations"] = Part(Status.OK if is_migrated else Status.BEHIND)
        found |= readiness.parts(timezone.now())
    except DatabaseError:  # a column of this release is missing: then `migrations` says so
        connection.close()
    return found


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())
    except DatabaseError:
        connection.close()
        return False


def migrations_are_applied() -> bool:
    """Whether the database has the last migration of each app of this release. A newer database is fine: during an
    upgrade the old processes go on for a while."""
    return _last_migrations() <= set(MigrationRecorder(connection).applied_migrations())


@cache
def _last_migrations() -> frozenset[tuple[str, str]]:
    """Read from the files once: a process keeps its release."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())
