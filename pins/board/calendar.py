"""What the timeline shows: one page of properties, over two weeks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.core.paginator import Page, Paginator
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from pins.board.timeline import Bar, Row, Taken, lay_out
from pins.board.workers import Worker, workers_at
from pins.status import arrivals, stay_lists
from pins.status.stay_lists import Stay
from rentals.access import Scope, visible
from rentals.models import Booking, Property
from rentals.wording import Badge, brief, dated

DAYS = 14
PAGE = 20
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Column:
    """One day of the head. `is_today`: at one property of the page at least."""

    day: date
    is_today: bool

    @property
    def is_weekend(self) -> bool:
        return self.day.weekday() >= 5


@dataclass(frozen=True, slots=True)
class StayBar:
    """A bar, the state of its code, and all of it in words."""

    bar: Bar
    badge: Badge
    said: str  # all but the name
    url: str
    is_staff: bool = False
    has_come: bool = False  # the locks tell that the guest is in

    @property
    def title(self) -> str:
        """Everything, for a bar that has no room for words."""
        return f"{self.bar.label}, {self.said}"

    @property
    def classes(self) -> str:
        """How the style sheet calls such a bar."""
        ends = {
            "open-left": self.bar.from_before,
            "open-right": self.bar.goes_on,
            "tentative": self.bar.tentative,
            "staff": self.is_staff,
        }
        return " ".join(["bar", self.badge.tone.value, *(name for name, has_it in ends.items() if has_it)])


@dataclass(frozen=True, slots=True)
class Line:
    """One property. `clock`: day and time there, if today is not the same day at all properties; else empty."""

    property_id: int
    name: str
    clock: str
    row: Row
    bars: tuple[StayBar, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    first: date
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    page: Page[Property]
    days_differ: bool  # today is not the same day at all of these properties

    @property
    def before(self) -> date:
        return self.first - timedelta(days=7)

    @property
    def after(self) -> date:
        return self.first + timedelta(days=7)


def load(now: datetime, *, first: date | None, query: str, page: int, scope: Scope) -> Timeline:
    """`now`: UTC. `first`: the window's first day; by default yesterday, in the zone where that is earliest. `query`:
    words of a property's name or a guest's. `page` counts from 1."""
    chosen = visible(Property.objects.order_by("name", "pk"), scope)
    for word in query.split():
        chosen = chosen.filter(
            Q(name__icontains=word) | Q(pk__in=Booking.objects.filter(guest_name__icontains=word).values("property"))
        )
    found = Paginator(chosen, PAGE).get_page(page)
    shown = list(found.object_list)
    todays = {now.astimezone(zone).date() for zone in ({one.zone for one in shown} or {ZoneInfo("UTC")})}
    days_differ = len(todays) > 1
    first = first or min(todays) - _DAY
    by_property = _stays(shown, first, scope, now)
    workers = _workers(shown, first, scope, now)
    lines = []
    for prop in shown:
        stays = {one.booking.pk: one for one in by_property[prop.pk]}
        row = lay_out((_taken(one.booking) for one in stays.values()), first, DAYS)
        clock = brief(now, now, prop.zone) if days_differ else ""
        bars = [_bar(bar, stays[bar.key], now) for bar in row.bars]
        lines.append(Line(prop.pk, prop.name, clock, row, (*bars, *_work_bars(workers[prop.pk], first))))
    columns = tuple(Column(day, day in todays) for day in (first + number * _DAY for number in range(DAYS)))
    return Timeline(first, columns, tuple(lines), found, days_differ)


def _stays(shown: list[Property], first: date, scope: Scope, now: datetime) -> defaultdict[int, list[Stay]]:
    """Stays of the window by property, with a day to spare on both sides, since days differ by zone."""
    begins = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo("UTC")) - _DAY
    overlap = Q(check_out__gt=begins, check_in__lt=begins + (DAYS + 2) * _DAY)
    live = ~Q(status=Booking.Status.CANCELLED)
    found: defaultdict[int, list[Stay]] = defaultdict(list)
    for booking in stay_lists.load(overlap & live & Q(property__in=[one.pk for one in shown]), scope):
        found[booking.property_id].append(stay_lists.stay_of(booking, now))
    return found


def _workers(shown: list[Property], first: date, scope: Scope, now: datetime) -> defaultdict[int, list[Worker]]:
    """Who works there in the window, by property."""
    begins = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo("UTC")) - _DAY
    found: defaultdict[int, list[Worker]] = defaultdict(list)
    for one in workers_at(shown, begins, begins + (DAYS + 2) * _DAY, now, scope) if shown else ():
        found[one.place.pk].append(one)
    return found


def _bar(bar: Bar, stay: Stay, now: datetime) -> StayBar:
    booking = stay.booking
    first, last = (dated(at, "j M") for at in (booking.arrival_date, booking.departure_date))
    words = [_("{first} to {last}").format(first=first, last=last), stay.badge.label]
    words += [_("overlaps another stay")] if bar.overlaps else []
    words += [_("arrives on the day of a departure")] if bar.same_day else []
    said = ", ".join([*words, *arrivals.flags(booking, now)])
    has_come = bool(arrivals.has_come(booking))
    return StayBar(bar, stay.badge, said, reverse("stay", args=[booking.pk]), has_come=has_come)


def _work_bars(workers: list[Worker], first: date) -> list[StayBar]:
    """People who work in the flat between two stays: bars of their own, which leave no gaps and overlap nobody."""
    by_key = {one.key: one for one in workers}
    row = lay_out((_worked(one) for one in workers), first, DAYS)
    return [
        StayBar(
            replace(bar, same_day=False, overlaps=False), one.badge, f"{one.when}, {one.badge.label}", one.url, True
        )
        for bar in row.bars
        for one in (by_key[bar.key],)
    ]


def _worked(one: Worker) -> Taken:
    zone = one.place.zone
    return Taken(one.key, one.starts_at.astimezone(zone).date(), one.ends_at.astimezone(zone).date(), one.who)


def _taken(booking: Booking) -> Taken:
    return Taken(
        key=booking.pk,
        arrives=booking.arrival_date,
        leaves=booking.departure_date,
        label=booking.guest_name or _("Guest"),
        tentative=booking.status == Booking.Status.TENTATIVE,
    )
