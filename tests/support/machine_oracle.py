"""What must hold in the world of the state machine, told independently of the code that makes it hold.

`Watch.look` judges every instant, from the simulator's journal of changes. `Watch.judge` judges the house at rest.

A code of ours is one that a request of ours made, whatever name a cloud or a person gave it. From the moment when a
cloud hides codes from us, or a person changes one, until the house is at rest again, I1 says less: no more codes of a
guest that we do not manage than `pins.core.posts` allows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from pins.core.alias import reference_in
from pins.core.audit import MATTERS_WITHIN
from pins.core.interpret import PreparedAttempt
from pins.core.pin_state import Blocked, State
from pins.core.plan import MAX_TAKEN_VALUES, START_MARGIN, Delete
from pins.core.posts import MOST_IN_A_DAY, MOST_IN_AN_HOUR
from pins.models import AccessGrant, Incident, Pin, PinAttempt, ValueClaim
from pins.simulator.devices import SimPin
from pins.simulator.journal import PinChange
from rentals.models import Booking, Lock

if TYPE_CHECKING:
    from tests.support.machine import World


#: A person must act, and this tells.
_TOLD_BY = {
    Blocked.CREATED_OFTEN.value: Incident.Kind.CREATED_OFTEN,
    Blocked.EDITED_AGAIN.value: Incident.Kind.CHANGED_IN_APP,
}


@dataclass(frozen=True)
class Right:
    """What a stay gives on one lock."""

    grant: AccessGrant
    starts_at: datetime
    ends_at: datetime
    due: bool  # it must be there now; otherwise it may


@dataclass(frozen=True)
class Living:
    """A code of ours on a lock."""

    reference: str
    pin_id: int
    made_at: datetime


class Watch:
    def __init__(self, world: World) -> None:
        self._world = world
        self._seen = 0
        self._living: dict[tuple[int, int], Living] = {}  # by device and identity
        self._twice: Counter[tuple[int, str]] = Counter()
        self._taken_away: dict[tuple[int, int], datetime] = {}  # by device and pin id: by a hand, and when
        self._allowed: Counter[tuple[int, str]] = Counter()
        self.is_disturbed = False

    def disturbed(self) -> None:
        """From now on, until the house is at rest, codes may be hidden from us."""
        self.is_disturbed = True

    def allow_one_more(self, grant: AccessGrant) -> None:
        """A person says “try again” where the ceiling of creations stopped us."""
        for pin in Pin.objects.filter(grant=grant, blocked=Blocked.CREATED_OFTEN).select_related("lock"):
            self._allowed[pin.lock.device_id, grant.reference] += 1

    # -- every instant ------------------------------------------------------------------------------------------

    def look(self) -> None:
        cloud = self._world.cloud
        cloud.advance()
        changes = cloud.journal.changes
        for change in islice(changes, self._seen, None):
            if change.foreign:
                by_us = change.request_seq is not None and change.action != "created"
                assert not by_us, f"I4: a foreign PIN was {change.action} by us"
                continue
            before = self._living.pop((change.lock_id, change.uid), None)
            if before is not None:
                self._twice[change.lock_id, before.reference] -= 1
            if change.action in ("created", "updated"):
                self._is_there(change, since=before.made_at if before is not None else change.at)
            elif change.request_seq is None and change.action == "deleted":
                self._taken_away[change.lock_id, change.pin_id] = change.at
        self._seen = len(changes)
        assert not cloud.collisions, "I5: two requests of ours met on one device"

    def _is_there(self, change: PinChange, since: datetime) -> None:
        reference = reference_in(change.alias_sent)
        assert reference is not None, "a PIN of ours carries no reference"
        assert change.end is not None, "I3: a PIN of ours has no end"
        self._living[change.lock_id, change.uid] = Living(reference, change.pin_id, since)
        self._twice[change.lock_id, reference] += 1
        if self._twice[change.lock_id, reference] <= 1:
            return
        assert self.is_disturbed, "I1: two PINs of one grant on one lock"
        held: set[int] = set()
        for pin in Pin.objects.filter(grant__reference=reference, lock__device_id=change.lock_id):
            held |= pin.observed.held
        unmanaged = [
            living.made_at
            for (device_id, _), living in self._living.items()
            if (device_id, living.reference) == (change.lock_id, reference) and living.pin_id not in held
        ]
        for most, span in ((MOST_IN_AN_HOUR, timedelta(hours=1)), (MOST_IN_A_DAY, timedelta(days=1))):
            count = sum(change.at - made_at < span for made_at in unmanaged)
            assert count <= most + self._allowed[change.lock_id, reference], f"{count} codes of one guest in {span}"

    def judge_attempt(self, lock: Lock, attempt: PreparedAttempt) -> None:
        """A request was written down. A DELETE must leave a guest with a code, if the stay asks for one."""
        step, now = attempt.step, self._world.now
        if not isinstance(step, Delete):
            return
        ours = {pin.id: pin for pin in self._world.cloud.pins(lock.device_id) if not pin.foreign}
        meant = ours.get(step.remote_id)
        if meant is None or (meant.body.end is not None and meant.body.end <= now):
            return
        assert attempt.pin_id is not None, "a stray code was to be deleted before its end"
        pin = Pin.objects.select_related("grant").get(pk=attempt.pin_id)
        reference = reference_in(meant.alias_sent)
        if not pin.desired.is_live(now) or reference != pin.grant.reference:
            return
        left = [one for one in ours.values() if one != meant and reference_in(one.alias_sent) == reference]
        taken = self._taken_away.get((lock.device_id, pin.remote_id or 0))
        unseen = taken is not None and (pin.listed_at is None or pin.listed_at <= taken)
        assert left or unseen, "the only code of a guest was to be deleted"

    # -- at rest ------------------------------------------------------------------------------------------------

    def judge(self) -> None:
        self.look()
        for lock in self._world.locks():
            rights = self._rights(lock)
            remotes: dict[str, SimPin] = {}
            for remote in self._world.cloud.pins(lock.device_id):
                if not remote.foreign:
                    reference = reference_in(remote.alias_sent) or ""
                    assert reference not in remotes, f"I1: {reference} is twice on {lock}"
                    remotes[reference] = remote
            for reference in set(remotes) - set(rights):
                raise AssertionError(f"I3: {reference} on {lock} belongs to no stay")
            for reference, right in rights.items():
                self._judge_right(lock, right, remotes.get(reference))
        assert not PinAttempt.objects.filter(outcome="").exists(), "a request has no outcome"
        self._judge_rows()
        self.is_disturbed = False
        self._allowed.clear()

    def _judge_right(self, lock: Lock, right: Right, remote: SimPin | None) -> None:
        pin = Pin.objects.select_related("grant").get(grant=right.grant, lock=lock)
        if remote is None:
            assert not right.due or self._excused(pin), f"I2: {pin} is missing on {lock}, and nobody is told"
            assert pin.state != State.SET, f"{pin} counts as set and is not there"
            return
        is_near = right.starts_at <= self._world.now + MATTERS_WITHIN
        if self._excused(pin) or (pin.read_when_near and not is_near):  # what a hand did to it is seen when it matters
            return
        always_open = remote.body.week_days is None and remote.body.day_start is None
        assert always_open, f"I2: {pin} opens only at times on {lock}"
        assert remote.value == right.grant.code, f"I2: {pin} has another value on {lock}"
        assert remote.body.end == right.ends_at, f"I2: {pin} ends at another time on {lock}"
        start = remote.body.start
        moved = start is not None and right.starts_at < start <= self._world.now + START_MARGIN and pin.start_refused
        assert start == right.starts_at or moved, f"I2: {pin} starts at another time on {lock}"
        assert pin.state == State.SET, f"{pin} is right on {lock} and counts as {pin.state}"
        held = ValueClaim.objects.filter(
            lock=lock, grant=right.grant, digest=ValueClaim.digest_of(right.grant.code), released_at=None
        )
        assert held.exists(), f"the value of {pin} is not claimed"

    def _excused(self, pin: Pin) -> bool:
        """Is there an open incident that says why it is not as it should be?"""
        kinds = set(Incident.objects.filter(pin=pin, resolved_at=None).values_list("kind", flat=True))
        on_lock = set(Incident.objects.filter(lock=pin.lock, resolved_at=None).values_list("kind", flat=True))
        if pin.state == State.BLOCKED and pin.blocked in _TOLD_BY:
            return _TOLD_BY[pin.blocked] in kinds
        if pin.state == State.BLOCKED and pin.blocked == Blocked.VALUE_TAKEN:
            return Incident.Kind.VALUE_TAKEN in kinds and pin.grant.disclosed_at is not None
        if pin.state == State.BLOCKED:  # the lock of this world refuses no value as such
            return Incident.Kind.VALUE_REFUSED in kinds and pin.refusals >= MAX_TAKEN_VALUES
        if not pin.admitted:
            return Incident.Kind.TOO_MANY_CODES in on_lock
        return pin.last_cause == "no_room" and Incident.Kind.NO_ROOM in on_lock

    def _judge_rows(self) -> None:
        """Nothing is pending: every PIN is on its lock, off it, waiting for its day, or waits for a person."""
        now = self._world.now
        for pin in Pin.objects.select_related("grant", "lock"):
            settled = {State.SET, State.REMOVED, State.SCHEDULED, State.BLOCKED}
            excused = self._excused(pin)
            assert pin.state in settled or excused, f"{pin} on {pin.lock} is still {pin.state}"
            assert pin.next_try_at is None or pin.next_try_at > now, f"{pin} on {pin.lock} is due and nobody comes"
            assert not pin.op, f"{pin} on {pin.lock} has a request without an end"

    def _rights(self, lock: Lock) -> dict[str, Right]:
        """Reference -> what the stays ask of this lock today."""
        now = self._world.now
        rights: dict[str, Right] = {}
        confirmed = Booking.objects.filter(status="confirmed", property__locks=lock).select_related("property")
        for booking in confirmed if lock.is_active else ():
            flat = booking.property
            starts_at = (booking.check_in - timedelta(minutes=flat.early_minutes)).replace(microsecond=0)
            ends_at = (booking.check_out + timedelta(minutes=flat.late_minutes)).replace(microsecond=0)
            follower = _follower(booking)
            if follower is not None:
                begins = follower.check_in - timedelta(minutes=flat.early_minutes)
                ends_at = max(ends_at, begins.replace(microsecond=0))
            if ends_at <= now:
                continue
            in_window = starts_at - timedelta(days=flat.issue_ahead_days) <= now
            grant = AccessGrant.objects.filter(booking=booking).first()
            if not flat.is_active and (grant is None or not grant.wanted or starts_at > now):
                continue  # a guest who was in when the flat was switched off keeps the code
            if grant is None:
                assert not in_window, f"I2: {booking} has no code"
                continue
            if booking.check_out <= now and grant.ends_at <= now:
                continue  # it was over; later minutes of grace bring nobody back
            if grant.revoked_at is None:
                rights[grant.reference] = Right(grant, starts_at, ends_at, in_window)
        return rights


def _follower(booking: Booking) -> Booking | None:
    """The stay of the same guest that begins on the day when this one ends, with nobody else's in between. In this
    world one name is one guest."""
    zone = booking.property.zone
    others = Booking.objects.filter(status="confirmed", property=booking.property_id).exclude(pk=booking.pk)
    later = [
        one
        for one in others.filter(check_in__gte=booking.check_out, guest_name=booking.guest_name).order_by("check_in")
        if one.check_in.astimezone(zone).date() == booking.check_out.astimezone(zone).date()
    ]
    if not later:
        return None
    strangers = others.exclude(guest_name=booking.guest_name)
    between = strangers.filter(check_in__lt=later[0].check_in, check_out__gt=booking.check_out).exists()
    return None if between else later[0]
