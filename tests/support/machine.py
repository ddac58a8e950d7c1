"""The world of the state machine: a house on a simulated cloud where everything may happen at any instant.

`World` does what people, time and bad luck do; `tests.support.machine_oracle` says what must hold. Randomness comes
from the caller, as plain numbers, so that a failing story can be told again.

What is made artificial, and nothing else: the clock (also the monotonic one), the random choice of code values (drawn
in order from a short pool, so that clashes happen), and death: a killed process does not run its `finally`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from pins.core.code_rules import is_valid
from pins.core.interpret import PreparedAttempt
from pins.desired import claims, drift
from pins.incidents import sweep_checks
from pins.models import LockState, Pin
from pins.models.pin import OBSERVED_COLUMNS, PLANNED_COLUMNS
from pins.reconcile import attempts, leases, observations, responses, run, sweep
from pins.reconcile.known import KnownLock
from pins.simulator.messages import Reply, Request
from pins.simulator.transport import CloudTransport
from rentals.models import Booking, Lock
from tests.support.house import House
from tests.support.machine_differences import Differences
from tests.support.machine_edits import Edits
from tests.support.machine_oracle import Watch

#: Not on a whole second: real clocks never are.
START = datetime(2027, 3, 1, 9, 0, 0, 400_000, tzinfo=UTC)
#: How long a lost write may land late, for us; in the cloud it lands earlier than that.
LATE_SECONDS = 30
LANDS_AFTER = 20.0
#: One run never needs so many requests; more is a loop that goes nowhere.
MOST_REQUESTS = 40
#: Code values in the order in which they are given out.
POOL = [value for number in range(0, 999_999, 2903) if is_valid(value := f"{number:06d}")]


class Crash(BaseException):
    """The process is killed. Nothing of ours catches it, as nothing catches SIGKILL."""


@dataclass(frozen=True)
class Mishap:
    """What happens to the next request that reaches a certain point.

    Points, in the order of a request's life: `noted` (written down, not sent), `sending`, `applied` (done, the device
    still busy), `answered` (the device is free, the answer not yet stored), `stored`.
    """

    point: str
    what: str  # "crash", "wait", "freeze", "edit", "rival"
    seconds: int = 0
    edit: tuple[str, int, int] | None = None


class World:
    """Two flats with a shared entrance. Leave it with `close`, which undoes everything in the database."""

    def __init__(self, *, seed: int, names_checked: bool = True, **cloud_settings: Any) -> None:
        self._stack = ExitStack()
        self.clock = self._stack.enter_context(time_machine.travel(START, tick=False))
        self._transaction = transaction.atomic()
        self._transaction.__enter__()
        self._patches = pytest.MonkeyPatch()
        self.house = House(late_seconds=LANDS_AFTER, names_checked=names_checked, **cloud_settings)
        self.cloud = self.house.cloud
        self.cloud.desk._seed = seed
        self.transport = _Transport(self)
        self.house.transport = self.transport
        self.mishaps: list[Mishap] = []
        self._dead = False
        self._depth = 0
        self._overtaken: dict[int, object] = {}
        self._requests = [0]  # of the runs under way; one may begin while another is frozen
        self._running: list[int] = []  # their locks
        self._patch()
        capacity = self.cloud.settings.capacity
        entrance, left, right = (self.house.lock(name) for name in ("Entrance", "Left", "Right"))
        Lock.objects.update(pin_capacity=capacity)
        self.flats = [
            self.house.flat(entrance, left, name="One"),
            self.house.flat(entrance, right, name="Two"),
        ]
        self.edits = Edits(self)
        self.watch = Watch(self)
        self.differences = Differences(self)

    def close(self) -> None:
        transaction.set_rollback(True)
        self._transaction.__exit__(None, None, None)
        self._patches.undo()
        self._stack.close()

    @property
    def now(self) -> datetime:
        return timezone.now()

    def locks(self) -> list[Lock]:
        return list(Lock.objects.order_by("pk"))

    def bookings(self) -> list[Booking]:
        return list(Booking.objects.select_related("property").order_by("pk"))

    # -- time and work ------------------------------------------------------------------------------------------

    def run(self, lock: Lock) -> int:
        """One run of one lock, by a worker that may die in it. Returns the requests it sent, -1 if it died."""
        self._requests.append(0)
        self._running.append(lock.pk)
        try:
            return run.reconcile_lock(lock.pk, clients=self.house.client).requests
        except Crash:
            self._dead = False
            return -1
        finally:
            self._requests.pop()
            self._running.pop()
            self._overtaken.pop(lock.pk, None)  # a comparison of the whole lock is settled without `settle`
            self.watch.look()

    def work(self, rounds: int = 20) -> None:
        """Run due locks until none is left that could go on now."""
        idle = 0  # rounds without a request: a lock may have to let another one probe the cloud first
        for _ in range(rounds):
            due = sweep.due_locks(self.now)
            if not due or idle == 2:
                return
            sent = [self.run(Lock.objects.get(pk=lock_id)) for lock_id in due]
            idle = 0 if any(sent) else idle + 1
        raise AssertionError("there is always more work: some step leads nowhere")

    def pass_time(self, span: timedelta) -> None:
        self.clock.shift(span)
        self.cloud.advance()
        self.watch.look()

    def come_to_rest(self, *, as_documented: bool = True) -> None:
        """End all trouble, let time pass until nothing is due soon, and judge what is there.

        What a difference of the cloud or a hand left behind is for the comparison with each lock's whole list to find.
        Unless the cloud is to be `as_documented`, its answers may go on to look otherwise.
        """
        self.mishaps.clear()
        self.differences.end(all_of_them=as_documented)
        self.cloud.set_faults("")
        self.cloud.desk._scripts.clear()
        for lock in self.cloud.locks():
            self.cloud.set_connected(lock.id, True)
            self.cloud.set_forbidden(lock.id, False)
        if self.watch.is_disturbed:
            LockState.objects.update(audit_at=self.now, full_list_at=None)
        horizon = self.now + timedelta(hours=3)
        drift.repair(self.now)
        for _ in range(200):
            self.work()
            following = self._next_moment()
            if following is None or following > horizon:
                if drift.repair(self.now):  # a stay came into its window while we waited
                    continue
                sweep_checks.check(self.now)
                self.watch.judge()
                return
            self.clock.move_to(following)
        raise AssertionError("the house does not come to rest")

    def _next_moment(self) -> datetime | None:
        moments: list[datetime | None] = []
        # A code that waits for room asks again and again; that alone would never end.
        moments += Pin.objects.exclude(wanted=True, admitted=False).values_list("next_try_at", flat=True)
        for state in LockState.objects.select_related("lock__account__operation"):
            moments += [state.paused_until, state.lease_until]
            if self.watch.is_disturbed:
                moments.append(state.audit_at)
            account = getattr(state.lock.account, "operation", None)
            moments.append(account.paused_until if account is not None else None)
        return min((moment for moment in moments if moment is not None and moment > self.now), default=None)

    # -- mishaps ------------------------------------------------------------------------------------------------

    def reached(self, point: str) -> None:
        """A request of the lock that runs reached a point of its life."""
        if self._depth or not self.mishaps or self.mishaps[0].point != point:
            return
        mishap = self.mishaps.pop(0)
        self._depth += 1
        try:
            self._befall(mishap, self._running[-1])
        finally:
            self._depth -= 1

    def _befall(self, mishap: Mishap, lock_id: int) -> None:
        if mishap.edit is not None:
            self.edits.apply(*mishap.edit)
        if mishap.what == "crash":
            self._dead = True
            raise Crash
        if mishap.what == "wait":  # well within the total deadline of a request
            self.clock.shift(timedelta(seconds=min(mishap.seconds, 35)))
        if mishap.what == "rival":
            sent = self.run(Lock.objects.get(pk=lock_id))
            assert sent == 0, "I5: two runs spoke to one lock at once"
        if mishap.what == "freeze":
            overtaken = self._freeze(lock_id, mishap.seconds)
            if overtaken and mishap.point == "answered":
                self._overtaken[lock_id] = self._observed(lock_id)

    def _freeze(self, lock_id: int, seconds: int) -> bool:
        """The process sleeps, the world goes on. Tells whether another run held the lock meanwhile."""
        owner = LockState.objects.values_list("lease_owner", flat=True).get(pk=lock_id)
        self.pass_time(timedelta(seconds=seconds))
        self.work()
        return LockState.objects.values_list("lease_owner", flat=True).get(pk=lock_id) != owner

    def _observed(self, lock_id: int) -> object:
        columns = [name for name in OBSERVED_COLUMNS if name not in PLANNED_COLUMNS]
        pins = Pin.objects.filter(lock_id=lock_id).order_by("pk")
        return [[getattr(pin, name) for name in columns] for pin in pins]

    def sending(self) -> None:
        self._requests[-1] += 1
        assert self._requests[-1] <= MOST_REQUESTS, "a run sends one request after the other and gets nowhere"

    # -- what is artificial -------------------------------------------------------------------------------------

    def _patch(self) -> None:
        monotonic = SimpleNamespace(monotonic=self._seconds)
        self._patches.setattr(leases, "time", monotonic)
        self._patches.setattr(run, "time", monotonic)
        self._patches.setattr(claims, "generate", first_free)
        self._wrap(leases, "release", self._release)
        self._wrap(attempts, "prepare", self._prepare)
        self._wrap(observations, "record", self._record)
        self._wrap(responses, "settle", self._settle)

    def _seconds(self) -> float:
        return timezone.now().timestamp()

    def _wrap(self, module: Any, name: str, wrapper: Callable[..., Any]) -> None:
        real = getattr(module, name)
        self._patches.setattr(module, name, lambda *args, **kwargs: wrapper(real, *args, **kwargs))

    def _release(self, real: Callable[..., Any], lease: leases.Lease) -> None:
        if not self._dead:
            real(lease)

    def _prepare(self, real: Callable[..., Any], known: KnownLock, *args: Any) -> Any:
        prepared = real(known, *args)
        if isinstance(prepared, PreparedAttempt):
            self.watch.judge_attempt(known.lock, prepared)
            self.reached("noted")
        return prepared

    def _record(self, real: Callable[..., Any], *args: Any) -> Any:
        result = real(*args)
        self.reached("stored")
        return result

    def _settle(self, real: Callable[..., Any], known: KnownLock, *args: Any) -> Any:
        newer = self._overtaken.pop(known.lock.pk, None)
        result = real(known, *args)
        if newer is not None:
            assert self._observed(known.lock.pk) == newer, "I9: a late worker overwrote what a later run had learned"
        return result


class _Transport(CloudTransport):
    """Carries requests and tells the world where they are."""

    def __init__(self, world: World) -> None:
        super().__init__(world.cloud, on_send=self._sending, on_request=self._applied)
        self._world = world

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return super().handle_request(request)
        finally:
            if not self._world._dead:
                self._world.reached("answered")

    def _sending(self, request: Request) -> None:
        self._world.sending()
        self._world.reached("sending")

    def _applied(self, request: Request, reply: Reply) -> None:
        self._world.reached("applied")


def first_free(length: int, taken: Collection[str]) -> str:
    """Where chance would choose a value: the next one of the pool."""
    return next(value for value in POOL if value not in taken)
