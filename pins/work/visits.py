"""What the own page of somebody who works in the flats says. Reads no code and no guest's name."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from pins.core.staff import Gap
from pins.desired.staff_wishes import gaps_of
from pins.models import AccessGrant, FlatReady, Pin, StaffAccess
from pins.status.locks import zone_of_lock
from pins.status.pins import pin_badge, pins_for_people
from pins.status.staff import part_words, works_when
from rentals.models import Property
from rentals.phrases import mark
from rentals.wording import Badge, clock_time

_DAYS: Final = (mark("Today"), mark("Tomorrow"))


@dataclass(frozen=True, slots=True)
class Visit:
    """A flat that is free today or tomorrow."""

    property_id: int
    place: str
    when: str  # `free from 11:00 CET until 15:00 CET`
    ready: str  # when it was said to be ready; empty: not yet
    may_finish: bool


@dataclass(frozen=True, slots=True)
class Door:
    name: str
    badge: Badge


@dataclass(frozen=True, slots=True)
class Entry:
    """One of their codes: when it works, and on which doors it is."""

    title: str
    when: str
    doors: tuple[Door, ...]


@dataclass(frozen=True, slots=True)
class Work:
    days: tuple[tuple[str, tuple[Visit, ...]], ...]
    entries: tuple[Entry, ...]


def work_of(access: StaffAccess, now: datetime) -> Work:
    """Today and tomorrow on the clock of each property."""
    found = gaps_of(access, now, now + timedelta(days=3))
    homes = Property.objects.in_bulk({pk for pk, _gap in found})
    said = dict(FlatReady.objects.filter(property__in=homes).values_list("property", "at"))
    days = tuple(
        (_(title), tuple(visit for pk, gap in found if (visit := _visit(homes[pk], gap, offset, said.get(pk), now))))
        for offset, title in enumerate(_DAYS)
    )
    return Work(days, tuple(_entries(access, now)))


def _visit(home: Property, gap: Gap, offset: int, said_at: datetime | None, now: datetime) -> Visit | None:
    """The part of a gap that lies in a day: today, or so many days later."""
    zone = home.zone
    day = now.astimezone(zone).date() + timedelta(days=offset)
    begins, ends = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
    if gap.starts_at >= ends or gap.ends_at <= begins:
        return None
    is_ready = said_at is not None and said_at >= gap.starts_at
    return Visit(
        property_id=home.pk,
        place=home.name,
        when=_free(gap, begins, ends, zone),
        ready=clock_time(said_at, zone) if said_at is not None and is_ready else "",
        may_finish=offset == 0 and gap.starts_at <= now and not is_ready,
    )


def _free(gap: Gap, begins: datetime, ends: datetime, zone: ZoneInfo) -> str:
    """When a flat is free on the day that begins and ends at these moments."""
    starts, stops = clock_time(gap.starts_at, zone), clock_time(gap.ends_at, zone)
    if gap.starts_at > begins and gap.ends_at < ends:
        return _("free from {starts} until {ends}").format(starts=starts, ends=stops)
    if gap.starts_at > begins:
        return _("free from {starts}").format(starts=starts)
    if gap.ends_at < ends:
        return _("free until {ends}").format(ends=stops)
    return _("free the whole day")


def _entries(access: StaffAccess, now: datetime) -> list[Entry]:
    pins: defaultdict[int, list[Pin]] = defaultdict(list)
    for pin in pins_for_people().filter(grant__staff=access, wanted=True, grant__ends_at__gt=now):
        pins[pin.grant_id].append(pin)
    grants = AccessGrant.objects.filter(pk__in=list(pins)).select_related("place").defer(*AccessGrant.SECRETS)
    found = []
    for grant in grants.order_by("starts_at", "pk"):
        theirs = pins[grant.pk]
        zone = grant.place.zone if grant.place is not None else zone_of_lock(theirs[0].lock)
        doors = tuple(Door(pin.lock.name, pin_badge(pin, now)) for pin in theirs)
        found.append(Entry(part_words(grant), works_when(grant, zone, now), doors))
    return found
