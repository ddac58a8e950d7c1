"""Does the guest have the code? What the pages say about it; reads no code."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Max

from pins.models import AccessGrant, Incident, PinReveal
from rentals.wording import Badge, Tone, day_and_time


def is_live(grant: AccessGrant, now: datetime) -> bool:
    """Is it a code that a guest could still be told?"""
    return grant.wanted and grant.revoked_at is None and now < grant.ends_at


def looks_at_present_code(grant: AccessGrant) -> list[PinReveal]:
    """Who was shown it, latest first. Looks at a value that was replaced since are left out."""
    since = _value_stands_since(grant)
    return list(grant.reveals.filter(at__gte=since)) if since is not None else []


def told_badge(grant: AccessGrant | None, looks: list[PinReveal], zone: ZoneInfo, now: datetime) -> Badge | None:
    """The state in words; none where no code waits to be told. `looks`: those at the present code."""
    if grant is None:
        return None
    if looks:
        return Badge(f"Shown to {looks[0].user_name} on {day_and_time(looks[0].at, zone)}", Tone.READY)
    since = _value_stands_since(grant)
    if since is None:
        return Badge("Guest not told yet", Tone.WAITING) if is_live(grant, now) else None
    if grant.disclosed_at is not None and grant.disclosed_at < since:
        return Badge("Guest not told the new code yet", Tone.ACT) if is_live(grant, now) else None
    return Badge(f"Chosen by a person on {day_and_time(since, zone)}", Tone.READY)


def _value_stands_since(grant: AccessGrant) -> datetime | None:
    """When somebody first knew the code, or a lock made us change one that a guest knew; `None`: nobody knows it."""
    if grant.disclosed_at is None:
        return None
    changes = Incident.objects.filter(kind=Incident.Kind.CODE_CHANGED, pin__grant=grant)
    latest: datetime | None = changes.aggregate(latest=Max("opened_at"))["latest"]
    return max(grant.disclosed_at, latest) if latest is not None else grant.disclosed_at
