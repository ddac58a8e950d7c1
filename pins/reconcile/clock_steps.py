"""After this machine's clock stood ahead and came back: what was written down then is for a time that has not come.

Nothing else would notice: a code whose next try is "at once" by such a clock waits for a day, and so does a lock that
was to rest for seconds. So the sweep asks, before anything else, whether periodic work has left a trace in the future.
Then every code is planned anew and no rest is kept: that costs runs, and no request that would not be due anyway.
A machine whose clock stands ahead for good makes each sweep of the others do this: its log says so, and `doctor`.

All times are UTC.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from pins.core.arrival import LATER
from pins.core.pin_state import State
from pins.models import (
    AccountState,
    Delivery,
    GuestMessage,
    Heartbeat,
    LockActivity,
    LockState,
    NotificationChannel,
    Pin,
    StaffAccess,
    StayArrival,
)
from pins.models.outbox import CLAIM, OutboxMessage
from pins.reconcile import activity, request_budget
from rentals.models import FeedState

logger = logging.getLogger(__name__)

#: The clocks of two machines differ by less.
TOLERANCE: Final = timedelta(minutes=1)
#: Codes of people who work in the flats are compared at least so often (`pins.desired.staff_grants`).
_LATEST_LOOK: Final = timedelta(hours=1)
#: Moments at which something was seen or done: none of them can be in the future.
_OF_LOCKS: Final = (
    "dispatched_at",
    "looked_at",
    "written_at",
    "list_proven_at",
    "audited_at",
    "full_list_at",
    "creation_unseen_at",
    "learned_room_at",
    "yielded_at",
    "offline_since",
)
_OF_ACCOUNTS: Final = ("watched_at", "listed_at", "key_checked_at", "alias_checked_at")


def forget(now: datetime) -> bool:
    """Put right what was written by a clock that stood ahead, if one did; answers whether it did."""
    traces = Heartbeat.objects.filter(at__gt=now + TOLERANCE)
    latest = traces.order_by("-at").values_list("at", flat=True).first()
    if latest is None:
        return False
    logger.warning("clock_stepped_back", extra={"seconds": round((latest - now).total_seconds())})
    with transaction.atomic():
        traces.update(at=now)
        _codes(now)
        _locks(now)
        _arrivals(now)
        _others(now)
    request_budget.clock_came_back(now)
    return True


def _codes(now: datetime) -> None:
    """Plan every code anew, also one that was removed as if its stay were over."""
    later = Q(next_try_at__gt=now)
    too_early = Q(state=State.REMOVED, grant__wanted=True, grant__ends_at__gt=now)
    stored = {"observed_rev": F("observed_rev") + 1}  # so that a run that is under way reads them again
    Pin.objects.filter(later | too_early).update(next_try_at=now, **stored)
    lands = now + timedelta(seconds=settings.LATE_SECONDS)
    for name in ("hold_until", "late_until"):
        Pin.objects.filter(**{f"{name}__gt": lands}).update(**{name: lands}, **stored)
    for name in ("listed_at", "list_doubted_at", "suspected_at", "edited_at"):
        Pin.objects.filter(**{f"{name}__gt": now}).update(**{name: now}, **stored)


def _locks(now: datetime) -> None:
    for name in _OF_LOCKS:
        LockState.objects.filter(**{f"{name}__gt": now}).update(**{name: now})
    for model in (LockState, AccountState):
        model._base_manager.filter(paused_until__gt=now).update(paused_until=now)
    for name in _OF_ACCOUNTS:
        AccountState.objects.filter(**{f"{name}__gt": now}).update(**{name: now})
    period = timedelta(seconds=settings.AUDIT_SECONDS)
    LockState.objects.filter(audit_at__gt=now + period).update(audit_at=now + period)


def _arrivals(now: datetime) -> None:
    """Until when the activity of a lock is known would be said of a time to come, and that nobody came by a midnight
    that is still to be. Such a lock is read as for the first time."""
    ahead = Q(read_at__gt=now) | Q(due_at__gt=now + LATER) | Q(rest_until__gt=now + activity.REFUSED)
    LockActivity.objects.filter(ahead).update(read_at=None, due_at=None, rest_until=None)
    StayArrival.objects.filter(absent_at__gt=now).update(absent_at=None, announced=False)


def _others(now: datetime) -> None:
    """Messages and calendars. A calendar keeps its turn unless it was fetched by that clock."""
    outboxes: tuple[type[OutboxMessage], ...] = (Delivery, GuestMessage)
    for outbox in outboxes:
        waiting = outbox._base_manager.filter(state=OutboxMessage.State.WAITING)
        waiting.filter(next_try_at__gt=now).update(next_try_at=now)
        waiting.filter(claimed_until__gt=now + CLAIM).update(claimed_until=now)  # no clock that is right claims so long
    StaffAccess.objects.filter(check_at__gt=now + _LATEST_LOOK).update(check_at=now)
    for name in ("rests_until", "failing_since"):
        NotificationChannel.objects.filter(**{f"{name}__gt": now}).update(**{name: now})
    FeedState.objects.filter(last_try_at__gt=now + TOLERANCE).update(
        next_fetch_at=now, claimed_until=None, last_try_at=now
    )
