"""When the access token of an account is renewed, who waits meanwhile, and how long to rest after a failure. Pure.

Renewing early leaves time for failures: while the old token is good, nobody waits. Times are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

#: How long before its end a token is renewed; of a short-lived one the last quarter.
EARLY: Final = timedelta(minutes=5)
#: With less than this left no request is begun; with a short-lived token, half of the time above.
MARGIN: Final = timedelta(seconds=60)
#: How long somebody may renew before another one takes over. Far above the deadline of that request.
RENEWAL_LEASE: Final = timedelta(seconds=60)
#: A claim that ends later than this was made before the clock stepped back. The clocks of two machines, and moments
#: that two threads read one after the other, differ by less.
LONGEST_CLAIM: Final = 2 * RENEWAL_LEASE
#: A token that is refused so soon after it came was good: the account is refused, and another token would not help.
FRESH: Final = timedelta(seconds=60)
#: Seconds of rest after renewals that brought nothing; the last repeats.
RESTS: Final = (2, 5, 15, 60)
LONGEST_REST: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What is known of the tokens of one account."""

    obtained_at: datetime
    access_until: datetime
    renewing_until: datetime | None = None  # until when somebody else renews them
    retry_at: datetime | None = None  # when the next renewal may be tried
    ended: bool = False


class TokenStep(Enum):
    USE = auto()
    RENEW = auto()  # and use the old one meanwhile, if `is_usable`
    WAIT = auto()
    ENDED = auto()


def is_usable(facts: TokenFacts, now: datetime) -> bool:
    """May a request be begun with this token?"""
    return not facts.ended and now < facts.access_until - min(MARGIN, _early(facts) / 2)


def next_step(facts: TokenFacts, now: datetime) -> TokenStep:
    """What to do before a request."""
    if facts.ended:
        return TokenStep.ENDED
    if now < facts.access_until - _early(facts):
        return TokenStep.USE
    # Moments that are further away than any could be were written before the clock stepped back.
    somebody_renews = facts.renewing_until is not None and now < facts.renewing_until <= now + LONGEST_CLAIM
    rests = facts.retry_at is not None and now < facts.retry_at <= now + LONGEST_REST
    if somebody_renews or rests:
        return TokenStep.USE if is_usable(facts, now) else TokenStep.WAIT
    return TokenStep.RENEW


def may_be_renewed(facts: TokenFacts, now: datetime) -> bool:
    """Tedee refused this token before its end. Is another one worth asking for?"""
    return not facts.ended and now - facts.obtained_at >= FRESH


def rest(failures: int, retry_after: float | None, jitter: float) -> timedelta:
    """How long to rest after so many renewals in a row that brought nothing. `retry_after`: seconds, as the server
    asks; `jitter`: 0.5 to 1."""
    if retry_after is not None:
        return min(timedelta(seconds=max(retry_after, 1)), LONGEST_REST)
    return timedelta(seconds=RESTS[min(failures, len(RESTS)) - 1] * jitter)


def _early(facts: TokenFacts) -> timedelta:
    return min(EARLY, max(facts.access_until - facts.obtained_at, timedelta(0)) / 4)
