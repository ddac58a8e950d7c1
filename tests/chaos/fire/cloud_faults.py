"""What happens to the lock cloud, the locks and the key, and what hands in the app do."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from pins.core.alias import reference_in
from pins.simulator.faults import KINDS
from pins.simulator.messages import instant_text
from tests.chaos.fire.faults import fault
from tests.chaos.fire.scene import LATE_SECONDS, USUAL_FAULTS, Scene

#: A request that hangs lasts for its whole deadline.
_RARE: Final = frozenset({"hang", "hang_applied", "hang_lost", "slow_byte"})
#: What `late_writes` leaves again.
_USUAL_LATE: Final = 5.0


@contextlib.contextmanager
def _answers(scene: Scene, text: str) -> Iterator[None]:
    scene.stack.control("faults", text=text)
    try:
        yield
    finally:
        scene.stack.control("faults", text=USUAL_FAULTS)


@contextlib.contextmanager
def _settings(scene: Scene, meanwhile: dict[str, object], after: dict[str, object]) -> Iterator[None]:
    scene.stack.control("settings", **meanwhile)
    try:
        yield
    finally:
        scene.stack.control("settings", **after)


def _some_locks(scene: Scene, most: int) -> list[dict[str, Any]]:
    return scene.rng.sample(scene.stack.locks(), scene.rng.randint(1, most))


@fault("cloud", 4, 15)
def every_answer(scene: Scene) -> Iterator[str]:
    """Every kind of failure that the simulator knows, for half of all requests."""
    text = ",".join(f"{name}={0.004 if name in _RARE else 0.035}" for name in KINDS)
    with _answers(scene, text):
        yield f"{len(KINDS)} kinds of failure, half of all requests"


@fault("cloud", 4, 12)
def late_writes(scene: Scene) -> Iterator[str]:
    """Writes reach the lock long after we were told that they failed, and after we looked."""
    late = LATE_SECONDS + scene.rng.randint(5, 20)
    with (
        _settings(scene, {"late_seconds": float(late)}, {"late_seconds": _USUAL_LATE}),
        _answers(scene, "late=0.25,drop_late=0.1"),
    ):
        yield f"a third of the writes land {late} s later, {LATE_SECONDS} s are promised"


@fault("cloud", 5, 20)
def lists_lag(scene: Scene) -> Iterator[str]:
    lag, lost = scene.rng.randint(5, 30), "timeout_applied=0.1,timeout_lost=0.1"
    with (
        _settings(scene, {"list_lag": float(lag)}, {"list_lag": 0.0}),
        _answers(scene, lost),
    ):
        yield f"lists show what was {lag} s ago, and every fifth answer is lost"


@fault("cloud", 8, 25)
def locks_offline(scene: Scene) -> Iterator[str]:
    """For an hour, in compressed time."""
    locks = [lock["id"] for lock in _some_locks(scene, 4)]
    for lock in locks:
        scene.stack.control(f"locks/{lock}/plug", connected=False)
    yield f"offline: {', '.join(map(str, locks))}"
    for lock in locks:
        scene.stack.control(f"locks/{lock}/plug", connected=True)


@fault("cloud", 2, 8)
def key_revoked(scene: Scene) -> Iterator[str]:
    """A person revokes the key, and enters the new one when codes fail."""
    scene.stack.control("keys", label="demo", revoked=True)
    yield "the key was revoked, and a new one entered"
    scene.key = f"a-key-of-the-tests-{scene.rng.randrange(10**9)}"
    scene.stack.control("keys", label="demo", key=scene.key)  # a new key for the same user
    scene.insist("change_key", key=scene.key)


@fault("cloud", 4, 12)
def no_room(scene: Scene) -> Iterator[str]:
    locks = [lock["id"] for lock in _some_locks(scene, 3)]
    for lock in locks:
        scene.stack.control(f"locks/{lock}/room", claims_full=True)
    yield f"no room for a new code: {', '.join(map(str, locks))}"
    for lock in locks:
        scene.stack.control(f"locks/{lock}/room", claims_full=False)


@fault("cloud", 0.5, 2)
def hands_in_the_app(scene: Scene) -> Iterator[str]:
    """A person deletes, narrows and renames codes of ours, each only once, and adds one of their own."""
    done = []
    locks = _some_locks(scene, 6)
    for lock in locks:
        ours = [(reference_in(pin["aliasSent"]) or "", pin) for pin in lock["pins"] if not pin["foreign"]]
        left = [(reference, pin) for reference, pin in ours if (lock["id"], reference) not in scene.handled]
        if left:
            reference, pin = scene.rng.choice(left)
            scene.handled.add((lock["id"], reference))
            with contextlib.suppress(httpx.HTTPStatusError):  # it ended or was removed meanwhile
                done.append(_by_hand(scene, lock["id"], pin["id"]))
    guest_of_theirs = scene.rng.choice(locks)["id"]
    made = scene.stack.control("foreign-pin", lock_id=guest_of_theirs, alias="Plumber")["id"]
    for lock in scene.stack.locks():
        if lock["id"] == guest_of_theirs:
            added = {**lock, "pins": [pin for pin in lock["pins"] if pin["id"] == made]}
            scene.foreign += scene.foreign_of(added)
    yield f"{', '.join(done) or 'nothing'} of ours; one code added"


def _by_hand(scene: Scene, lock: int, pin: int) -> str:
    kind = scene.rng.choice(("deleted", "narrowed", "renamed"))
    if kind == "deleted":
        scene.stack.control("remove-pin", lock_id=lock, pin_id=pin)
    elif kind == "narrowed":
        early = instant_text(datetime.now(UTC) + timedelta(minutes=30))
        scene.stack.control("change-pin", lock_id=lock, pin_id=pin, endDate=early)
    else:
        scene.stack.control("change-pin", lock_id=lock, pin_id=pin, alias="Guest on the left")
    return kind


@fault("cloud", 5, 15)
def cloud_fails(scene: Scene) -> Iterator[str]:
    """The whole API answers with errors of a gateway."""
    with _answers(scene, "server_error=0.3,server_error_applied=0.1,html_error=0.3,html_404=0.1,drop_lost=0.2"):
        yield "no request was answered as it should"


@fault("cloud", 5, 15)
def cloud_silent(scene: Scene) -> Iterator[str]:
    """The whole API hangs (SIGSTOP): requests wait, and are done when it goes on."""
    pid = scene.stack.simulator.pid
    assert pid is not None
    scene.cloud_is_silent = True
    os.kill(pid, signal.SIGSTOP)
    try:
        yield "SIGSTOP of the cloud"
    finally:
        os.kill(pid, signal.SIGCONT)
        scene.cloud_is_silent = False
