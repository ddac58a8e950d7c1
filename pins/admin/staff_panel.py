"""What the page of somebody who works in the flats says: which codes are where, and what comes next. Reads no code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from pins.core.pin_state import State
from pins.core.staff import Mode, StaffWish, refusals
from pins.desired.staff_wishes import wishes_of
from pins.incidents.slow_checks import clocks_differ
from pins.models import AccessGrant, Pin, StaffAccess
from pins.status.locks import zone_of_lock
from pins.status.pins import pin_badge, pins_for_people
from pins.status.staff import StaffLine, access_badge, line_of, part_words, works_when
from rentals.models import Property
from rentals.wording import Badge, brief, day_and_time, said

_UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class CodePanel:
    """One code of the access."""

    title: str
    when: str
    clock: str  # whose clock that is; empty where none matters
    lines: tuple[StaffLine, ...]


@dataclass(frozen=True, slots=True)
class StaffPanel:
    badge: Badge
    codes: tuple[CodePanel, ...]
    notes: tuple[str, ...]  # what is planned, and what is missing
    shown: str  # who was shown the code last; empty: nobody
    may_show: bool
    has_open: bool  # something is still to do on a lock


def panel(access: StaffAccess, now: datetime) -> StaffPanel:
    """A few queries, however many locks."""
    pins: defaultdict[int, list[Pin]] = defaultdict(list)
    open_pins = 0
    for pin in _pins(Q(grant__staff=access), now):
        pins[pin.grant_id].append(pin)
        open_pins += State(pin.state) not in (State.SET, State.REMOVED)
    living = AccessGrant.objects.filter(staff=access).filter(Q(pk__in=list(pins)) | Q(wanted=True, ends_at__gt=now))
    rows = list(living.select_related("place").defer(*AccessGrant.SECRETS).order_by("starts_at", "pk"))
    badges = [pin_badge(pin, now) for theirs in pins.values() for pin in theirs]
    return StaffPanel(
        badge=access_badge(access, badges),
        codes=tuple(_code(grant, pins[grant.pk], now) for grant in rows if pins[grant.pk]),
        notes=tuple(_notes(access, rows, now)),
        shown=_shown(access),
        may_show=any(grant.wanted for grant in rows),
        has_open=open_pins > 0,
    )


def badges_of(access_ids: Collection[int], now: datetime) -> dict[int, list[Badge]]:
    """The states of the codes of many accesses, in one query."""
    found: defaultdict[int, list[Badge]] = defaultdict(list)
    for pin in _pins(Q(grant__staff__in=access_ids), now):
        found[pin.grant.staff_id or 0].append(pin_badge(pin, now))
    return found


def _pins(whose: Q, now: datetime) -> Iterable[Pin]:
    """Codes that should be on a lock, or may be there."""
    wanted = Q(wanted=True, grant__ends_at__gt=now)
    return pins_for_people().filter(whose).filter(wanted | ~Q(state=State.REMOVED))


def _code(grant: AccessGrant, pins: list[Pin], now: datetime) -> CodePanel:
    zone = grant.place.zone if grant.place is not None else zone_of_lock(pins[0].lock)
    return CodePanel(
        title=part_words(grant),
        when=works_when(grant, zone, now),
        clock=_clock(grant, zone),
        lines=tuple(line_of(pin, zone, now) for pin in pins),
    )


def _clock(grant: AccessGrant, zone: ZoneInfo) -> str:
    if grant.place is not None:
        return zone.key
    if grant.recurrence:
        return _("on the clock of the lock")
    return zone.key if grant.begins_at is not None or grant.stops_at is not None else ""


def _notes(access: StaffAccess, grants: list[AccessGrant], now: datetime) -> Iterable[str]:
    if not access.is_active:
        yield _("Switched off: its codes are taken off all locks.")
        return
    if access.valid_until is not None and access.valid_until <= now:
        yield _("Its last day is over. Choose a later one to let them in again.")
        return
    yield from (said(text) for _field, text in refusals(access.terms))  # a bulk write checks nothing
    wished = wishes_of([access], now)[access.pk]
    made = {(grant.place_id, grant.part) for grant in grants if grant.wanted}
    homes = Property.objects.in_bulk([one.property_id for one in wished if one.property_id is not None])
    for wish in wished:
        if wish.key not in made:
            yield _planned(wish, homes, now)
    if not wished and not access.locks.exists() and not access.properties.exists():
        yield _("No property and no lock is chosen, so it opens nothing.")
    elif not wished and access.terms.mode is Mode.TURNOVER:
        yield _("No gap between stays is known. Its code comes with the next stays.")
    elif not wished:
        yield _("None of its locks is active, so it opens nothing.")


def _planned(wish: StaffWish, homes: dict[int, Property], now: datetime) -> str:
    home = homes.get(wish.property_id or 0)
    zone = home.zone if home is not None else _UTC
    where = f"{home.name}: " if home is not None else ""
    begins, ends = wish.span.starts_at, wish.span.ends_at
    span = pgettext("gap between stays", "next")
    if begins and ends:
        span = _("{first} to {last}").format(first=brief(begins, now, zone), last=brief(ends, now, zone))
    if wish.issue_at is not None and wish.issue_at > now:
        then = _("The code goes onto its locks {when}.").format(when=brief(wish.issue_at, now, zone))
    else:
        then = _("The code waits until the former one is off its locks, so that it stays the same.")
    return f"{where}{span}. {then}"


def _shown(access: StaffAccess) -> str:
    last = (
        AccessGrant.objects.filter(staff=access, reveals__isnull=False)
        .order_by("-reveals__at")
        .values_list("reveals__user_name", "reveals__at")
        .first()
    )
    if last is None:
        if access.disclosed_at is None:
            return ""
        return _("Chosen on {when}").format(when=day_and_time(access.disclosed_at, _UTC))
    return _("Shown to {who} on {when}").format(who=last[0], when=day_and_time(last[1], _UTC))


def warnings(access: StaffAccess) -> Iterable[str]:
    """What keeps somebody out although the access is saved, and what a lock's clock makes of its hours."""
    for home in access.properties.filter(is_active=False).order_by("name"):
        yield _("“{property}” is switched off, so its locks get no code.").format(property=home.name)
    named = set(access.locks.values_list("pk", flat=True))
    links = Property.locks.through.objects.filter(property__staff=access, lock__is_active=True)
    rows = list(links.values_list("lock", "lock__name", "lock__time_zone", "property__timezone"))
    if not rows and not named:
        yield _("Its properties have no active lock. Choose their locks on the page of each property.")
    if access.day_start is None:
        return
    for name, zone, home_zone in sorted({row[1:] for row in rows}):
        if zone and clocks_differ(zone, home_zone, access.check_at.year):
            yield _(
                "“{lock}” is set to the time zone {zone} in the Tedee app, and the property to {home_zone}. The hours "
                "count on the lock's clock."
            ).format(lock=name, zone=zone, home_zone=home_zone)
