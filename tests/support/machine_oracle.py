"""What must hold in the world of the state machine, told independently of the code that makes it hold.

`Watch.look` judges every instant, from the simulator's journal of changes. `Watch.judge` judges the house at rest.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from pins.core.alias import reference_in
from pins.core.pin_state import Blocked, State
from pins.core.plan import MAX_TAKEN_VALUES, START_MARGIN
from pins.models import AccessGrant, Incident, Pin, PinAttempt, ValueClaim
from pins.simulator.devices import SimPin
from rentals.models import Booking, Lock

if TYPE_CHECKING:
    from tests.support.machine import World


@dataclass(frozen=True)
class Right:
    """What a stay gives on one lock."""

    grant: AccessGrant
    starts_at: datetime
    ends_at: datetime
    due: bool  # it must be there now; otherwise it may


class Watch:
    def __init__(self, world: World) -> None:
        self._world = world
        self._seen = 0
        self._present: dict[tuple[int, int], str] = {}  # (device, pin id) -> reference
        self._twice: Counter[tuple[int, str]] = Counter()

    # -- every instant ------------------------------------------------------------------------------------------

    def look(self) -> None:
        cloud = self._world.cloud
        cloud.advance()
        changes = cloud.journal.changes
        for change in islice(changes, self._seen, None):
            place = (change.lock_id, change.pin_id)
            if change.foreign:
                by_us = change.request_seq is not None and change.action != "created"
                assert not by_us, f"I4: a foreign PIN was {change.action} by us"
            before = self._present.pop(place, None)
            if before is not None:
                self._twice[change.lock_id, before] -= 1
            if change.action in ("created", "updated") and not change.foreign:
                reference = reference_in(change.alias)
                assert reference is not None, "a PIN of ours carries no reference"
                self._present[place] = reference
                self._twice[change.lock_id, reference] += 1
                assert self._twice[change.lock_id, reference] <= 1, "I1: two PINs of one grant on one lock"
        self._seen = len(changes)
        assert not cloud.collisions, "I5: two requests of ours met on one device"

    # -- at rest ------------------------------------------------------------------------------------------------

    def judge(self) -> None:
        self.look()
        for lock in self._world.locks():
            rights = self._rights(lock)
            remotes: dict[str, SimPin] = {}
            for remote in self._world.cloud.pins(lock.device_id):
                if not remote.foreign:
                    remotes[reference_in(remote.alias) or ""] = remote
            for reference in set(remotes) - set(rights):
                raise AssertionError(f"I3: {reference} on {lock} belongs to no stay")
            for reference, right in rights.items():
                self._judge_right(lock, right, remotes.get(reference))
        assert not PinAttempt.objects.filter(outcome="").exists(), "a request has no outcome"
        self._judge_rows()

    def _judge_right(self, lock: Lock, right: Right, remote: SimPin | None) -> None:
        pin = Pin.objects.select_related("grant").get(grant=right.grant, lock=lock)
        if remote is None:
            assert not right.due or self._excused(pin), f"I2: {pin} is missing on {lock}, and nobody is told"
            assert pin.state != State.SET, f"{pin} counts as set and is not there"
            return
        if self._excused(pin):
            return
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
