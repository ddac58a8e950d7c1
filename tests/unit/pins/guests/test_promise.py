"""The promise of the guest's page: “ready”, or a code, only where the locks confirmed it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pins.core.pin_state import State
from pins.guests import reading
from pins.guests.status import CodeStatus, DoorFacts, DoorStatus, StayFacts, code_status, door_status
from pins.models import AccessGrant, AccountState, GuestGuide, GuestPage, LockState, Pin
from rentals.models import Booking, Lock, LockAccount, Property

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
CONFIRMED = {DoorStatus.READY, DoorStatus.ACTIVE}

hours = st.integers(-72, 72).map(lambda one: NOW + one * HOUR)
flags = st.booleans()
doors = st.builds(
    DoorFacts,
    st.integers(1, 9),
    st.just("Door"),
    **dict.fromkeys(("confirmed", "waits", "troubled", "no_keypad", "spare"), flags),
)
stays = st.builds(
    StayFacts,
    check_in=hours,
    check_out=hours,
    works_from=hours,
    works_until=hours,
    is_expected=flags,
    covered=flags,
    released=flags,
    code_lead=st.integers(0, 72).map(lambda one: one * HOUR),
    doors=st.lists(doors, max_size=3).map(tuple),
)


@given(stays)
def test_for_any_facts(stay: StayFacts) -> None:
    for one in stay.doors:
        if door_status(stay, one, NOW) in CONFIRMED:
            assert one.confirmed
            assert stay.is_expected
            assert stay.covered
        if door_status(stay, one, NOW) is DoorStatus.SPARE:
            assert one.spare
            assert stay.is_expected
            assert not (one.confirmed and stay.covered)  # the own code comes first
    if code_status(stay, NOW) is CodeStatus.AVAILABLE:
        assert stay.doors
        assert all(door_status(stay, one, NOW) in {*CONFIRMED, DoorStatus.SPARE} for one in stay.doors)
        assert stay.released
        assert stay.code_from <= NOW < max(stay.check_out, stay.works_until)


@given(stays, st.data())
def test_one_door_that_is_not_confirmed_hides_the_code(stay: StayFacts, data: st.DataObject) -> None:
    if stay.doors:
        place = data.draw(st.integers(0, len(stay.doors) - 1))
        broken = list(stay.doors)
        broken[place] = replace(broken[place], confirmed=False, spare=False)
        assert code_status(replace(stay, doors=tuple(broken)), NOW) is not CodeStatus.AVAILABLE


# -- and from rows as they may lie in the database ---------------------------------------------------------------------

#: Mostly as of a stay in order, so that each example has few faults.
moments = st.one_of(st.none(), hours)
mostly = st.sampled_from([True, True, True, False])
pins = st.builds(
    Pin,
    wanted=mostly,
    state=st.one_of(st.just("set"), st.just("set"), st.sampled_from([state.value for state in State])),
    remote_id=st.one_of(st.none(), st.integers(1, 9)),
    op=st.sampled_from(["", "", "", "put", "post", "delete"]),
    applied_starts_at=moments,
    applied_ends_at=moments,
    last_cause=st.sampled_from(["", "offline"]),
)


def _lock(place: int, keypad: bool | None) -> Lock:
    account = LockAccount(pk=place)
    account.operation = AccountState(account=account)
    lock = Lock(pk=place, name=f"Door {place}", has_keypad=keypad, account=account)
    lock.operation = LockState(lock=lock)
    return lock


@given(
    pins=st.lists(pins, max_size=3),
    status=st.sampled_from(["confirmed", "confirmed", "confirmed", "tentative", "cancelled"]),
    times=st.one_of(st.tuples(hours, hours).map(lambda pair: (*pair, *pair)), st.tuples(hours, hours, hours, hours)),
    wanted=mostly,
    revoked=mostly.map(lambda one: not one),
    keypads=st.lists(st.sampled_from([None, True, False]), min_size=4, max_size=4),
    more_locks=st.integers(0, 1),
    spared=st.frozensets(st.integers(1, 4), max_size=2),
)
def test_for_any_rows(
    pins: list[Pin],
    status: str,
    times: tuple[datetime, ...],
    wanted: bool,
    revoked: bool,
    keypads: list[bool | None],
    more_locks: int,
    spared: frozenset[int],
) -> None:
    flat = Property(name="Flat")
    flat.guide = GuestGuide(property=flat)
    stay = Booking(property=flat, check_in=min(times[:2]), check_out=max(times[:2]) + HOUR, status=status)
    grant = AccessGrant(starts_at=min(times[2:]), ends_at=max(times[2:]) + HOUR, issue_at=NOW, wanted=wanted)
    grant.revoked_at = NOW if revoked else None
    locks = [_lock(place, keypad) for place, keypad in enumerate(keypads[: len(pins) + more_locks], start=1)]
    for pin, lock in zip(pins, locks, strict=False):
        pin.grant, pin.lock = grant, lock
    found = reading.facts(GuestPage(), stay, grant, [pin for pin in pins if pin.wanted], locks, NOW, spared=spared)

    def holds(lock: Lock) -> bool:
        """Said anew, from the columns: the lock told us that the code is on it for all of the stay that is left."""
        return any(
            pin.lock_id == lock.pk
            and pin.wanted
            and pin.remote_id is not None
            and not pin.op
            and pin.state == "set"
            and (pin.applied_starts_at is None or pin.applied_starts_at <= max(stay.check_in, NOW))
            and (pin.applied_ends_at is None or pin.applied_ends_at >= stay.check_out)
            and lock.has_keypad is not False
            for pin in pins
        )

    for lock, one in zip(locks, found.doors, strict=True):
        if door_status(found, one, NOW) in CONFIRMED:
            assert holds(lock)
            assert status == "confirmed"
            assert not revoked
    if code_status(found, NOW) is CodeStatus.AVAILABLE:
        assert locks
        assert all(holds(lock) or lock.pk in spared for lock in locks)
        assert wanted or spared
