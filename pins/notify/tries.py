"""One try of one message, for every outbox: each message once, however many workers there are.

1. Claim: one UPDATE on the message, which one of many callers wins. 2. The caller checks that it is still worth
sending. 3. `begin` counts the try, if the claim is still ours. 4. Send, outside any transaction. 5. `end` or `release`
writes down what came of it, if the claim is still ours.

A crash between 4 and 5 leaves a message that was begun and not ended: nobody knows whether the receiver took it. It is
claimed again when the claim ends, and then `begun_at` says so. What follows is for the caller to decide: a letter and a
webhook carry the same id again, so they are simply sent once more; a text message has none (`pins.guests.sending`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from django.db.models import F, Q, QuerySet

from pins.models.outbox import CLAIM, OutboxMessage

State = OutboxMessage.State


class SendResult(StrEnum):
    """What came of one call of `send`."""

    LEFT = "left"  # not due, or another sender has it
    SENT = "sent"
    HELD = "held"  # not now: quiet hours, a code that is being exchanged, a stay that is off
    DROPPED = "dropped"
    FAILED = "failed"


def is_due(now: datetime) -> Q:
    """Which messages may be tried now."""
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return free & Q(state=State.WAITING, next_try_at__lte=now)


@dataclass(frozen=True)
class Claim:
    """The right to try one message, until `CLAIM` is over. What it writes is written only while it is ours."""

    message: QuerySet[Any]
    token: UUID

    @property
    def _ours(self) -> QuerySet[Any]:
        return self.message.filter(claim_token=self.token, state=State.WAITING)

    def begin(self, now: datetime) -> bool:
        """Count a try that begins now. False: the message ended or was claimed by somebody else meanwhile."""
        return bool(self._ours.update(attempts=F("attempts") + 1, begun_at=now))

    def release(self, **changes: Any) -> None:
        """Leave the message waiting. What came of the try, if one was begun, is known, unless `begun_at` is given."""
        self._ours.update(**{"claim_token": None, "claimed_until": None, "begun_at": None, **changes})

    def end(self, state: OutboxMessage.State, now: datetime, text: str = "", **changes: Any) -> None:
        """End the message in this state. `text` says why, for people."""
        over = {"claim_token": None, "claimed_until": None, "begun_at": None, "ended_at": now}
        self._ours.update(state=state, last_error=text, **over, **changes)


def claim(found: QuerySet[Any], now: datetime) -> Claim | None:
    """Claim the one message that is `found`, if it is due.

    No join may be in its condition: PostgreSQL would not check it again after waiting for the row, and two senders
    would win.
    """
    token = uuid4()
    won = found.filter(is_due(now)).update(claim_token=token, claimed_until=now + CLAIM)
    return Claim(found, token) if won else None
