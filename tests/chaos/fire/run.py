"""One run: guests come and go, faults come in two lanes, then everything comes to rest and the judge looks."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from tests.chaos.fire import cloud_faults, faults, judge
from tests.chaos.fire.faults import Fault, Lane
from tests.chaos.fire.guests import Stay
from tests.chaos.fire.history import Blow, Ending, History
from tests.chaos.fire.machines import NotHere, database
from tests.chaos.fire.scene import Scene, scene
from tests.support.processes import DeskRefused

__all__ = ["Options", "Outcome", "cloud_faults", "run"]

#: Between two faults of one lane, in seconds.
PAUSES: Final = (1.0, 4.0)
#: How often stays and locks are compared while faults go on, in seconds.
LOOK_EVERY: Final = 2.0
#: A backup is made after this share of the run, and restored not before that one.
BACKUP_AT, RESTORE_AT = 0.3, 0.5
#: For 1,000 stays on 50 locks in ten minutes.
STAYS_A_MINUTE, LEAST_LOCKS, MOST_LOCKS = 100, 12, 50


@dataclass(frozen=True)
class Options:
    """`rest`: so many seconds all may take to come right after the last fault. `kinds`: all, if none is named."""

    database: str
    seed: int
    seconds: float
    rest: float = 900.0
    workers: int = 3
    kinds: tuple[str, ...] = ()

    @property
    def locks(self) -> int:
        return max(LEAST_LOCKS, min(MOST_LOCKS, round(self.seconds / 12)))

    def chosen(self) -> list[Fault]:
        """The kinds of this run. ValueError for an unknown name."""
        unknown = sorted(set(self.kinds) - set(faults.ALL))
        if unknown:
            raise ValueError(f"there is no fault {', '.join(unknown)}; there are {', '.join(sorted(faults.ALL))}")
        return [fault for fault in faults.ALL.values() if not self.kinds or fault.name in self.kinds]


@dataclass
class Outcome:
    """What a run showed."""

    options: Options
    history: History
    breaks: list[judge.Break]
    stays: int
    changes: int
    refused: int  # changes that the database did not take, or could not confirm
    host_waited: float  # the longest for one change, in seconds
    settled_after: float  # seconds from the last fault until all was right; negative: never
    deaths: Counter[str]
    skipped: dict[str, str]  # kinds that this machine cannot do, and why

    @property
    def blows(self) -> tuple[Blow, ...]:
        return self.history.blows


@dataclass
class _Lane:
    """One fault at a time, every kind once before any comes twice."""

    faults: Sequence[Fault]
    rng: random.Random
    next_at: float
    skipped: dict[str, str]
    may_restore: bool = False
    _waiting: list[Fault] = field(default_factory=list)
    _current: tuple[Fault, Iterator[str], datetime, str] | None = None
    _acts: bool = False  # what it does at this moment may wait for the other lane (`Scene.insist`)

    @property
    def is_busy(self) -> bool:
        return self._current is not None

    def step(self, scene: Scene, *, may_begin: bool = True) -> None:
        """Begin or end a fault, if its time has come."""
        if self._acts or time.monotonic() < self.next_at:
            return
        self._acts = True
        try:
            if self._current is not None:
                self.end(scene)
            elif self.faults and may_begin:
                self._begin(scene)
        finally:
            self._acts = False

    def _begin(self, scene: Scene) -> None:
        fault = self._choose()
        if fault is None:
            return
        blow, began = fault.blow(scene), datetime.now(UTC)
        try:
            detail = next(blow)
        except NotHere as reason:
            self.skipped[fault.name] = str(reason)
            self.faults = [other for other in self.faults if other is not fault]
            return
        print(f"    {began:%H:%M:%S} {fault.name}: {detail}", flush=True)
        self._current = (fault, blow, began, detail)
        self.next_at = time.monotonic() + self.rng.uniform(*fault.seconds)

    def _choose(self) -> Fault | None:
        if not self._waiting:
            self._waiting = self.rng.sample(list(self.faults), len(self.faults))
        for fault in self._waiting:
            if fault.name != judge.RESTORED or self.may_restore:
                self._waiting.remove(fault)
                return fault
        return None

    def end(self, scene: Scene) -> None:
        """End what is under way."""
        if self._current is None:
            return
        (fault, blow, began, detail), self._current = self._current, None
        with contextlib.suppress(StopIteration):
            next(blow)
        scene.blows.append(Blow(fault.name, began, datetime.now(UTC), detail))
        self.next_at = time.monotonic() + self.rng.uniform(*PAUSES)


class _Healing:
    """Notes when all that was wrong at the end of a fault is right again."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._next = scene, 0.0
        self._wrong: dict[int, set[object]] = {}  # by the number of the blow

    def look(self) -> None:
        if time.monotonic() < self._next or self._scene.cloud_is_silent:
            return
        self._next = time.monotonic() + LOOK_EVERY
        try:
            compared = self._scene.compared()
        except (DeskRefused, httpx.HTTPError):
            return
        wrong: set[object] = {*compared.missing, *compared.surplus, *compared.unsettled}
        for number, blow in enumerate(self._scene.blows):
            if blow.healed is None:
                left = self._wrong.get(number, wrong) & wrong
                self._wrong[number] = left
                if not left:
                    self._scene.blows[number] = replace(blow, healed=datetime.now(UTC))


def run(options: Options, folder: Path) -> Outcome:
    """Everything from the start to the verdict. Raises NotHere where the database is not installed."""
    with (
        database(options.database) as base,
        scene(base, folder, options.seed, locks=options.locks, workers=options.workers) as made,
    ):
        skipped: dict[str, str] = {}
        _under_fire(made, options, skipped)
        settled_after, ending = _come_to_rest(made, options.rest)
        history = made.history(ending)
        return Outcome(
            options=options,
            history=history,
            breaks=judge.judge(history),
            stays=made.guests.entered,
            changes=made.guests.changed,
            refused=made.guests.refused,
            host_waited=made.host_waited,
            settled_after=settled_after,
            deaths=made.deaths,
            skipped=skipped,
        )


def _under_fire(made: Scene, options: Options, skipped: dict[str, str]) -> None:
    begun = time.monotonic()
    lanes = {name: _lane(name, options, skipped) for name in ("machines", "cloud")}

    def step(*, may_begin: bool = True) -> None:
        for lane in lanes.values():
            lane.step(made, may_begin=may_begin)

    made.meanwhile = partial(step, may_begin=False)
    healing, booked, total = _Healing(made), 0.0, options.seconds * STAYS_A_MINUTE / 60
    while (passed := time.monotonic() - begun) < options.seconds:
        share = passed / options.seconds
        booked += _guests_come(made, min(total, total * share * 1.05) - booked)
        if made.backup is None and share >= BACKUP_AT and not lanes["machines"].is_busy:
            made.make_backup()
        lanes["machines"].may_restore = made.backup is not None and share >= RESTORE_AT
        step()
        made.supervise()
        healing.look()
        time.sleep(0.1)
    for lane in lanes.values():
        lane.end(made)
    _guests_come(made, total - booked)


def _lane(name: Lane, options: Options, skipped: dict[str, str]) -> _Lane:
    kinds = [fault for fault in options.chosen() if fault.lane == name]
    rng = random.Random(f"{name} {options.seed}")
    return _Lane(kinds, rng, time.monotonic() + rng.uniform(0, 3), skipped)


def _guests_come(made: Scene, due: float) -> int:
    """Book what is due, and change some of what is there. Answers how many were booked or refused."""
    count, guests = int(due), made.guests
    if count < 1:
        return 0
    stays = guests.arrivals(count)
    try:
        guests.booked(stays, made.ask("book_in_bulk", stays=stays))
    except DeskRefused:
        guests.refused += 1
        return count
    change = guests.change()
    if change is not None:
        action, fields, after = change
        _change(made, action, fields, after)
    return count


def _change(made: Scene, action: str, fields: dict[str, object], after: dict[int, Stay]) -> None:
    try:
        made.ask(action, **fields)
    except DeskRefused:
        made.guests.in_doubt(after)
    else:
        made.guests.took(after)


def _come_to_rest(made: Scene, seconds: float) -> tuple[float, Ending]:
    """Wait until nothing is wrong. Answers how long that took, negative when it never came, and how it is then."""
    begun, healing = time.monotonic(), _Healing(made)
    told = 0.0
    while (passed := time.monotonic() - begun) < seconds:
        made.supervise()
        healing.look()
        try:
            ending = made.ending()
            wrong = [*judge.at_rest(ending)]
        except DeskRefused:
            wrong = [judge.Break("end", "the database does not answer")]
        if not wrong:
            healing.look()
            now = datetime.now(UTC)
            made.blows[:] = [blow if blow.healed else replace(blow, healed=now) for blow in made.blows]
            return passed, ending
        if passed - told > 20:
            told = passed
            print(f"    {passed:5.0f} s of rest, {len(wrong)} not right yet: {wrong[0]}", flush=True)
        time.sleep(1)
    return -1.0, made.ending()
