"""What the board shows, in as many queries for five hundred properties as for three. Reads no code and no secret."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import BooleanField, Case, Count, Q, When, Window

from pins.board import rows
from pins.board.clocks import Clock, clock
from pins.board.headline import Answer, answer
from pins.board.issues import Mend, mends
from pins.board.rows import Stay, StayRow
from pins.core import budget
from pins.incidents import sweep_checks
from pins.models import RateBudget
from pins.reconcile import account_limits, sweep
from pins.status.locks import LOW_BATTERY, is_low
from pins.tedee.errors import Cause
from rentals.access import Scope, visible
from rentals.models import Booking, CalendarFeed, Lock, LockAccount, Property
from rentals.wording import Tone, brief

SOON = timedelta(hours=24)
#: The key of the list of what to mend, and how much of it is shown unasked.
MENDS, FEW_MENDS = "mend", 8
#: For so long after its beginning a stay is asked for that has no code at all.
_BEFORE = timedelta(hours=38)
#: A rest that is over is followed by the next try, if anything is due, within this time.
_NEXT_TRY = timedelta(minutes=1)
#: So many lines of a list are shown unasked, the worst first.
SHOWN = 25
_FEW_LOCKS = 12


@dataclass(frozen=True, slots=True)
class DayList:
    """Arrivals or departures of one day. `key` asks for all of them."""

    key: str
    title: str
    rows: tuple[StayRow, ...]
    hidden: int
    ready: int
    total: int


@dataclass(frozen=True, slots=True)
class LockLine:
    """A lock that deserves a look before it is too late."""

    lock_id: int
    name: str
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """Requests of one Tedee user within the window."""

    name: str
    used: int
    limit: int

    @property
    def share(self) -> int:
        """Percent."""
        return min(100, round(100 * self.used / self.limit))


@dataclass(frozen=True, slots=True)
class Watched:
    """An account that is only watched."""

    account_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Start:
    """What is there at all; what is missing is the next step of a newcomer."""

    accounts: bool
    locks: bool
    properties: bool
    bookings: bool

    @property
    def complete(self) -> bool:
        return self.accounts and self.locks and self.properties and self.bookings


@dataclass(frozen=True, slots=True)
class Board:
    at: datetime
    clock: Clock
    answer: Answer
    is_idle: bool  # nothing works any more
    outside: DayList  # guests whose stay has begun and whom the sentence fears for
    mends: tuple[Mend, ...]
    more_mends: int
    lists: tuple[DayList, ...]
    locks: tuple[LockLine, ...]
    more_locks: int
    budgets: tuple[BudgetLine, ...]
    watched: tuple[Watched, ...]  # accounts that are only watched
    feeds: int  # switched on
    unread_feeds: int  # of these, not read at the last try
    start: Start

    whole: str = ""  # which list is shown in full

    @property
    def to_mend(self) -> int:
        return len(self.mends) + self.more_mends

    @property
    def shown_mends(self) -> tuple[Mend, ...]:
        """What is urgent, and a few more: the guests of the day should not be far below."""
        if self.whole == MENDS:
            return self.mends
        urgent = sum(one.badge.tone is Tone.ACT for one in self.mends)
        return self.mends[: max(FEW_MENDS, urgent)]

    @property
    def hidden_mends(self) -> int:
        return len(self.mends) - len(self.shown_mends)


class Show(StrEnum):
    """Which stays the lists are narrowed to."""

    ALL = ""
    OPEN = "open"  # not ready yet, or not gone yet
    UNTOLD = "untold"  # ready, and nobody told the guest

    def includes(self, row: StayRow) -> bool:
        if self is Show.OPEN:
            return not row.settled
        return self is Show.ALL or rows.UNTOLD in row.flags


def load(now: datetime, *, scope: Scope, query: str = "", show: Show = Show.ALL, whole: str = "") -> Board:
    """`query` and `show` narrow the lists: to guests and properties with these words, to stays that ask for something.
    `whole` names a list to show in full."""
    named = visible(Property.objects.order_by(), scope).values_list("timezone", flat=True).distinct()
    zones = [ZoneInfo(name) for name in named]
    here = clock(now, zones)
    near = rows.stays(_near(now, zones), scope)
    confirmed = [rows.look(one, now) for one in near if one.status == Booking.Status.CONFIRMED]
    soon = [one for one in confirmed if now < one.booking.check_in <= now + SOON]
    outside = [one for one in confirmed if one.booking.check_in <= now < one.booking.check_out and _is_shut_out(one)]
    # One that was given up before it began opens nothing, wherever it still is.
    still_open = sweep_checks.staying_codes(now) | sweep_checks.working_codes(now)
    left = visible(still_open, scope).filter(grant__starts_at__lte=now)
    staying = left.values("grant").distinct().count()
    found, more = mends(now, [*outside, *soon], scope)
    locks, more_locks = _locks(now, scope)
    lock_accounts = list(visible(LockAccount.objects.defer(*LockAccount.SECRETS), scope))
    watched = tuple(Watched(one.pk, one.name) for one in lock_accounts if one.observe_only)
    active = visible(CalendarFeed.objects.filter(is_active=True), scope)
    feeds = active.aggregate(all=Count("pk"), unread=Count("pk", filter=Q(state__failures__gt=0)))
    known = [one for one in soon if not one.is_watched]
    idle_since = sweep.idle_since(now)
    start = _start(lock_accounts, scope)
    shut_out = [rows.shut_out(one, now) for one in outside if _matches(one.booking, query)]
    return Board(
        at=now,
        clock=here,
        answer=answer(
            [one.tone for one in known],
            len(outside),
            staying,
            watched=len(soon) - len(known),
            watching=bool(watched),
            idle_since=brief(idle_since, now, here.zone) if idle_since else "",
            is_new=not start.bookings,
        ),
        is_idle=idle_since is not None,
        outside=_list("outside", "May stand before a closed door", shut_out, show, whole),
        mends=found,
        more_mends=more,
        lists=tuple(_list(*one, show, whole) for one in _days(confirmed, now, query)),
        locks=locks,
        more_locks=more_locks,
        budgets=tuple(_budgets(lock_accounts, now)),
        watched=watched,
        feeds=feeds["all"],
        unread_feeds=feeds["unread"],
        start=start,
        whole=whole,
    )


def _near(now: datetime, zones: Iterable[ZoneInfo]) -> Q:
    """Stays that begin or end today or tomorrow, somewhere at least, and those begun of guests who may be shut out."""
    midnights = [datetime.combine(now.astimezone(zone), time(), zone) for zone in zones] or [now]
    first, last = min(midnights), max(one + timedelta(days=2) for one in midnights)  # by each wall clock
    begins, ends = Q(check_in__gte=first, check_in__lt=last), Q(check_out__gte=first, check_out__lt=last)
    begun = Q(check_in__gt=now - _BEFORE, check_in__lt=first, check_out__gt=now) & rows.codeless(now)
    asked = (begins | ends | begun) & ~Q(status=Booking.Status.CANCELLED) | rows.outside(now)
    # It follows from the rest, and spares the database asking all of that about every stay that ever was.
    return Q(check_out__gte=first, check_in__lt=last) & asked


def _is_shut_out(stay: Stay) -> bool:
    """Of a stay that has begun: also one whose code is still only planned, since nothing is on the lock then."""
    if stay.tone is Tone.WAITING:
        return not stay.is_watched
    return stay.tone in (Tone.ACT, Tone.TROUBLE, Tone.BUSY)


def _days(stays: Sequence[Stay], now: datetime, query: str) -> Iterable[tuple[str, str, list[StayRow]]]:
    """Today and tomorrow, each property's own days: key, title and rows of each list."""
    leaving = {(one.booking.property_id, one.booking.departure_date) for one in stays}
    chosen = [one for one in stays if _matches(one.booking, query)]
    for offset, day in enumerate(("today", "tomorrow")):
        came = [one for one in chosen if one.booking.arrival_date == _day_at(one.booking, now, offset)]
        goes = [one for one in chosen if one.booking.departure_date == _day_at(one.booking, now, offset)]
        arrivals = [
            rows.arrival(one, now, turns_over=(one.booking.property_id, one.booking.arrival_date) in leaving)
            for one in came
        ]
        yield f"arrivals-{day}", f"Arriving {day}", arrivals
        yield f"departures-{day}", f"Leaving {day}", [rows.departure(one, now) for one in goes]


def _day_at(booking: Booking, now: datetime, offset: int) -> date:
    return now.astimezone(booking.property.zone).date() + timedelta(days=offset)


def _matches(booking: Booking, query: str) -> bool:
    said = f"{booking.guest_name} {booking.property.name}".casefold()
    return all(word in said for word in query.casefold().split())


def _list(key: str, title: str, stays: list[StayRow], show: Show, whole: str) -> DayList:
    found = [one for one in stays if show.includes(one)]
    worst_first = sorted(found, key=lambda one: (rows.ORDER.index(one.tone), one.moment, one.place))
    kept = worst_first if whole == key else worst_first[:SHOWN]
    return DayList(
        key=key,
        title=title,
        rows=tuple(kept),
        hidden=len(found) - len(kept),
        ready=sum(one.tone is Tone.READY for one in found),
        total=len(found),
    )


def _locks(now: datetime, scope: Scope) -> tuple[tuple[LockLine, ...], int]:
    """Offline, nearly empty, or without what a code needs."""
    # Only of these does `pins.reconcile.connectivity` ask whether they are back, whatever their account lets us do.
    marked = Q(operation__offline_since__isnull=False)
    rests = Q(operation__paused_until__gt=now - _NEXT_TRY, operation__pause_cause=Cause.OFFLINE.value)
    asked = Case(When(marked | rests, then=True), default=False, output_field=BooleanField())
    low = Q(battery_level__lt=LOW_BATTERY)
    bare = Q(has_keypad=False) | Q(has_bridge=False)
    sick = visible(Lock.objects.all(), scope).filter(Q(is_connected=False) | rests | low | bare, is_active=True)
    sick = sick.order_by("name", "pk").annotate(rests=Case(When(rests, then=True), default=False))
    found = list(sick.annotate(of_all=Window(Count("pk")), asked=asked)[:_FEW_LOCKS])
    more = found[0].of_all - len(found) if found else 0
    return tuple(
        LockLine(one.pk, one.name, tuple(_sickness(one, asked=one.asked, rests=one.rests))) for one in found
    ), more


def _sickness(lock: Lock, *, asked: bool, rests: bool) -> Iterable[str]:
    """`asked`: somebody looks whether it is back; else it may long be. `rests`: a request met it offline."""
    if lock.has_keypad is False:
        yield "no keypad"
    if lock.has_bridge is False:
        yield "no bridge"
    elif lock.is_connected is False or rests:
        yield "offline" if asked else "offline when last looked at"
    if is_low(lock):
        yield f"battery {lock.battery_level} %"


def _budgets(lock_accounts: Iterable[LockAccount], now: datetime) -> Iterable[BudgetLine]:
    named: dict[str, list[str]] = {}
    for account in lock_accounts:
        named.setdefault(account.budget_key, []).append(account.name)
    usage = dict(RateBudget.objects.filter(key__in=named).values_list("key", "usage"))
    for key, names in named.items():
        left = budget.remaining(budget.Usage.from_json(usage.get(key, {})), account_limits.rules(), now)
        yield BudgetLine(", ".join(names), settings.TEDEE_RATE_LIMIT - left, settings.TEDEE_RATE_LIMIT)


def _start(lock_accounts: Sequence[LockAccount], scope: Scope) -> Start:
    if scope.restricted:  # accounts, locks and properties are made by somebody who sees them all
        return Start(accounts=True, locks=True, properties=True, bookings=True)
    return Start(
        accounts=bool(lock_accounts),
        locks=Lock.objects.exists(),
        properties=Property.objects.exists(),
        bookings=Booking.objects.exists(),
    )
