"""Whether somebody was shown the code of a stay, for people. Reads no code."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Max
from django.utils.translation import gettext as _

from pins.models import AccessGrant, Incident, PinReveal
from rentals.wording import Badge, Tone, day_and_time


def is_live(grant: AccessGrant, now: datetime) -> bool:
    """Whether it is a code that could still be shown and open a door."""
    return grant.wanted and grant.revoked_at is None and now < grant.ends_at


def reveals_of_present_code(grant: AccessGrant) -> list[PinReveal]:
    """Who was shown it, latest first. Reveals of a value that was replaced since are left out."""
    since = _present_code_known_since(grant)
    return list(grant.reveals.filter(at__gte=since)) if since is not None else []


def disclosure_badge(
    grant: AccessGrant | None, reveals: list[PinReveal], zone: ZoneInfo, now: datetime
) -> Badge | None:
    """The state in words, times on the clock of `zone`; none where no code waits to be shown. `reveals`: those of the
    present code, latest first."""
    if grant is None:
        return None
    if reveals:
        said = _("Shown to {person} on {when}").format(person=reveals[0].person, when=day_and_time(reveals[0].at, zone))
        return Badge(said, Tone.READY)
    since = _present_code_known_since(grant)
    if since is None:
        return Badge(_("Not shown yet"), Tone.WAITING) if is_live(grant, now) else None
    if grant.disclosed_at is not None and grant.disclosed_at < since:
        return Badge(_("New code not shown yet"), Tone.ACT) if is_live(grant, now) else None
    return Badge(_("Chosen by a person on {when}").format(when=day_and_time(since, zone)), Tone.READY)


def _present_code_known_since(grant: AccessGrant) -> datetime | None:
    """When somebody first knew the code, or when a lock made us replace one that a guest knew; `None`: nobody knows
    it."""
    if grant.disclosed_at is None:
        return None
    changes = Incident.objects.filter(kind=Incident.Kind.CODE_CHANGED, pin__grant=grant)
    latest: datetime | None = changes.aggregate(latest=Max("opened_at"))["latest"]
    return max(grant.disclosed_at, latest) if latest is not None else grant.disclosed_at
