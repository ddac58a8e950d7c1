"""Health of the web process, for load balancers and container runtimes. The answers name what fails, not why."""

from __future__ import annotations

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config import broker


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process is up. It asks nothing else: a slow database must not get the web server restarted."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database and broker answer, else 503 with the name of what does not."""
    checks = {"database": database_answers(), "broker": broker.answers(settings.REDIS_URL, within=2)}
    ready = all(checks.values())
    body = {"ready": ready, "checks": {name: "ok" if good else "unreachable" for name, good in checks.items()}}
    return JsonResponse(body, status=200 if ready else 503)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())
    except DatabaseError:
        connection.close()
        return False
