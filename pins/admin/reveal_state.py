"""Does the guest have the code? What the pages say about it; reads no code."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from pins import words
from pins.models import AccessGrant, PinReveal
from pins.words import Badge, Tone


def is_live(grant: AccessGrant, now: datetime) -> bool:
    """Is it a code that a guest could still be told?"""
    return grant.wanted and grant.revoked_at is None and now < grant.ends_at


def looks_at_present_code(grant: AccessGrant) -> list[PinReveal]:
    """Who was shown it, latest first. Looks at a value that was revoked and replaced since are left out."""
    if grant.disclosed_at is None:
        return []
    return list(grant.reveals.filter(at__gte=grant.disclosed_at))


def told_badge(grant: AccessGrant | None, looks: list[PinReveal], zone: ZoneInfo, now: datetime) -> Badge | None:
    """The state in words; none where no code waits to be told."""
    if grant is None:
        return None
    if looks:
        return Badge(f"Shown to {looks[0].user_name} on {words.day_and_time(looks[0].at, zone)}", Tone.READY)
    if grant.disclosed_at is not None:
        return Badge(f"Chosen by a person on {words.day_and_time(grant.disclosed_at, zone)}", Tone.READY)
    return Badge("Guest not told yet", Tone.WAITING) if is_live(grant, now) else None
