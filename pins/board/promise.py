"""How the promise was kept in the last 30 days, in words for the board. Asks no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pins.core.marks import Mark
from pins.measures.promise import Kept
from rentals.phrases import mark

_MARKS: Final = {
    Mark.DAY: mark("24 hours before check-in"),
    Mark.HOURS: mark("4 hours before check-in"),
    Mark.CHECK_IN: mark("At check-in"),
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
        return ngettext("{kept} of {number} arrival", "{kept} of {number} arrivals", self.arrivals).format(
            kept=self.kept, number=self.arrivals
        )


@dataclass(frozen=True, slots=True)
class Promise:
    """The lines of the marks that applied to anybody, and what must be said with them."""

    lines: tuple[PromiseLine, ...]
    unknown: str  # a sentence, or nothing
    behind: str  # until when arrivals were counted, if that stands still; else nothing


def promise(kept: Sequence[Kept], behind: str = "") -> Promise:
    """What the board says about these arrivals. `behind`: until when they were counted, in words, if that stands
    still."""
    lines = tuple(PromiseLine(_(_MARKS[one.mark]), one.kept, one.arrivals) for one in kept if one.arrivals)
    unknown = max((one.unknown for one in kept), default=0)
    if not unknown:
        return Promise(lines, "", behind)
    said = ngettext(
        "For one arrival it is not known how it was at the time; that counts as not confirmed.",
        "For up to {number} arrivals it is not known how it was at the time; that counts as not confirmed.",
        unknown,
    ).format(number=unknown)
    return Promise(lines, said, behind)
