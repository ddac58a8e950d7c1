"""What came of an action, and what all actions share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.contrib import messages

from rentals.models import Lock
from rentals.wording import counted


@dataclass(frozen=True)
class ActionResult:
    """What came of one action."""

    level: int  # of django.contrib.messages
    text: str  # a sentence that follows a name and a colon, so it begins in lower case
    warnings: tuple[str, ...] = ()  # what else a person should know
    noted: str = ""  # what the history says instead of the text
    done: bool = False  # something was done, so the history says it

    @property
    def sentence(self) -> str:
        """The text where no name stands before it."""
        return f"{self.text[:1].upper()}{self.text[1:]}"


def done(text: str, *, warnings: tuple[str, ...] = (), noted: str = "") -> ActionResult:
    """Something was done."""
    return ActionResult(messages.SUCCESS, text, warnings, noted, done=True)


def nothing(text: str) -> ActionResult:
    """Nothing was done, and `text` says why."""
    return ActionResult(messages.WARNING, text)


def split_observed(lock_ids: Collection[int]) -> tuple[int, str]:
    """How many of these locks are written to, and a sentence about those that Turnkey only observes; with a space
    before it, and empty where there are none."""
    observed = len(observed_among(lock_ids))
    return len(lock_ids) - observed, left_out_text(observed)


def observed_among(lock_ids: Collection[int]) -> set[int]:
    """Those of the locks that Turnkey only observes."""
    found = Lock.objects.filter(pk__in=lock_ids, account__observe_only=True)
    return set(found.order_by().values_list("pk", flat=True))


def left_out_text(observed: int) -> str:
    return f" Turnkey only observes {counted(observed, 'lock')} and changes nothing there." if observed else ""
