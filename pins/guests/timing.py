"""When a guest gets a message, and which. Pure. All times are UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

#: The link goes out by then in any case: a lock that is offline must not keep the guest without a page.
LAST_CALL: Final = timedelta(hours=4)


class Kind(StrEnum):
    """As `GuestMessage.Kind` has them."""

    LINK = "link"
    READY = "ready"
    CHANGED = "changed"


@dataclass(frozen=True)
class Told:
    """What a message says, as far as a guest must hear when it changes."""

    check_in: datetime
    check_out: datetime
    place: int  # key of the property
    link: str  # digest of the link's token
    code: str  # fingerprint of the code; empty: none was announced or shown

    def differs(self, other: Told) -> bool:
        """Whether something other than the code differs."""
        return (self.check_in, self.check_out, self.place, self.link) != (
            other.check_in,
            other.check_out,
            other.place,
            other.link,
        )


@dataclass(frozen=True)
class Situation:
    """One stay, and what its guest was told."""

    now_true: Told  # with the fingerprint of the present code
    is_expected: bool  # the stay is confirmed, its guide is active, and the code was not revoked
    confirmed: bool  # every lock has the code
    released: bool
    lead: timedelta  # how long before check-in the message goes out
    code_in_message: bool
    told: Told | None  # None: nothing yet
    told_ready: bool  # the last message of the first kind said that the code is ready


def due(stay: Situation, now: datetime) -> Kind | None:
    """The message that the guest should get now."""
    if not stay.is_expected or now >= stay.now_true.check_out:
        return None
    may_have_code = stay.confirmed and stay.released
    if stay.told is None:
        if may_have_code and now >= stay.now_true.check_in - max(stay.lead, LAST_CALL):
            return Kind.READY
        return Kind.LINK if now >= stay.now_true.check_in - LAST_CALL else None
    if stay.told.differs(stay.now_true):
        return Kind.CHANGED
    if not may_have_code:
        return None
    if not stay.told_ready and stay.code_in_message:
        return Kind.READY
    other_code = bool(stay.told.code) and stay.told.code != stay.now_true.code
    return Kind.CHANGED if other_code else None
