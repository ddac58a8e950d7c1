"""By when the next step for a PIN must be done: for the order of work, the urgency of retries, and who may spend."""

from __future__ import annotations

from datetime import datetime, timedelta

from pins.core.periods import NO_END
from pins.core.pin_state import Desired, Observed, PinView

#: An ordinary removal hurts nobody at once: the lock refuses the code after its endDate anyway.
ORDINARY_REMOVAL = timedelta(hours=24)


def deadline(view: PinView, now: datetime) -> datetime:
    """When the next step must be done at the latest (UTC), for the order of work and the urgency of retries."""
    desired, observed = view.desired, view.observed
    if not desired.is_live(now):
        return _removal_deadline(desired, observed, now)
    if desired.reserve:
        return NO_END  # nobody waits for it
    wish, applied = desired.content, observed.applied
    starts_at = wish.starts_at or now
    doubtful = observed.omitted or observed.must_read  # nobody knows what the guest will find
    if (
        applied is None
        or doubtful
        or (applied.code, applied.starts_at, applied.recurrence)
        != (
            wish.code,
            wish.starts_at,
            wish.recurrence,
        )
    ):
        return starts_at
    # An extension is due at the old end, a shortening at the new one; nothing of it, if neither has an end.
    return min((end for end in (applied.ends_at, wish.ends_at) if end is not None), default=starts_at)


def _removal_deadline(desired: Desired, observed: Observed, now: datetime) -> datetime:
    applied = observed.applied or desired.content
    ends_at = desired.content.ends_at
    if ends_at is not None and ends_at <= now and not applied.has_ended(now):
        return ends_at  # shortened: the lock still lets the code in
    if (desired.reserve or (desired.wanted and desired.admitted)) and ends_at is not None:
        return ends_at + ORDINARY_REMOVAL
    if applied.ends_at is not None and applied.ends_at <= now:
        return applied.ends_at + ORDINARY_REMOVAL
    if not desired.admitted or applied.starts_at is None:
        return now  # a nearer arrival waits for the room
    return max(now, applied.starts_at)
