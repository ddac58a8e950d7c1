"""What a sender is given, and what it says when it could not send."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pins.notify.words import Message


@dataclass(frozen=True)
class Outgoing:
    """One message, complete. The body may carry a code, hence no repr of it."""

    uid: UUID  # the same on every try, so that a receiver knows a repetition
    message: Message = field(repr=False)  # for people
    body: dict[str, Any] = field(repr=False)  # for machines


class NotSentError(Exception):
    """The message was not sent. The text says why, in words that a person can act on, and never names the target."""

    def __init__(self, text: str, *, retry_at: datetime | None = None, final: bool = False) -> None:
        super().__init__(text)
        self.retry_at = retry_at  # when the receiver wants to be asked again
        self.final = final  # trying again is of no use
