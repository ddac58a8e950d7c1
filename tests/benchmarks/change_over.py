"""A Saturday on which everybody leaves and arrives, on one account with too few requests an hour.

`Saturday` lets the real sweep, budget and runs work through it in simulated time. `planned` is the exact plan of
somebody who knows beforehand what each request will be answered: earliest deadline first, each request at the first
moment that the budget allows, and nothing is spent on anything else. Guests who stand at the door are served before
those who have not come yet: the plan leaves nobody out in order to have more of the others ready.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import time_machine
from django.conf import settings
from django.utils import timezone

from pins.core import budget
from pins.core.pin_state import State
from pins.models import LockState, Pin, RateBudget
from pins.reconcile import sweep
from pins.simulator.faults import FaultDesk, FaultPlan
from pins.tasks import LONGEST_COUNTDOWN, SHORTEST_COUNTDOWN
from rentals.models import Lock
from tests.support.house import House

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FRIDAY = datetime(2027, 3, 5, 10, tzinfo=UTC)
#: Everybody leaves, and everybody who comes has booked or is allowed on the locks.
CHANGE_OVER = FRIDAY + DAY
#: When guests may come in, and how many in a hundred: most hosts say three or four o'clock.
CHECK_INS = {14: 15, 15: 40, 16: 25, 17: 8, 18: 7, 20: 3, 22: 2}
#: Worker threads, and seconds that a lock needs for a request.
THREADS, DEVICE = 32, 1.0


@dataclass(frozen=True)
class Size:
    """How much there is."""

    locks: int
    arrivals: int  # on each lock: two where it is the entrance of two flats
    limit: int  # requests an hour


@dataclass(frozen=True)
class Arrival:
    """A code that must be ready by a moment."""

    device_id: int
    check_in: datetime


@dataclass
class Figures:
    """What a Saturday came to."""

    arrivals: int
    in_time: int
    planned: int
    requests: int = 0
    runs: int = 0
    removed_early: int = 0  # removals while codes of arrivals were missing

    @property
    def ratio(self) -> float:
        return self.in_time / self.planned


# -- the plan -------------------------------------------------------------------------------------------------------


def moments_of_requests(limit: int, until: datetime) -> list[datetime]:
    """When each request may be sent at the earliest, by the rules of the budget."""
    rules, usage, now = budget.Rules(limit, settings.TEDEE_RATE_WINDOW), budget.Usage(), CHANGE_OVER
    moments: list[datetime] = []
    while now <= until:
        while (spent := budget.spend(usage, rules, now)) is not None:
            usage = spent
            moments.append(now)
        now = budget.affordable_at(usage, rules, now)
    return moments


def requests_needed(desk: FaultDesk, device_id: int) -> int:
    """How many requests one code costs: one, one more for each failure, and a look for each answer that was lost."""

    def fault_of(method: str) -> str:
        fault, rng = desk.next(device_id, method), desk.rng(device_id)
        rng.uniform(0, 0)  # the simulated lock draws how long it takes, and then the status of its answer
        if fault is not None and fault.masks:
            rng.choice(fault.statuses)
        return fault.name if fault is not None else ""

    sent = 0
    while True:
        sent += 1
        posted = fault_of("POST")
        if not posted:
            return sent
        if posted in ("timeout_applied", "timeout_lost"):
            sent += 1
            while fault_of("GET"):
                sent += 1
            if posted == "timeout_applied":
                return sent


def planned(arrivals: Sequence[Arrival], limit: int, desk: FaultDesk) -> int:
    """How many of the arrivals are ready in time."""
    moments = moments_of_requests(limit, max(one.check_in for one in arrivals))
    sent = in_time = 0
    for one in sorted(arrivals, key=lambda one: one.check_in):
        sent += requests_needed(desk, one.device_id)
        in_time += sent <= len(moments) and moments[sent - 1] <= one.check_in
    return in_time


# -- the real thing -------------------------------------------------------------------------------------------------


@dataclass(order=True)
class Message:
    """Wakes a lock."""

    at: datetime
    number: int
    lock: Lock = field(compare=False)


class Saturday:
    """Use as: `Saturday(clock, size, faults, seed).live()`."""

    def __init__(self, clock: time_machine.Traveller, size: Size, faults: str, seed: int) -> None:
        self.clock, self.size, self.rng = clock, size, random.Random(seed)
        self.desk: Callable[[], FaultDesk] = lambda: FaultDesk(seed, FaultPlan.parse(faults))
        clock.move_to(FRIDAY)
        self.house = House(audits=True, late_seconds=120.0)
        self.doors = [self.house.lock(f"Door {number}") for number in range(size.locks)]
        self.flats = [
            (door, self.house.flat(door, name=f"{door.name}-{number}", timezone="UTC"))
            for door in self.doors
            for number in range(size.arrivals)
        ]
        self.messages: list[Message] = []
        self.numbers = iter(range(10**9))
        self.ready_at: dict[int, datetime] = {}
        self.requests = self.runs = self.removed_early = 0

    def live(self) -> Figures:
        """The whole day until the last check-in."""
        self._before()
        arrivals = self._arrive()
        missing = Pin.objects.filter(grant__starts_at__gte=CHANGE_OVER).exclude(state=State.SET)
        ends, next_sweep = max(one.check_in for one in arrivals.values()), timezone.now()
        while timezone.now() <= ends and (self.messages or missing.exists()):
            if self.messages and self.messages[0].at <= next_sweep:
                self._run(heapq.heappop(self.messages))
                continue
            self._wait_until(next_sweep)
            next_sweep = timezone.now() + timedelta(seconds=settings.SWEEP_SECONDS)
            self._sweep()
        in_time = sum(self.ready_at.get(pk, ends + DAY) <= one.check_in for pk, one in arrivals.items())
        plan = planned(list(arrivals.values()), self.size.limit, self.desk())
        return Figures(len(arrivals), in_time, plan, self.requests, self.runs, self.removed_early)

    def _before(self) -> None:
        """Those who leave on Saturday have their codes, and the budget is untouched."""
        settings.TEDEE_RATE_LIMIT = 100_000
        for number, (_, flat) in enumerate(self.flats):
            self.house.stay(flat, FRIDAY - 3 * HOUR, CHANGE_OVER - FRIDAY + 3 * HOUR, name=f"Guest{number} Leaving")
        for door in self.doors:
            self.house.run(door)
        assert not Pin.objects.exclude(state=State.SET).exists()
        settings.TEDEE_RATE_LIMIT = self.size.limit
        self.clock.move_to(CHANGE_OVER)
        RateBudget.objects.update(usage={}, cutoff_at=None)
        self.house.cloud.desk = self.desk()
        self.house.cloud.sleep = lambda _: self.clock.shift(DEVICE / THREADS)
        self.house.cloud.settings = type(self.house.cloud.settings)(latency=(DEVICE, DEVICE), late_seconds=120.0)

    def _arrive(self) -> dict[int, Arrival]:
        """The bookings come in, in no order, and each wakes its lock. Returns the arrivals by the keys of the PINs."""
        hundred = [hour for hour, weight in CHECK_INS.items() for _ in range(weight)]
        hours = [hundred[100 * number // len(self.flats)] for number in range(len(self.flats))]
        self.rng.shuffle(hours)
        arrivals: dict[int, Arrival] = {}
        for number, ((door, flat), hour) in enumerate(zip(self.flats, hours, strict=True)):
            # Another guest: one who stays on would keep the code, and nothing would have to be done.
            stay = self.house.stay(flat, CHANGE_OVER.replace(hour=hour), 7 * DAY, name=f"Visitor{number} Coming")
            arrivals[Pin.objects.get(grant__booking=stay).pk] = Arrival(door.device_id, stay.check_in)
            self._send(timezone.now(), door)
        return arrivals

    def _sweep(self) -> None:
        """As `pins.tasks.sweep`, and with it the messages that it sends."""
        now = timezone.now()
        due = sweep.due_locks(now, sweep.ration(now))
        known = Lock.objects.select_related("account").in_bulk(due)
        for pk in due:
            self._send(now, known[pk])
        LockState.objects.filter(lock__in=due).exclude(dispatched_at__gt=now).update(dispatched_at=now)

    def _run(self, message: Message) -> None:
        """As `pins.tasks.run_lock`."""
        self._wait_until(message.at)
        report, lock = self.house.run(message.lock), message.lock
        self.runs, self.requests = self.runs + 1, self.requests + report.requests
        now = timezone.now()
        if report.requests:
            self._note(lock, now)
        if report.next_at is None or report.next_at - now > LONGEST_COUNTDOWN:
            return
        others = LockState.objects.exclude(dispatched_at__gt=now, dispatched_at__lte=report.next_at)
        if others.filter(lock=lock).update(dispatched_at=report.next_at):
            self._send(max(report.next_at, now + SHORTEST_COUNTDOWN), lock)

    def _note(self, lock: Lock, now: datetime) -> None:
        coming = Pin.objects.filter(lock=lock, grant__starts_at__gte=CHANGE_OVER)
        for pk in coming.filter(state=State.SET).values_list("pk", flat=True):
            self.ready_at.setdefault(pk, now)

    def _send(self, at: datetime, lock: Lock) -> None:
        heapq.heappush(self.messages, Message(at, next(self.numbers), lock))

    def _wait_until(self, moment: datetime) -> None:
        if moment > timezone.now():
            self.clock.move_to(moment)
