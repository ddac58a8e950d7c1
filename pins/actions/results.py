"""What came of an action, and what all actions share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib import messages

from rentals.models import Lock
from rentals.phrases import phrases
from rentals.wording import Words, day_and_time, said


@dataclass(frozen=True)
class ActionResult:
    """What came of one action."""

    level: int  # of django.contrib.messages
    text: str  # a sentence that follows a name and a colon, so it begins in lower case; in the language that is active
    warnings: tuple[str, ...] = ()  # what else a person should know
    noted: str = ""  # what the history says, in English: who reads it later may speak another language
    done: bool = False  # something was done, so the history says it

    @property
    def sentence(self) -> str:
        """The text where no name stands before it."""
        return f"{self.text[:1].upper()}{self.text[1:]}"


def done(
    *sentences: str, warnings: tuple[str, ...] = (), noted: str = "", level: int = messages.SUCCESS
) -> ActionResult:
    """Something was done. `sentences`: phrases, of which empty ones are left out. `noted`: where the history says
    less."""
    kept = [one for one in sentences if one]
    return ActionResult(level, " ".join(map(said, kept)), warnings, str(noted) or " ".join(kept), done=True)


def moment(at: datetime, zone: ZoneInfo) -> Words:
    """A moment in a phrase."""
    return Words(lambda: day_and_time(at, zone))


def nothing(text: str) -> ActionResult:
    """Nothing was done, and `text` says why."""
    return ActionResult(messages.WARNING, text)


def trying(locks: int) -> str:
    """That so many locks are tried again."""
    return phrases("trying {number} lock again now.", "trying {number} locks again now.", locks)


def split_observed(lock_ids: Collection[int]) -> tuple[int, str]:
    """How many of these locks are written to, and a phrase about those that Turnkey only observes; empty where there
    are none."""
    observed = len(observed_among(lock_ids))
    return len(lock_ids) - observed, left_out_text(observed)


def observed_among(lock_ids: Collection[int]) -> set[int]:
    """Those of the locks that Turnkey only observes."""
    found = Lock.objects.filter(pk__in=lock_ids, account__observe_only=True)
    return set(found.order_by().values_list("pk", flat=True))


def left_out_text(observed: int) -> str:
    if not observed:
        return ""
    return phrases(
        "Turnkey only observes {number} lock and changes nothing there.",
        "Turnkey only observes {number} locks and changes nothing there.",
        observed,
    )
