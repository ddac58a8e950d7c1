"""One installation under fire: workers, beats, a front desk, a broker, a database, and the simulated cloud."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pins.core.alias import reference_in
from pins.simulator.journal import PinChange
from tests.chaos import proofs
from tests.chaos.fire.guests import Guests, Stay
from tests.chaos.fire.history import Blow, Code, Ending, History, Rules, Wish, request_of
from tests.chaos.fire.machines import Database, MachineClock
from tests.support.paths import ROOT
from tests.support.processes import Child, DeskRefused, Stack

CELERY: Final = ("-m", "celery", "-A", "config")
#: Requests that fail between the faults too.
USUAL_FAULTS: Final = "timeout_applied=0.02,timeout_lost=0.02,busy=0.02,offline=0.01,drop_applied=0.01"
LATE_SECONDS: Final = 8
AUDIT_SECONDS: Final = 15
#: So many seconds of waiting are worth a line.
SLOW: Final = 5.0
#: The comparison finds a second code, a killed run keeps its lease for a minute before that, and then it is removed.
RULES: Final = Rules(limit=600, window=60.0, look=AUDIT_SECONDS + LATE_SECONDS + 60.0 + 7.0, under_way=12)
_SETTINGS: Final = {
    "AUDIT_SECONDS": str(AUDIT_SECONDS),
    "LATE_SECONDS": str(LATE_SECONDS),
    "SWEEP_SECONDS": "2",
    "TEDEE_RATE_LIMIT": str(RULES.limit),
    "TEDEE_RATE_WINDOW": str(round(RULES.window)),
    "TEDEE_MAX_IN_FLIGHT": str(RULES.under_way),
    "FEED_MAX_IN_FLIGHT": "1",
    "NOTIFY_MAX_IN_FLIGHT": "1",
}
_NO_STAY: Final = (None, None)
_CLOUD: Final = {"rate_limit": RULES.limit, "rate_window": RULES.window, "late_seconds": 5}


@dataclass
class Scene:
    """What faults act on. `deaths` counts processes that ended by themselves and were started again, by name."""

    stack: Stack
    database: Database
    clock: MachineClock
    rng: random.Random
    guests: Guests
    workers: list[Child]
    beats: list[Child]
    key: str
    blows: list[Blow] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)  # codes of other people, as they put them there
    handled: set[tuple[int, str]] = field(default_factory=set)  # codes of ours that a hand has touched
    cloud_is_silent: bool = False
    deaths: Counter[str] = field(default_factory=Counter)
    host_waited: float = 0.0  # the longest that the host waited for one change, in seconds
    backup: Path | None = None
    meanwhile: Callable[[], object] = lambda: None  # what goes on while the front desk is asked again and again
    _ledger_then: dict[int, Stay] = field(default_factory=dict)
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)

    # -- processes ----------------------------------------------------------------------------------------------

    @property
    def ours(self) -> list[Child]:
        return [*self.workers, *self.beats]

    def supervise(self) -> None:
        """Start again what ended by itself, as the supervisor or the container runtime does."""
        for child in self.ours:
            if child.pid is not None and not child.runs:
                self.deaths[child.name] += 1
                child.kill()
                child.start()
        if not self.stack.desk.child.runs:
            self.deaths["desk"] += 1
            self.stack.desk.child.kill()
            self.stack.desk.start()
        if not self.stack.simulator.runs:
            raise AssertionError("the simulated cloud ended")

    def manage(self, *command: str) -> str:
        """Run a command of `manage.py` to its end; answers what it printed. Raises AssertionError."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.stack.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode:
            raise AssertionError(f"manage.py {command[0]} failed: {done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return done.stdout

    def insist(self, action: str, **fields: object) -> Any:
        """Ask the front desk until the database does it."""

        def ask() -> tuple[Any] | None:
            self.supervise()
            self.meanwhile()  # a fault of the other lane may be what keeps the database from doing it
            with contextlib.suppress(DeskRefused):
                return (self.stack.desk.ask(action, **fields),)
            return None

        return self.stack.wait_for(f"the front desk may {action}", ask, 120, every=0.5)[0]

    def ask(self, action: str, **fields: object) -> Any:
        """Ask the front desk once, and note how long the host waited. Raises DeskRefused."""
        begun = time.monotonic()
        try:
            return self.stack.desk.ask(action, **fields)
        finally:
            self.host_waited = max(self.host_waited, time.monotonic() - begun)
            if time.monotonic() - begun > SLOW:
                print(f"    the host waited {time.monotonic() - begun:.0f} s for {action}", flush=True)

    # -- backups ------------------------------------------------------------------------------------------------

    def make_backup(self) -> None:
        """Keep everything as it is now."""
        path = self.stack.folder / f"backup-{len(list(self.stack.folder.glob('backup-*')))}"
        self.manage("backup", str(path))
        self.backup, self._ledger_then = path, dict(self.guests.ledger)

    def bring_back(self) -> None:
        """The machine was lost; this is the new one, with the backup. What was entered since is lost with it."""
        if self.backup is None:
            raise AssertionError("there is no backup yet")
        for child in self.ours:
            child.kill()
        self.insist("a_minute_passes")
        self.manage("restore", str(self.backup), "--replace")
        self.guests.restored(self._ledger_then)
        entered = None
        while entered != self.key:  # a new one may come while the host insists on the former
            entered = self.key
            self.insist("change_key", key=entered)
        for child in self.ours:
            child.start()

    # -- looking ------------------------------------------------------------------------------------------------

    def mark(self, digits: str) -> str:
        """The same for the same digits within this run, and nothing else can be told from it."""
        return hashlib.blake2s(digits.encode(), key=self._salt, digest_size=6).hexdigest()

    def foreign_of(self, lock: Mapping[str, Any]) -> list[str]:
        """Codes of other people on a lock, to the last detail but the digits."""
        return [
            json.dumps({"lock": lock["id"], **pin, "pin": self.mark(pin["pin"])}, sort_keys=True)
            for pin in lock["pins"]
            if pin["foreign"]
        ]

    def compared(self) -> proofs.Comparison:
        """Stays and locks at this moment. Raises DeskRefused."""
        return proofs.compare(self.stack.desk.ask("stays"), self.stack.locks(), datetime.now(UTC))

    def ending(self) -> Ending:
        """How it is now. Raises DeskRefused."""
        ask = self.stack.desk.ask
        stays, locks, told = ask("stays"), self.stack.locks(), ask("told")
        compared = proofs.compare(stays, locks, datetime.now(UTC))
        reference_of = {stay["id"]: stay["reference"] for stay in stays}
        states = {stay["id"]: stay["states"] for stay in stays}
        rows = {stay["id"]: stay for stay in stays}
        return Ending(
            wished=self._codes(compared.wanted),
            found=self._codes(compared.there),
            known=frozenset(ask("known")),
            told=frozenset(told["references"]),
            strays=frozenset(told["strays"]),
            renamed=frozenset(
                reference
                for lock in locks
                for pin in lock["pins"]
                if not pin["foreign"]
                and reference_in(pin["alias"]) is None
                and (reference := reference_in(pin["aliasSent"])) is not None
            ),
            foreign_before=tuple(sorted(self.foreign)),
            foreign_after=tuple(sorted(text for lock in locks for text in self.foreign_of(lock))),
            unsettled=tuple(
                f"stay {booking}: {states[booking]}"
                for booking in compared.unsettled
                if reference_of[booking] not in told["references"]
            ),
            lost=tuple(self.guests.lost(rows)),
            open_attempts=ask("open_attempts"),
        )

    def _codes(self, places: Mapping[proofs.Place, int]) -> tuple[Code, ...]:
        return tuple(
            Code(lock, reference, self.mark(digits), starts, ends)
            for (lock, reference, digits, starts, ends), count in sorted(places.items())
            for _ in range(count)
        )

    def history(self, ending: Ending) -> History:
        """Everything until now."""
        journal = self.stack.journal()
        references = {stay["id"]: stay["reference"] for stay in self.insist("stays")}
        wishes = (
            Wish(
                at,
                references[booking],
                *((stay.check_in, stay.check_out) if stay.confirmed and stay.sure else _NO_STAY),
            )
            for at, booking, stay in self.guests.told
            if references.get(booking)
        )
        return History(
            RULES,
            tuple(map(request_of, journal["requests"])),
            tuple(map(PinChange.from_json, journal["changes"])),
            tuple(self.blows),
            tuple(wishes),
            ending,
        )


@contextlib.contextmanager
def scene(
    database: Database, folder: Path, seed: int, *, locks: int, workers: int = 3, beats: int = 2
) -> Iterator[Scene]:
    """Everything started, account, locks and flats entered, and three codes of other people on each lock."""
    clock = MachineClock(folder)
    knobs = [part for name, value in _CLOUD.items() for part in ("--set", f"{name}={value}")]
    simulator = ["--locks", str(locks), "--foreign-pins", "3", "--latency", "0.05-0.4", "--seed", str(seed), *knobs]
    stack = Stack(folder, database.url, simulator=[*simulator, "--faults", USUAL_FAULTS], settings=_SETTINGS)
    stack.give_all(clock.environment)
    with stack:
        further = [
            stack.start_further(f"worker-{number}", *CELERY, "worker", "-n", f"w{number}@%h")
            for number in range(2, workers + 1)
        ]
        standbys = [stack.start_further(f"beat-{number}", *CELERY, "beat") for number in range(2, beats + 1)]
        known = stack.locks()
        flats = stack.desk.ask("furnish", key=stack.key, locks=known, flats=_flats([lock["id"] for lock in known]))
        rng = random.Random(f"scene {seed}")
        guests = Guests(random.Random(f"guests {seed}"), list(flats.values()))
        parts = ([stack.worker, *further], [stack.beat, *standbys])
        made = Scene(stack, database, clock, rng, guests, *parts, key=stack.key)
        made.foreign = [text for lock in known for text in made.foreign_of(lock)]
        yield made


def _flats(doors: Sequence[int]) -> list[dict[str, Any]]:
    """A flat behind each lock, and every fourth one also behind the first lock, the building's entrance."""
    return [
        {"name": f"Flat {door}", "doors": [door, doors[0]] if number % 4 == 1 else [door]}
        for number, door in enumerate(doors)
    ]
