"""What goes wrong: a plan of probabilities, and scripts of exact steps.

A plan is written as text: `timeout_applied=0.1,timeout_lost=0.1,busy=0.1,writes_only`.
A script is a list of steps for one lock, which come before the plan: a fault's name, `ok`, or a bare status such as
`403`. `POST:late` waits for the next POST and lets other requests pass.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal

from pins.simulator.messages import Delivery

Effect = Literal["applied", "lost", "late", "either"]


class FaultTextError(ValueError):
    """A fault text or script step that cannot be read; the message says what can be written."""


@dataclass(frozen=True)
class Fault:
    """One way to fail: what happens to the operation, and what the client receives."""

    name: str
    effect: Effect
    statuses: tuple[int, ...] = ()  # one of them is answered; none means the true answer
    delivery: Delivery = "answer"
    html: bool = False
    at_once: bool = False  # refused by the cloud before the device is tried: no latency

    @property
    def masks(self) -> bool:
        """Whether the client receives something other than the true answer."""
        return bool(self.statuses)


KINDS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("timeout_applied", "applied", (408,)),
        Fault("timeout_lost", "lost", (408,)),
        Fault("late", "late", (408,)),
        Fault("busy", "lost", (409,), at_once=True),
        Fault("offline", "lost", (428,), at_once=True),
        Fault("server_error", "lost", (500, 503)),
        Fault("server_error_applied", "applied", (500, 503)),
        Fault("html_error", "lost", (502,), html=True),
        Fault("html_error_applied", "applied", (502,), html=True),
        Fault("html_404", "lost", (404,), html=True, at_once=True),
        Fault("drop_applied", "applied", delivery="drop"),
        Fault("drop_lost", "lost", (408,), delivery="drop"),
        Fault("drop_late", "late", (408,), delivery="drop"),
        Fault("hang", "either", (408,), delivery="hang"),
        Fault("hang_applied", "applied", delivery="hang"),
        Fault("hang_lost", "lost", (408,), delivery="hang"),
        Fault("slow_byte", "applied", delivery="slow"),
    )
}


@dataclass(frozen=True)
class FaultPlan:
    """The chance (0 to 1) of each fault for a PIN request; a request has at most one fault."""

    timeout_applied: float = 0.0
    timeout_lost: float = 0.0
    late: float = 0.0
    busy: float = 0.0
    offline: float = 0.0
    server_error: float = 0.0
    server_error_applied: float = 0.0
    html_error: float = 0.0
    html_error_applied: float = 0.0
    html_404: float = 0.0
    drop_applied: float = 0.0
    drop_lost: float = 0.0
    drop_late: float = 0.0
    hang: float = 0.0
    hang_applied: float = 0.0
    hang_lost: float = 0.0
    slow_byte: float = 0.0
    writes_only: bool = False  # spare the GETs

    def __post_init__(self) -> None:
        chances = self.chances()
        wrong = [name for name, chance in chances.items() if not 0 <= chance <= 1]
        if wrong:
            raise FaultTextError(f"the chance of {', '.join(wrong)} must lie between 0 and 1")
        if sum(chances.values()) > 1 + 1e-9:
            raise FaultTextError("the chances add up to more than 1")

    @classmethod
    def parse(cls, text: str) -> FaultPlan:
        """Read `name=chance,name=chance,writes_only`; an empty text means no faults. FaultTextError otherwise."""
        chances: dict[str, float] = {}
        writes_only = False
        for part in (piece.strip() for piece in text.split(",")):
            name, separator, number = (piece.strip() for piece in part.partition("="))
            if part == "writes_only":
                writes_only = True
            elif part and (name not in KINDS or not separator):
                raise FaultTextError(f"unknown fault {part!r}; write name=chance with {', '.join(KINDS)}")
            elif part:
                try:
                    chances[name] = float(number)
                except ValueError:
                    raise FaultTextError(f"{number!r} is not a number between 0 and 1 ({name})") from None
        return cls(**chances, writes_only=writes_only)

    def chances(self) -> dict[str, float]:
        """The chance of every fault by name."""
        return {item.name: float(getattr(self, item.name)) for item in fields(self) if item.name in KINDS}

    def as_text(self) -> str:
        """The plan in the form that `parse` reads."""
        parts = [f"{name}={chance:g}" for name, chance in self.chances().items() if chance]
        return ",".join([*parts, *(["writes_only"] if self.writes_only else [])])

    def choose(self, rng: random.Random, method: str) -> Fault | None:
        """The fault of one request, or None."""
        if self.writes_only and method == "GET":
            return None
        left = rng.random()
        for name, chance in self.chances().items():
            left -= chance
            if left < 0:
                return KINDS[name]
        return None


@dataclass(frozen=True)
class ScriptStep:
    """One step of a script: what happens to the next request, of that method if one is named."""

    method: str | None
    fault: Fault | None

    @classmethod
    def parse(cls, text: str) -> ScriptStep:
        """Read `ok`, `late`, `403` or `PUT:late`; FaultTextError otherwise."""
        method, separator, name = text.rpartition(":")
        if separator and method not in ("GET", "POST", "PUT", "DELETE"):
            raise FaultTextError(f"unknown method in script step {text!r}")
        if name == "ok":
            return cls(method or None, None)
        if name in KINDS:
            return cls(method or None, KINDS[name])
        if name.isascii() and name.isdigit() and 400 <= int(name) <= 599:
            return cls(method or None, Fault(f"status_{name}", "lost", (int(name),), at_once=True))
        raise FaultTextError(f"unknown script step {text!r}; use ok, a status from 400 to 599, or {', '.join(KINDS)}")


class FaultDesk:
    """Decides the fault of each request: first the lock's script, then chance.

    Every lock has its own seeded sequence, so that threads on different locks do not change each other's faults.
    """

    def __init__(self, seed: int, plan: FaultPlan) -> None:
        self.plan = plan
        self._seed = seed
        self._scripts: dict[int, deque[ScriptStep]] = {}
        self._rngs: dict[int, random.Random] = {}

    def add_script(self, lock_id: int, steps: Iterable[str]) -> None:
        """Append steps for one lock; nothing is added when one of them is wrong (FaultTextError)."""
        parsed = [ScriptStep.parse(step) for step in steps]
        self._scripts.setdefault(lock_id, deque()).extend(parsed)

    def steps_left(self, lock_id: int) -> int:
        """How many scripted steps wait for this lock."""
        return len(self._scripts.get(lock_id, ()))

    def rng(self, lock_id: int) -> random.Random:
        """The lock's own seeded random source."""
        if lock_id not in self._rngs:
            self._rngs[lock_id] = random.Random(f"{self._seed}:{lock_id}")
        return self._rngs[lock_id]

    def next(self, lock_id: int, method: str) -> Fault | None:
        """The fault of the request that reaches this lock now, or None."""
        script = self._scripts.get(lock_id)
        if script:
            if script[0].method in (None, method):
                return script.popleft().fault
            return None
        return self.plan.choose(self.rng(lock_id), method)
