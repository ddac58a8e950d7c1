"""What the board shows, in as many queries for five hundred properties as for three. Reads no code and no secret."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from pins.board import day_lists, rows, undecided
from pins.board.after_loss import Restored, restored
from pins.board.clocks import Clock, clock
from pins.board.day_lists import DayList, Show
from pins.board.doubts import doubts_of
from pins.board.headline import Headline, headline
from pins.board.incident_rows import open_incidents
from pins.board.issues import Issue, issues
from pins.board.operations import BudgetLine, LockLine, budgets, locks_to_look_after
from pins.board.promise import Promise, promise
from pins.board.undecided import Questions
from pins.board.workers import Worker, said_ready, workers
from pins.incidents import sweep_checks
from pins.measures.promise import behind_since, lately
from pins.models import AccessGrant
from pins.reconcile import sweep
from pins.status import stay_lists
from pins.status.stay_lists import Stay
from pins.status.wording import Kind
from rentals.access import Scope, visible
from rentals.models import Booking, CalendarFeed, Lock, LockAccount, Property
from rentals.wording import Tone, brief

SOON = timedelta(hours=24)
#: The key of the list of issues, and how many of them are shown unasked.
ISSUES, FEW_ISSUES = "issues", 8
#: The keys of the lists of guests whose stay runs, and of stays that somebody looked for.
IN_HOUSE, FOUND = "in-house", "found"


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

    @property
    def is_empty(self) -> bool:
        return not (self.accounts or self.locks or self.properties or self.bookings)


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the board shows."""

    at: datetime  # UTC
    clock: Clock
    headline: Headline
    is_idle: bool  # the periodic work has stopped
    outside: DayList  # guests whose stay has begun and who may be shut out
    questions: Questions  # calendar rows that may be stays
    found: DayList  # what a search found beside the other lists
    finds_more: bool  # perhaps: it stops at some number
    in_house: DayList  # the other guests whose stay has begun
    issues: tuple[Issue, ...]
    more_issues: int  # how many there are beside these
    lists: tuple[DayList, ...]
    locks: tuple[LockLine, ...]
    more_locks: int
    budgets: tuple[BudgetLine, ...]
    promise: Promise  # how it was kept lately
    restored: Restored | None  # a backup was, and not everything is as usual yet
    observed: tuple[ObservedAccount, ...]  # beside those that wait since then
    feeds: int  # switched on
    unread_feeds: int  # of these, not read at the last try
    start: Start
    workers: tuple[Worker, ...]  # who works between two stays
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


def load(now: datetime, *, scope: Scope, query: str = "", show: Show = Show.ALL, whole: str = "") -> Board:
    """`now`: UTC. `query` and `show` narrow the lists: to guests and properties with these words, and to stays that ask
    for something. `whole`: the key of a list to show in full."""
    named = visible(Property.objects.order_by(), scope).values_list("timezone", flat=True).distinct()
    zones = [ZoneInfo(name) for name in named]
    here = clock(now, zones)
    near = [stay_lists.stay_of(one, now) for one in stay_lists.load(_near(now, zones), scope)]
    confirmed = [one for one in near if one.booking.status == Booking.Status.CONFIRMED]
    soon = [one for one in near if now < one.booking.check_in <= now + SOON]
    staying_on = stay_lists.between_stays(confirmed, now)
    runs = [one for one in near if one.booking.check_in <= now < one.booking.check_out or one.booking.pk in staying_on]
    begun = [one for one in runs if one.booking.status == Booking.Status.CONFIRMED]
    outside = [one for one in begun if _is_shut_out(one, now)]
    incidents = open_incidents(scope)
    found, more = issues(now, [*outside, *soon], incidents, present=begun)
    questions = undecided.load(now, scope)
    doubts = doubts_of(soon, runs, undecided.near(questions.rows), incidents, scope)
    soon = [one for one in soon if one.booking.status == Booking.Status.CONFIRMED]
    locks, more_locks = locks_to_look_after(now, scope)
    lock_accounts = list(visible(LockAccount.objects.defer(*LockAccount.SECRETS), scope))
    lost = restored(now, scope, here.zone)
    observed = [ObservedAccount(one.pk, one.name) for one in lock_accounts if one.observe_only]
    waiting = {one.account_id for one in lost.waiting} if lost is not None else set()
    active = visible(CalendarFeed.objects.filter(is_active=True), scope)
    feeds = active.aggregate(all=Count("pk"), unread=Count("pk", filter=Q(state__failures__gt=0)))
    known = [one for one in soon if not one.is_observed]
    idle_since, counted = sweep.idle_since(now), behind_since(now)
    start = _start(lock_accounts, scope)
    shut_out = [rows.shut_out(one, now) for one in outside if day_lists.matches(one.booking, query)]
    at_the_door = {one.booking.pk for one in outside}
    inside = [one for one in begun if one.booking.pk not in at_the_door and day_lists.matches(one.booking, query)]
    here_now = [rows.in_house(one, now, next_from=staying_on.get(one.booking.pk)) for one in inside]
    days = list(day_lists.days(near, now, query, said_ready(now, scope)))
    listed = {row.booking_id for _key, _title, ones in days for row in ones} | {one.booking.pk for one in begun}
    elsewhere = day_lists.look_for(query, listed, now, scope) if query else []
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
            doubts=doubts,
        ),
        is_idle=idle_since is not None,
        outside=day_lists.cut("outside", _("May stand before a closed door"), shut_out, show, whole),
        questions=questions,
        found=day_lists.cut(FOUND, _("Other stays"), elsewhere, Show.ALL, whole, in_order=True),
        finds_more=len(elsewhere) == day_lists.MOST_FOUND,
        in_house=day_lists.cut(IN_HOUSE, _("In the house"), here_now, show, whole),
        issues=found,
        more_issues=more,
        lists=tuple(day_lists.cut(*one, show, whole) for one in days),
        locks=locks,
        more_locks=more_locks,
        budgets=tuple(budgets(lock_accounts, now)),
        promise=promise(lately(now, scope), brief(counted, now, here.zone) if counted is not None else ""),
        restored=lost,
        observed=tuple(one for one in observed if one.account_id not in waiting),
        feeds=feeds["all"],
        unread_feeds=feeds["unread"],
        start=start,
        workers=workers(now, scope),
        whole=whole,
    )


def _near(now: datetime, zones: Iterable[ZoneInfo]) -> Q:
    """Stays that begin or end today or tomorrow in one of the zones, and those that run."""
    midnights = [datetime.combine(now.astimezone(zone), time(), zone) for zone in zones] or [now]
    first, last = min(midnights), max(one + timedelta(days=2) for one in midnights)
    begins, ends = Q(check_in__gte=first, check_in__lt=last), Q(check_out__gte=first, check_out__lt=last)
    runs = Q(check_in__lte=now, check_out__gt=now)
    # The first part follows from the rest. It spares the database from judging every stay that ever was.
    return Q(check_out__gte=first, check_in__lt=last) & (begins | ends | runs) & ~Q(status=Booking.Status.CANCELLED)


def _count_staying(now: datetime, scope: Scope) -> int:
    """How many guests left whose code may still be on a lock. A stay that was cancelled before it began does not count:
    its code opens nothing yet."""
    still_open = sweep_checks.staying_codes(now) | sweep_checks.working_codes(now) | sweep_checks.second_codes(now)
    left = visible(still_open, scope).filter(grant__starts_at__lte=now, grant__kind=AccessGrant.Kind.GUEST)
    return left.values("grant").distinct().count()


def _is_shut_out(stay: Stay, now: datetime) -> bool:
    """Whether the guest of a stay that has begun may be shut out: also where the code is still planned, since nothing
    is on the lock then. Not one whose code a person took away, nor where Turnkey only observes."""
    if stay.is_observed or stay.badge.kind is Kind.REVOKED or stay.tone is Tone.READY:
        return False
    return not stay.opens(now)


def _start(lock_accounts: Sequence[LockAccount], scope: Scope) -> Start:
    if scope.restricted:  # the next steps are for people who see everything
        return Start(accounts=True, locks=True, properties=True, bookings=True)
    return Start(
        accounts=bool(lock_accounts),
        locks=Lock.objects.exists(),
        properties=Property.objects.exists(),
        bookings=Booking.objects.exists(),
    )
