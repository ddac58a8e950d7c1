"""Everything at any time: Hypothesis interleaves people, faults, crashes, frozen workers and the clock.

Invariants: at most one of our PINs per grant and lock at any instant (I1); at rest, every stay has its PIN with the
right value and period on every lock of it, or an open incident (I2); no PIN of ours outlives its right (I3); foreign
PINs are never touched (I4); one request at a time per lock (I5); a late worker overwrites nothing (I9).

`TURNKEY_HYPOTHESIS_PROFILE=thorough` looks for longer.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from pytest_django import Settings

from pins.desired import drift
from tests.support.machine import LATE_SECONDS, Mishap, World
from tests.support.machine_differences import SWITCHES
from tests.support.machine_edits import Edits

_PROFILES = {
    "default": settings(max_examples=20, stateful_step_count=25),
    "thorough": settings(max_examples=2000, stateful_step_count=40),
}
_PROFILE = settings(
    _PROFILES[os.environ.get("TURNKEY_HYPOTHESIS_PROFILE", "default")],
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)

AMOUNTS = st.sampled_from(
    [60, 1, 5, 20, 30, 121, 600, 3600, 7200, 86400, 3 * 86400, 40 * 86400, -5, -60, -3600, -86400, -3 * 86400]
)
SPANS = st.sampled_from([1, 1, 2, 5, 10, 15, 19, 21, 29, 31, 45, 61, 90, 120, 300, 1800, 3700, 6 * 3600, 86400])
WHICH = st.integers(0, 5)
NOTHING = st.none()
FAULTS = (
    "late",
    "late",
    "drop_late",
    "timeout_applied",
    "timeout_lost",
    "drop_applied",
    "drop_lost",
    "hang",
    "server_error",
    "server_error_applied",
    "html_error_applied",
    "html_404",
    "busy",
    "offline",
    "ok",
    "403",
)
METHODS = ("", "", "", "POST:", "PUT:", "DELETE:")
SCRIPTS = st.lists(st.tuples(st.sampled_from(METHODS), st.sampled_from(FAULTS)), min_size=1, max_size=4)
PLANS = (
    "",
    "timeout_applied=0.2,timeout_lost=0.2,busy=0.1",
    "late=0.3,writes_only",
    "late=0.4,timeout_applied=0.2,writes_only",
    "drop_late=0.2,hang=0.1,server_error_applied=0.2,offline=0.1",
    "html_404=0.5",
)


def edits(*names: str) -> st.SearchStrategy[tuple[str, int, int]]:
    return st.tuples(st.sampled_from(names), WHICH, AMOUNTS)


ANY_EDIT = st.one_of(
    *(edits(*names) for names in (Edits.STAYS, Edits.STAYS, Edits.CODES, Edits.PLACES, Edits.PHYSICAL, Edits.HANDS))
)
MISHAPS = st.one_of(
    st.builds(Mishap, st.sampled_from(["noted", "sending", "applied", "answered", "stored"]), st.just("crash")),
    st.builds(
        Mishap,
        st.sampled_from(["noted", "answered"]),
        st.just("freeze"),
        st.sampled_from([10, 61, 61, 90, 600]),
        st.none() | ANY_EDIT,
    ),
    st.builds(Mishap, st.sampled_from(["applied", "answered", "stored"]), st.just("edit"), st.just(0), ANY_EDIT),
    st.builds(Mishap, st.just("applied"), st.sampled_from(["rival", "wait"]), st.sampled_from([1, 21, 35])),
)


class HouseMachine(RuleBasedStateMachine):
    world: World | None = None

    @initialize(
        seed=st.integers(0, 1000),
        id_reuse=st.booleans(),
        expiry_lag=st.sampled_from([0.0, 0.0, 300.0, 10_000.0]),
        capacity=st.sampled_from([100, 100, 8]),
        reject_past_start=st.booleans(),
        busy_after_timeout=st.sampled_from([0.0, 3.0]),
        names_checked=st.sampled_from([True, True, False]),
        first=st.lists(edits("book", "book", "book_running"), min_size=1, max_size=3),
    )
    def build(
        self,
        seed: int,
        id_reuse: bool,
        expiry_lag: float,
        capacity: int,
        reject_past_start: bool,
        busy_after_timeout: float,
        names_checked: bool,
        first: list[tuple[str, int, int]],
    ) -> None:
        self.world = World(
            seed=seed,
            id_reuse=id_reuse,
            expiry_lag=expiry_lag,
            capacity=capacity,
            reject_past_start=reject_past_start,
            busy_after_timeout=busy_after_timeout,
            names_checked=names_checked,
        )
        for edit in first:
            self.world.edits.apply(*edit)

    @property
    def here(self) -> World:
        assert self.world is not None
        return self.world

    @rule(edit=ANY_EDIT, script=NOTHING | SCRIPTS, mishap=NOTHING | MISHAPS, seconds=SPANS, again=ANY_EDIT | NOTHING)
    def something_happens(
        self,
        edit: tuple[str, int, int],
        script: list[tuple[str, str]] | None,
        mishap: Mishap | None,
        seconds: int,
        again: tuple[str, int, int] | None,
    ) -> None:
        """Somebody changes something, the locks have a bad moment, and time goes on."""
        here = self.here
        here.edits.apply(*edit)
        if script is not None:
            for lock in here.locks():
                here.cloud.script(lock.device_id, [method + fault for method, fault in script])
        here.mishaps[:] = [] if mishap is None else [mishap]
        here.work()
        if again is not None:
            here.edits.apply(*again)
        here.pass_time(timedelta(seconds=seconds))
        here.work()

    @rule(plan=st.sampled_from(PLANS))
    def set_chances(self, plan: str) -> None:
        self.here.cloud.set_faults(plan)

    @rule(name=st.sampled_from(sorted(SWITCHES)), edit=ANY_EDIT, seconds=SPANS)
    def cloud_differs(self, name: str, edit: tuple[str, int, int], seconds: int) -> None:
        """From now on the cloud does something that no document says."""
        self.here.differences.switch_on(name)
        self.here.edits.apply(*edit)
        self.here.work()
        self.here.pass_time(timedelta(seconds=seconds))

    @rule(which=WHICH)
    def cloud_is_as_documented(self, which: int) -> None:
        self.here.differences.switch_off(which)

    @rule(which=WHICH)
    def run_one_lock(self, which: int) -> None:
        self.here.run(self.here.locks()[which % 3])

    @rule(seconds=SPANS)
    def let_time_pass(self, seconds: int) -> None:
        self.here.pass_time(timedelta(seconds=seconds))

    @rule(seconds=st.sampled_from([1, 3, 10, 40]))
    def sweep_again_and_again(self, seconds: int) -> None:
        for _ in range(5):
            self.here.pass_time(timedelta(seconds=seconds))
            self.here.work()

    @rule()
    def check_drift(self) -> None:
        drift.repair(self.here.now)

    @rule(as_documented=st.booleans())
    def come_to_rest(self, as_documented: bool) -> None:
        self.here.come_to_rest(as_documented=as_documented)

    def teardown(self) -> None:
        if self.world is None:
            return
        try:
            if sys.exc_info()[0] is None:
                self.world.come_to_rest(as_documented=False)
                self.world.pass_time(timedelta(days=90))
                self.world.come_to_rest(as_documented=True)
        finally:
            self.world.close()


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.timeout(24 * 3600)
def test_the_invariants_hold_whatever_happens(settings: Settings) -> None:
    settings.LATE_SECONDS = LATE_SECONDS
    settings.TEDEE_RATE_LIMIT = 1_000_000  # scarcity has tests of its own
    run_state_machine_as_test(HouseMachine, settings=_PROFILE)
