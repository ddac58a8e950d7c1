"""What a sender gets, and the error that it raises."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pins.notify.texts import Message


@dataclass(frozen=True)
class Outgoing:
    """One complete message. The body may hold a code, so it has no repr."""

    uid: UUID  # the same on every try, so that a receiver recognises a repetition
    message: Message = field(repr=False)  # for people
    body: dict[str, Any] = field(repr=False)  # for machines


class NotSentError(Exception):
    """The message was not sent, as far as we know. The text says why, in words that a person can act on, and never
    names the target."""

    def __init__(
        self, text: str, *, retry_at: datetime | None = None, final: bool = False, unsure: bool = False
    ) -> None:
        super().__init__(text)
        self.retry_at = retry_at  # when the receiver wants to be asked again
        self.final = final  # trying again is of no use
        self.unsure = unsure  # no answer came: the receiver may have taken it all the same
