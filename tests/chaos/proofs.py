"""What a run must prove, read from the locks, the journal of the cloud and the front desk. Never names a code."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pins.core.alias import reference_in
from tests.support.paths import ROOT
from tests.support.processes import Stack

_REFERENCE = re.compile(r"#(\w+)$")
#: How long a wait may last. Usual are seconds; a lock that timed out six times in a row rests for five minutes.
PATIENCE = 600.0
#: Answers after which the client cannot know what became of a change.
DOUBTS = frozenset({"timeout_applied", "timeout_lost", "drop_applied"})


def seed_of_faults(usual: int) -> str:
    """Which requests fail. The usual seed makes a run repeatable, and keeps it from the rare row of five timeouts
    after which a lock rests for minutes; `CHAOS_SEED` explores others."""
    return os.environ.get("CHAOS_SEED") or str(usual)


def whole_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Differences:
    """How the locks, and what the database says about them, differ from what the bookings ask for."""

    missing: int  # pins that should be there with this value and period
    surplus: int  # pins of ours that should not be there, or say something else
    unsettled: int  # pins whose stored state is neither `set` nor `removed`

    def __bool__(self) -> bool:
        return bool(self.missing or self.surplus or self.unsettled)

    def __str__(self) -> str:
        return f"{self.missing} pins missing, {self.surplus} too many or different, {self.unsettled} not settled"


def differences(stack: Stack, *, settled: bool = True) -> Differences:
    """Compare exactly: for each current stay one pin on each of its doors, right value and period, and no other.

    With `settled` the database must say the same.
    """
    compared = compare(stack.desk.ask("stays"), stack.locks(), datetime.now(UTC))
    return Differences(compared.missing.total(), compared.surplus.total(), compared.unsettled.total() if settled else 0)


#: Device, reference, digits, begin and end of a code.
Place = tuple[int, str, str, datetime, datetime]


@dataclass(frozen=True)
class Comparison:
    """What differs, code by code. Keep it in memory: it holds digits."""

    wanted: Counter[Place]
    there: Counter[Place]
    unsettled: Counter[int]  # by booking

    @property
    def missing(self) -> Counter[Place]:
        return self.wanted - self.there

    @property
    def surplus(self) -> Counter[Place]:
        return self.there - self.wanted


def compare(stays: Iterable[Mapping[str, Any]], locks: Iterable[Mapping[str, Any]], now: datetime) -> Comparison:
    """What current stays ask for beside what the locks hold, apart from codes of other people."""
    wanted: Counter[Place] = Counter()
    unsettled: Counter[int] = Counter()
    for stay in stays:
        begins, ends = (datetime.fromisoformat(stay[name]) for name in ("check_in", "check_out"))
        lives = stay["confirmed"] and now < ends
        if lives:
            wanted.update((door, stay["reference"], stay["code"], begins, ends) for door in stay["doors"])
            unsettled[stay["id"]] += len(stay["doors"]) - len(stay["states"])
        word = "set" if lives else "removed"
        unsettled[stay["id"]] += sum(state != word for state in stay["states"].values())
    there = Counter(
        (
            lock["id"],
            reference_in(pin["aliasSent"]) or "",
            pin["pin"],
            *(datetime.fromisoformat(pin[name]) for name in ("startDate", "endDate")),
        )
        for lock in locks
        for pin in lock["pins"]
        if not pin["foreign"]
    )
    return Comparison(wanted, there, +unsettled)


def wait_until_right(stack: Stack, what: str, seconds: float = PATIENCE) -> None:
    """Wait until bookings, locks and database agree."""
    last = differences(stack)

    def agree() -> bool:
        nonlocal last
        last = differences(stack)
        return not last

    stack.wait_for(what, agree, seconds, every=0.5, progress=lambda: str(last))


def foreign_pins(stack: Stack) -> list[tuple[int, dict[str, Any]]]:
    """What other people have put on the locks, to the last detail."""
    return [(lock["id"], pin) for lock in stack.locks() for pin in lock["pins"] if pin["foreign"]]


#: Asked for once an hour and once a day, at any moment of a run: what a booking costs does not depend on these.
_NOT_FOR_A_CODE = ("/my/lock", "/my/personalaccesskey")


class Story:
    """The journal of the cloud, read once, without the list of locks and the end of the key."""

    def __init__(self, journal: Mapping[str, Any]) -> None:
        self.requests: list[dict[str, Any]] = [
            request for request in journal["requests"] if not request["path"].endswith(_NOT_FOR_A_CODE)
        ]
        self.changes: list[dict[str, Any]] = sorted(journal["changes"], key=lambda change: int(change["seq"]))

    @classmethod
    def of(cls, stack: Stack) -> Story:
        return cls(stack.journal())

    @property
    def faults(self) -> Counter[str]:
        return Counter(request["fault"] for request in self.requests if request["fault"])

    @property
    def by_method(self) -> Counter[str]:
        return Counter(request["method"] for request in self.requests)

    @property
    def collisions(self) -> list[dict[str, Any]]:
        """Requests that met another one of ours, told in two ways: by the cloud's mark and by unexplained 409s."""
        return [
            request
            for request in self.requests
            if request["collision"] or (request["status"] == 409 and request["fault"] != "busy")
        ]

    @property
    def overlaps(self) -> list[str]:
        """Times at which two requests to one device were under way, by arrival and answer: a second opinion."""
        busy_until: dict[int, str] = {}
        found = []
        for request in sorted(self.requests, key=lambda request: str(request["at"])):
            device = request["lock_id"]
            if request["at"] < busy_until.get(device, ""):
                found.append(f"lock {device} at {request['at']}")
            busy_until[device] = max(busy_until.get(device, ""), request["answered_at"])
        return found

    @property
    def doubles(self) -> list[str]:
        """Moments at which a lock held two pins of one booking."""
        held: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
        found = []
        for change in self.changes:
            if change["foreign"]:
                continue
            reference = _REFERENCE.search(change["alias"])
            if reference is None:
                found.append(f"a pin of ours without a reference on lock {change['lock_id']}")
                continue
            pins = held[change["lock_id"], reference[1]]
            if change["action"] == "created":
                pins.add(change["pin_id"])
            elif change["action"] != "updated":
                pins.discard(change["pin_id"])
            if len(pins) > 1:
                found.append(f"lock {change['lock_id']} held {len(pins)} pins #{reference[1]} at {change['at']}")
        return found

    def touched(self, foreign: Iterable[tuple[int, dict[str, Any]]]) -> list[str]:
        """Requests that aimed at a pin of somebody else, even only to read it."""
        theirs = {(lock, pin["id"]) for lock, pin in foreign}
        return [
            f"{request['method']} {request['path']}"
            for request in self.requests
            if (request["lock_id"], request["pin_id"]) in theirs
        ]

    def under_way_at(self, moment: datetime) -> int:
        """How many requests the cloud was working on at a moment."""
        text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return sum(request["at"] <= text < request["answered_at"] for request in self.requests)


def assert_never_wrong(stack: Stack, foreign: list[tuple[int, dict[str, Any]]]) -> Story:
    """What must hold at every instant of a run, whatever failed; `foreign` as it was before the first booking."""
    story = Story.of(stack)
    assert story.collisions == []
    assert story.overlaps == []
    assert story.doubles == []
    assert story.touched(foreign) == []
    assert foreign_pins(stack) == foreign, "a foreign pin was changed"
    assert not [change for change in story.changes if change["foreign"] and change["action"] != "created"]
    return story


def write_figures(name: str, lines: Sequence[str]) -> None:
    """Keep the figures of a run where `.ci/run` finds them, and show them."""
    folder = ROOT / "var" / "figures"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = "\n".join([name, *(f"  {line}" for line in lines)]) + "\n"
    (folder / f"{name}.txt").write_text(text)
    print(f"\n{text}", flush=True)


def told(story: Story) -> list[str]:
    """The figures that every run has."""
    faults = ", ".join(f"{name} {number}" for name, number in sorted(story.faults.items())) or "none"
    methods = ", ".join(f"{name} {number}" for name, number in sorted(story.by_method.items()))
    return [
        f"requests: {len(story.requests)} ({methods})",
        f"faults injected: {story.faults.total()} ({faults})",
        f"collisions (409 caused by us): {len(story.collisions)}",
        f"moments with two pins of one booking on a lock: {len(story.doubles)}",
    ]
