"""Which part of the periodic work is behind, for `/readyz`.

Beat sends a sweep every `SWEEP_SECONDS`, the queue carries it, a worker performs it. So a missing sweep with a living
beat is a queue that nobody serves, or serves too slowly; a missing beat is the schedule itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.conf import settings

from pins.models import Heartbeat

#: A message should not wait longer (seconds): a door that is due waits in the same queue.
LONGEST_WAIT: Final = 60.0


class Status(StrEnum):
    """How a part is."""

    OK = "ok"
    BEHIND = "behind"
    NEVER = "never"  # no trace of it: nothing was started yet, or never reached this database
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"  # cannot be asked while the database is out of reach


@dataclass(frozen=True, slots=True)
class Part:
    """One part: how it is, and the seconds that this was judged by."""

    status: Status
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Traces:
    """What is stored about the periodic work. Moments are UTC."""

    sent_at: datetime | None  # when beat last sent a sweep
    began_at: datetime | None  # when a worker last began one
    waited: float | None  # how long its message had waited, in seconds


def parts(now: datetime) -> dict[str, Part]:
    """Beat, queue and sweep at this moment (UTC), by one query."""
    rows = {row.name: row for row in Heartbeat.objects.filter(name__in=("beat", "sweep"))}
    beat, sweep = rows.get("beat"), rows.get("sweep")
    traces = Traces(
        beat.at if beat is not None else None,
        sweep.at if sweep is not None else None,
        sweep.waited if sweep is not None else None,
    )
    return judge(traces, now, every=settings.SWEEP_SECONDS)


def judge(traces: Traces, now: datetime, *, every: float) -> dict[str, Part]:
    """How beat, queue and sweep are, where a sweep is due every so many seconds."""
    limit = max(4 * every, LONGEST_WAIT)
    beat, sweep = _age(traces.sent_at, now), _age(traces.began_at, now)
    waits = traces.waited
    if traces.sent_at is not None and (traces.began_at is None or traces.began_at < traces.sent_at):
        # Messages are under way. The oldest of them was sent at the latest one interval after the last sweep began.
        since_sweep = sweep - every if sweep is not None else beat
        waits = max(waits or 0.0, since_sweep or 0.0) if beat is not None and beat <= limit else waits
    return {"beat": _part(beat, limit), "queue": _part(waits, LONGEST_WAIT), "sweep": _part(sweep, limit)}


def _age(moment: datetime | None, now: datetime) -> float | None:
    return max(0.0, (now - moment).total_seconds()) if moment is not None else None


def _part(seconds: float | None, limit: float) -> Part:
    if seconds is None:
        return Part(Status.NEVER)
    return Part(Status.OK if seconds <= limit else Status.BEHIND, round(seconds, 1))
