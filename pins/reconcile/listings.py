"""A list of a lock's PINs together with what it may be believed about, and what is written down of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import F, Q

from pins.core import audit, transitions
from pins.core.alias import foreign_name, is_ours, reference_in
from pins.core.looks import CLOCKS_DIFFER
from pins.core.pin_state import Op
from pins.core.witness import Credit, ListMemory, Sighting, credit, sighting, version_counts
from pins.models import InstallationKey, LockState, Pin
from pins.reconcile import statements
from pins.reconcile.statements import Statement, kept, slot
from pins.tedee.messages import PinListing
from rentals.models import Lock

_MOST_FOREIGN_NAMES = 120
#: So many codes that are not ours are remembered, and read for one of ours after one list, the newest by their ids.
MOST_STRANGERS: Final = 300
MOST_SUSPECTS: Final = 20
_JUST_COMPARED = timedelta(minutes=1)
_A_MOMENT: Final = timedelta(milliseconds=1)


@dataclass(frozen=True)
class SeenList:
    """A list that was read, and how far it may be believed."""

    lock_id: int
    listing: PinListing
    credit: Credit
    proves: bool  # it shows a PIN that we knew to be there
    version_counts: bool | None  # its version rose with changes of ours; `None`: nobody can tell
    late_enough: bool  # a creation that was given up would be on it by now
    held: frozenset[int]  # ids that we know to be ours, of all PINs of the lock
    strangers_since: dict[int, datetime]  # when lists first showed the codes that are not ours
    references: frozenset[str]  # those that its aliases carry

    def sighting(self, pin: Pin) -> Sighting:
        """What the list shows about one PIN."""
        return sighting(
            self.listing,
            self.credit,
            reference=pin.grant.reference,
            sent_alias=pin.sent_alias or pin.alias,
            held=pin.remote_id,
            taken=self.held - pin.observed.held,
            suspects=self._suspects(pin),
            late_enough=self.late_enough,
        )

    def _suspects(self, pin: Pin) -> frozenset[int]:
        """What appeared on the lock while a creation of this PIN was not accounted for, and what it must still read."""
        since = pin.suspected_at
        new = sorted(one for one, at in self.strangers_since.items() if since is not None and at > since)
        return frozenset({*new[-MOST_SUSPECTS:], *pin.extra_ids, *pin.nominees})

    def concerned(self, asker_id: int | None) -> list[Pin]:
        """The lock's PINs that may learn from the list."""
        listed = Q(grant__reference__in=self.references)
        searching = Q(suspected_at__isnull=False)
        known = Q(next_try_at__isnull=False) | Q(remote_id__isnull=False) | searching | listed
        return list(Pin.objects.filter(known, lock=self.lock_id).exclude(pk=asker_id or 0).select_related("grant"))


def weigh(lock: Lock, listing: PinListing, now: datetime) -> SeenList:
    """Compare a list with what stronger witnesses said."""
    state = LockState.objects.get(lock=lock)
    memory = ListMemory(state.list_version, state.confirmed_since, state.written_at, state.list_proven_at)
    held, believed = _known_ids(lock, now)
    worth = credit(listing, memory, believed, now)
    references = frozenset(filter(None, (reference_in(one.alias) for one in listing.pins)))
    proves = bool(believed) and worth is Credit.PROVEN
    return SeenList(
        lock_id=lock.pk,
        listing=listing,
        credit=worth,
        proves=proves,
        version_counts=version_counts(listing, memory),
        late_enough=audit.unseen_is_over(state.creation_unseen_at, now),
        held=held,
        strangers_since=_strangers_since(state, listing, held, worth, now),
        references=references,
    )


def remember(seen: SeenList, now: datetime) -> None:
    """Write down what the next list is compared with. Called last: after a crash before this, the same is found again.

    A stale list is no measure for the next one.
    """
    if seen.credit is Credit.STALE:
        return
    references = set(Pin.objects.filter(lock=seen.lock_id).values_list("grant__reference", flat=True))
    foreign = [
        one.alias for one in seen.listing.pins if one.id not in seen.held and reference_in(one.alias) not in references
    ]
    key = InstallationKey.load() if foreign else b""
    facts = {
        "list_version": seen.listing.version,
        "writes_since": 0,
        "confirmed_since": 0,
        "foreign_pins": len(foreign),
        "foreign_names": [foreign_name(alias, key) for alias in foreign[:_MOST_FOREIGN_NAMES]],
        "strangers_since": _written(seen.strangers_since),
        "looked_at": now,
    }
    if seen.proves:
        facts["list_proven_at"] = now
    if seen.version_counts is not None:
        facts["version_counts"] = seen.version_counts
    LockState.objects.filter(lock=seen.lock_id).update(**facts)


def doubted(lock_id: int, now: datetime) -> None:
    """Something on this lock was not as we believed, and the last comparison did not show it: compare again at once."""
    waiting = LockState.objects.filter(lock=lock_id, audit_at__gt=now).exclude(audited_at__gt=now - _JUST_COMPARED)
    waiting.update(audit_at=now)


def creation_given_up(lock_id: int, now: datetime) -> None:
    """Lists may lag behind for longer than a lost write can land: compare again soon, and once more later."""
    LockState.objects.filter(lock=lock_id).update(creation_unseen_at=now)
    first = now + audit.UNSEEN_AGAIN[0]
    LockState.objects.filter(lock=lock_id, audit_at__gt=first).update(audit_at=first)


#: A lock that answered to a change is well.
CALM: Final = {"failures": 0, "failures_alike": 0, "paused_until": None, "pause_cause": "", "forbidden_key": ""}


def confirmed(lock_id: int) -> None:
    """The lock confirmed a change of ours: a list of now must have a higher version, and its troubles are over."""
    _confirming().run({"lock": lock_id})


@kept
def _confirming() -> Statement:
    more = {name: F(name) + 1 for name in ("confirmed_since", "confirmed_since_audit")}
    return statements.update(
        LockState.objects.filter(lock=slot("lock", LockState)), {**more, "offline_since": None, **CALM}
    )


def remember_strangers(seen: SeenList) -> None:
    """Only what the list shows of others: what it means was not drawn to its end, and yet they are new only once."""
    LockState.objects.filter(lock=seen.lock_id).update(strangers_since=_written(seen.strangers_since))


def _written(strangers_since: dict[int, datetime]) -> dict[str, float]:
    return {str(one): at.timestamp() for one, at in strangers_since.items()}


def _strangers_since(
    state: LockState, listing: PinListing, held: frozenset[int], worth: Credit, now: datetime
) -> dict[int, datetime]:
    """When lists first showed each code without our mark (UTC); forgotten only after a list that proved itself.

    On the first list of a lock nothing is new. What is new is later than what we did and saw before, also by the clock
    of another machine.
    """
    others = {one.id: reference_in(one.alias) for one in listing.pins if one.id not in held}
    key = InstallationKey.load() if any(others.values()) else b""
    strangers = sorted(one for one, reference in others.items() if reference is None or not is_ours(reference, key))
    earlier = [at for at in (state.looked_at, state.written_at) if at is not None and at < now + CLOCKS_DIFFER]
    new = max([now, *(at + _A_MOMENT for at in earlier)])
    if state.strangers_since is None:
        return dict.fromkeys(strangers, transitions.LONG_AGO + _A_MOMENT)
    before = {int(one): datetime.fromtimestamp(at, UTC) for one, at in state.strangers_since.items()}
    kept = {
        one: min(at, now + CLOCKS_DIFFER)  # a clock may have stood ahead
        for one, at in before.items()
        if one in strangers or worth is not Credit.PROVEN
    }
    both = {**dict.fromkeys(strangers, new), **kept}
    return dict(sorted(both.items())[-MOST_STRANGERS:])


def _known_ids(lock: Lock, now: datetime) -> tuple[frozenset[int], frozenset[int]]:
    """The ids of ours on a lock, and those among them that must be on any honest list of now."""
    held: set[int] = set()
    believed: set[int] = set()
    ours = Pin.objects.filter(lock=lock).exclude(remote_id=None, extra_ids=[])
    rows = ours.values_list("remote_id", "extra_ids", "applied_known", "applied_ends_at", "op", "omitted", "not_found")
    for remote_id, extra_ids, is_known, ends_at, op, omitted, not_found in rows:
        held.update(extra_ids)
        if remote_id is None:
            continue
        held.add(remote_id)
        ended = ends_at is not None and ends_at <= now + CLOCKS_DIFFER
        if is_known and not ended and op != Op.DELETE and not (omitted or not_found):
            believed.add(remote_id)
    return frozenset(held), frozenset(believed)
