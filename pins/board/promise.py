"""How the promise was kept in the last 30 days, in words for the board. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pins.core.marks import Mark
from pins.measures.promise import Kept

_MARKS: Final = {
    Mark.DAY: "24 hours before check-in",
    Mark.HOURS: "4 hours before check-in",
    Mark.CHECK_IN: "At check-in",
}


@dataclass(frozen=True, slots=True)
class PromiseLine:
    """One mark."""

    title: str
    kept: int
    arrivals: int

    @property
    def percent(self) -> int:
        """Rounded down: 100 is said only where no arrival is missing."""
        return 100 * self.kept // self.arrivals

    @property
    def said(self) -> str:
        return f"{self.kept} of {self.arrivals} arrival{'' if self.arrivals == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Promise:
    """The lines of the marks that applied to anybody, and what must be said with them."""

    lines: tuple[PromiseLine, ...]
    unknown: str  # a sentence, or nothing
    behind: str  # until when arrivals were counted, if that stands still; else nothing


def promise(kept: Sequence[Kept], behind: str = "") -> Promise:
    """What the board says about these arrivals. `behind`: until when they were counted, in words, if that stands
    still."""
    lines = tuple(PromiseLine(_MARKS[one.mark], one.kept, one.arrivals) for one in kept if one.arrivals)
    unknown = max((one.unknown for one in kept), default=0)
    if not unknown:
        return Promise(lines, "", behind)
    who = "one arrival" if unknown == 1 else f"up to {unknown} arrivals"
    return Promise(lines, f"For {who} it is not known how it was at the time; that counts as not confirmed.", behind)
