"""After a backup was restored: what it says about locks is as old as it is, and a copy may be of an installation that
still runs.

1. `begin`, in the transaction of the restore: every account is observe-only until a person releases it, half of its
   requests count as spent, and nothing that we knew about a code on a lock is believed any more.
2. Each lock is compared before the first change is sent to it (`LockState.look_first`), the most urgent first, as
   everywhere. A comparison while the account is observe-only teaches what it shows, but does not open the lock: the
   other installation may have gone on until the release.
3. That comparison adopts what fits, and shows what nobody knows (`pins.reconcile.audit`). A code that the backup
   knows and the list does not show may be there under a name that a person gave it: its value tells (`missing`).

All times are UTC.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery

from pins.core import budget
from pins.core.alias import reference_in
from pins.core.pin_state import State
from pins.models import (
    AccessGrant,
    AccountState,
    Delivery,
    GuestMessage,
    Heartbeat,
    LockState,
    NotificationChannel,
    Pin,
    RateBudget,
)
from pins.reconcile.known import KnownLock
from pins.reconcile.request_budget import rules
from pins.tedee.messages import PinListing
from rentals.models import Lock, LockAccount
from rentals.phrases import mark

#: The trace of the last restore (`Heartbeat`). The board reads it.
RESTORED: Final = "restored"
#: The pause of a lock that could not be compared.
LOOK_FIRST: Final = "look_first"
#: So long, at least and at most. Something urgent may come meanwhile, and then the list is asked for as urgently.
SHORTEST_PAUSE: Final = timedelta(seconds=30)
_LONGEST_PAUSE: Final = timedelta(minutes=5)
_NOT_KNOWN: Final = {"applied_known": False, "applied_code": "", "applied_starts_at": None, "applied_ends_at": None}
_NOTHING_SEEN: Final[dict[str, Any]] = {
    "lease_owner": None,
    "lease_until": None,
    "dispatched_at": None,
    "paused_until": None,
    "pause_cause": "",
    "list_version": None,
    "list_proven_at": None,
    "strangers_since": None,
    "read_since": [],
    "looked_at": None,
    "full_list_at": None,
    "audited_version": None,
    "foreign_pins": 0,
    "foreign_names": [],
    "audited_at": None,
    "version_counts": None,
}


def begin(now: datetime) -> None:
    """Make a restored database safe to start. In the transaction of the restore."""
    with transaction.atomic():
        LockAccount.objects.update(observe_only=True)
        for account in LockAccount.objects.defer(*LockAccount.SECRETS):
            _spend_half(account.budget_key, now)
        AccountState.objects.update(paused_until=None, pause_cause="", recent_faults=[], outages=0)
        LockState.objects.bulk_create(LockState(lock=lock) for lock in Lock.objects.filter(operation=None))
        # By its key: moments are set anew when a clock steps.
        last = Pin.objects.order_by("-pk").values_list("pk", flat=True).first()
        LockState.objects.update(look_first=True, known_pin=last, audit_at=now, **_NOTHING_SEEN)
        Heartbeat.objects.update_or_create(name=RESTORED, defaults={"at": now})
        _doubt_codes(now)
        _forget_messages(now)


def _spend_half(key: str, now: datetime) -> None:
    row, _ = RateBudget.objects.select_for_update().get_or_create(key=key)
    usage = budget.half_spent(budget.Usage.from_json(row.usage), rules(), now)
    RateBudget.objects.filter(key=key).update(usage=usage.to_json(), cutoff_at=None)


def _doubt_codes(now: datetime) -> None:
    """An id is where to look first, no more: it may be gone, changed, or given to another code. So the list is read
    before anything else, and then the code itself."""
    held = Pin.objects.filter(Q(remote_id__isnull=False) | ~Q(extra_ids=[]) | ~Q(op=""))
    held.update(
        must_look=True,
        state=State.IN_DOUBT.value,
        state_changed_at=now,
        next_try_at=now,
        observed_rev=F("observed_rev") + 1,
        hold_until=None,
        **_NOT_KNOWN,
        applied_recurrence="",
    )
    # The deadline of a code that was as it should be is its removal. Now it is the arrival, or the look would wait.
    starts = AccessGrant.objects.filter(pk=OuterRef("grant")).values("starts_at")
    held.filter(wanted=True, grant__ends_at__gt=now).update(deadline_at=Subquery(starts))


def _forget_messages(now: datetime) -> None:
    """What waited was sent long ago, or is not true any more. A guest is told what is true, but nobody knows what was
    sent since: as if the sender had died in the middle (`pins.notify.tries`)."""
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING)
    waiting.update(state=Delivery.State.DROPPED, ended_at=now, last_error=mark("A backup was restored."))
    GuestMessage.objects.filter(state=GuestMessage.State.WAITING).update(begun_at=now)
    NotificationChannel.objects.update(listens_from=now)


def must_look_first(known: KnownLock) -> bool:
    """Must the list be compared before anything is done? Not while the account is observe-only: then nothing that
    changes the lock is sent, and the comparison comes in its turn."""
    return known.state.look_first and not known.lock.account.observe_only


def missing(lock: Lock, listing: PinListing, now: datetime) -> dict[str, int]:
    """Codes that the backup knows, that should be on the lock now, and that a list shows neither by their mark nor by
    their id: the PIN by its value."""
    last = LockState.objects.filter(lock=lock).values("known_pin")
    known = Pin.objects.filter(lock=lock, wanted=True, op="", pk__lte=Subquery(last))
    ids = {one.id for one in listing.pins}
    marks = {reference_in(one.alias) for one in listing.pins}
    return {
        pin.grant.code: pin.pk
        for pin in known.exclude(remote_id__in=ids).exclude(grant__reference__in=marks).select_related("grant")
        if pin.desired.is_live(now)
    }


def looks_again_at(known: KnownLock, now: datetime) -> datetime | None:
    """After a comparison: when it is tried again (UTC), if it did not come to its end."""
    if not known.state.look_first:
        return None
    return min(max(known.state.audit_at or now, now + SHORTEST_PAUSE), now + _LONGEST_PAUSE)


def looked(lock: Lock) -> None:
    """The lock was compared: from now on changes may be sent, if the account may be written to."""
    LockState.objects.filter(lock=lock).update(read_since=[])
    LockState.objects.filter(lock=lock, lock__account__observe_only=False).update(look_first=False)
