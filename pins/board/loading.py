"""What the board shows, in as many queries for five hundred properties as for three. Reads no code and no secret."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db.models import Count, Q

from pins.board import rows
from pins.board.clocks import Clock, clock
from pins.board.headline import Headline, headline
from pins.board.issues import Issue, issues
from pins.board.operations import BudgetLine, LockLine, budgets, locks_to_look_after
from pins.board.rows import StayRow
from pins.incidents import sweep_checks
from pins.reconcile import sweep
from pins.status import stay_lists
from pins.status.stay_lists import Stay
from rentals.access import Scope, visible
from rentals.models import Booking, CalendarFeed, Lock, LockAccount, Property
from rentals.wording import WORST_FIRST, Tone, brief

SOON = timedelta(hours=24)
#: The key of the list of issues, and how many of them are shown unasked.
ISSUES, FEW_ISSUES = "issues", 8
#: A stay without any code is looked for until so long after its beginning.
_BEFORE = timedelta(hours=38)
#: How many lines of a list are shown unasked, the worst first.
SHOWN = 25


@dataclass(frozen=True, slots=True)
class DayList:
    """Arrivals or departures of one day. `key`: its name in addresses and anchors."""

    key: str
    title: str
    rows: tuple[StayRow, ...]
    hidden: int
    ready: int
    total: int

    @property
    def counts_ready(self) -> bool:
        """Whether its title says how many are ready: arrivals."""
        return self.key.startswith("arrivals")


@dataclass(frozen=True, slots=True)
class ObservedAccount:
    """An observe-only account."""

    account_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Start:
    """What was set up already. What is missing is the next step of a new installation."""

    accounts: bool
    locks: bool
    properties: bool
    bookings: bool

    @property
    def complete(self) -> bool:
        return self.accounts and self.locks and self.properties and self.bookings


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the board shows."""

    at: datetime  # UTC
    clock: Clock
    headline: Headline
    is_idle: bool  # the periodic work has stopped
    outside: DayList  # guests whose stay has begun and who may be shut out
    issues: tuple[Issue, ...]
    more_issues: int  # how many there are beside these
    lists: tuple[DayList, ...]
    locks: tuple[LockLine, ...]
    more_locks: int
    budgets: tuple[BudgetLine, ...]
    observed: tuple[ObservedAccount, ...]
    feeds: int  # switched on
    unread_feeds: int  # of these, not read at the last try
    start: Start

    whole: str = ""  # which list is shown in full

    @property
    def to_fix(self) -> int:
        """How many issues there are."""
        return len(self.issues) + self.more_issues

    @property
    def shown_issues(self) -> tuple[Issue, ...]:
        """Those that are urgent, and a few more: the guests of the day should not be far below."""
        if self.whole == ISSUES:
            return self.issues
        urgent = sum(one.badge.tone is Tone.ACT for one in self.issues)
        return self.issues[: max(FEW_ISSUES, urgent)]

    @property
    def hidden_issues(self) -> int:
        """How many of `issues` are not among the shown ones."""
        return len(self.issues) - len(self.shown_issues)


class Show(StrEnum):
    """Which stays the lists are narrowed to."""

    ALL = ""
    OPEN = "open"  # not ready yet, or not gone yet
    UNDISCLOSED = "untold"  # ready, and nobody was shown the code; the value is in people's bookmarks

    def includes(self, row: StayRow) -> bool:
        """Whether the row is among them."""
        if self is Show.OPEN:
            return not row.settled
        return self is Show.ALL or row.undisclosed


def load(now: datetime, *, scope: Scope, query: str = "", show: Show = Show.ALL, whole: str = "") -> Board:
    """`now`: UTC. `query` and `show` narrow the lists: to guests and properties with these words, and to stays that ask
    for something. `whole`: the key of a list to show in full."""
    named = visible(Property.objects.order_by(), scope).values_list("timezone", flat=True).distinct()
    zones = [ZoneInfo(name) for name in named]
    here = clock(now, zones)
    near = stay_lists.load(_near(now, zones), scope)
    confirmed = [stay_lists.stay_of(one, now) for one in near if one.status == Booking.Status.CONFIRMED]
    soon = [one for one in confirmed if now < one.booking.check_in <= now + SOON]
    outside = [one for one in confirmed if one.booking.check_in <= now < one.booking.check_out and _is_shut_out(one)]
    found, more = issues(now, [*outside, *soon], scope)
    locks, more_locks = locks_to_look_after(now, scope)
    lock_accounts = list(visible(LockAccount.objects.defer(*LockAccount.SECRETS), scope))
    observed = tuple(ObservedAccount(one.pk, one.name) for one in lock_accounts if one.observe_only)
    active = visible(CalendarFeed.objects.filter(is_active=True), scope)
    feeds = active.aggregate(all=Count("pk"), unread=Count("pk", filter=Q(state__failures__gt=0)))
    known = [one for one in soon if not one.is_observed]
    idle_since = sweep.idle_since(now)
    start = _start(lock_accounts, scope)
    shut_out = [rows.shut_out(one, now) for one in outside if _matches(one.booking, query)]
    return Board(
        at=now,
        clock=here,
        headline=headline(
            [one.tone for one in known],
            len(outside),
            _count_staying(now, scope),
            observed=len(soon) - len(known),
            observes=bool(observed),
            idle_since=brief(idle_since, now, here.zone) if idle_since else "",
            is_new=not start.bookings,
        ),
        is_idle=idle_since is not None,
        outside=_list("outside", "May stand before a closed door", shut_out, show, whole),
        issues=found,
        more_issues=more,
        lists=tuple(_list(*one, show, whole) for one in _days(confirmed, now, query)),
        locks=locks,
        more_locks=more_locks,
        budgets=tuple(budgets(lock_accounts, now)),
        observed=observed,
        feeds=feeds["all"],
        unread_feeds=feeds["unread"],
        start=start,
        whole=whole,
    )


def _near(now: datetime, zones: Iterable[ZoneInfo]) -> Q:
    """Stays that begin or end today or tomorrow in one of the zones, and begun ones whose guest may be shut out."""
    midnights = [datetime.combine(now.astimezone(zone), time(), zone) for zone in zones] or [now]
    first, last = min(midnights), max(one + timedelta(days=2) for one in midnights)
    begins, ends = Q(check_in__gte=first, check_in__lt=last), Q(check_out__gte=first, check_out__lt=last)
    begun = Q(check_in__gt=now - _BEFORE, check_in__lt=first, check_out__gt=now) & rows.codeless(now)
    asked = (begins | ends | begun) & ~Q(status=Booking.Status.CANCELLED) | rows.outside(now)
    # This follows from the rest. It spares the database from judging every stay that ever was.
    return Q(check_out__gte=first, check_in__lt=last) & asked


def _count_staying(now: datetime, scope: Scope) -> int:
    """How many guests left whose code may still be on a lock. A stay that was cancelled before it began does not count:
    its code opens nothing yet."""
    still_open = sweep_checks.staying_codes(now) | sweep_checks.working_codes(now)
    left = visible(still_open, scope).filter(grant__starts_at__lte=now)
    return left.values("grant").distinct().count()


def _is_shut_out(stay: Stay) -> bool:
    """Whether the guest of a stay that has begun may be shut out: also where the code is still planned, since nothing
    is on the lock then."""
    if stay.tone is Tone.WAITING:
        return not stay.is_observed
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
    worst_first = sorted(found, key=lambda one: (WORST_FIRST.index(one.tone), one.moment, one.place))
    kept = worst_first if whole == key else worst_first[:SHOWN]
    return DayList(
        key=key,
        title=title,
        rows=tuple(kept),
        hidden=len(found) - len(kept),
        ready=sum(one.tone is Tone.READY for one in found),
        total=len(found),
    )


def _start(lock_accounts: Sequence[LockAccount], scope: Scope) -> Start:
    if scope.restricted:  # the next steps are for people who see everything
        return Start(accounts=True, locks=True, properties=True, bookings=True)
    return Start(
        accounts=bool(lock_accounts),
        locks=Lock.objects.exists(),
        properties=Property.objects.exists(),
        bookings=Booking.objects.exists(),
    )
