"""A lock's list against what stronger witnesses said: what is believed of it, and what is remembered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from pins.core import transitions
from pins.core.alias import STRAY, is_ours, new_reference
from pins.core.pin_state import Op
from pins.core.witness import Credit
from pins.models import InstallationKey, LockState, Pin
from pins.reconcile import listings
from pins.tedee.messages import ListedPin, PinListing
from rentals.models import Lock
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def with_pin(house: House, **facts: Any) -> tuple[Lock, Pin]:
    """A lock and the PIN of a stay there, of which this is known."""
    door = house.lock()
    pin = pin_of(house.stay(house.flat(door), DAY, DAY), door)
    return door, known(pin, **facts)


def known(pin: Pin, **facts: Any) -> Pin:
    Pin.objects.filter(pk=pin.pk).update(**facts)
    return Pin.objects.select_related("grant").get(pk=pin.pk)


def shown(*pins: ListedPin | int, version: int | None = None) -> PinListing:
    return PinListing(version, tuple(one if isinstance(one, ListedPin) else ListedPin(one, "") for one in pins))


def weigh(door: Lock, listing: PinListing) -> listings.SeenList:
    return listings.weigh(door, listing, timezone.now())


def remembered(door: Lock, listing: PinListing) -> LockState:
    listings.remember(weigh(door, listing), timezone.now())
    return LockState.objects.get(lock=door)


# -- what must be on it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "is_believed"),
    [
        ({}, True),
        ({"applied_known": False}, False),
        ({"ends_in": MINUTE}, False),  # clocks differ: the lock may have ended it
        ({"ends_in": MINUTE + SECOND}, True),
        ({"ends_in": None}, True),
        ({"op": Op.DELETE.value}, False),
        ({"op": Op.PUT.value}, True),
        ({"omitted": True}, False),
        ({"not_found": True}, False),
        ({"remote_id": None, "extra_ids": [8]}, False),
    ],
)
def test_a_list_without_a_code_that_must_be_there_is_doubted(
    house: House, facts: dict[str, Any], is_believed: bool
) -> None:
    ends_in = facts.pop("ends_in", DAY)
    ends_at = timezone.now() + ends_in if ends_in is not None else None
    token = "7f3c2b1a-0000-4000-8000-000000000001" if "op" in facts else None
    usual = {"remote_id": 7, "applied_known": True, "applied_ends_at": ends_at, "op_token": token}
    door, _ = with_pin(house, **{**usual, **facts})
    without, with_it = weigh(door, shown(99)), weigh(door, shown(7, 99))
    assert without.credit is (Credit.DOUBTFUL if is_believed else Credit.UNPROVEN)
    assert with_it.credit is (Credit.PROVEN if is_believed else Credit.UNPROVEN)
    assert (without.proves, with_it.proves) == (False, is_believed)


def test_every_id_of_ours_on_this_lock_is_held(house: House) -> None:
    door, pin = with_pin(house, remote_id=7, extra_ids=[8, 9])
    other = pin_of(house.stay(house.flat(door, name="Other"), DAY, DAY), door)
    known(other, remote_id=None, extra_ids=[10])
    gate = house.lock("Gate")
    known(pin_of(house.stay(house.flat(gate, name="Gate"), DAY, DAY), gate), remote_id=11)
    seen = weigh(door, shown())
    assert seen.held == {7, 8, 9, 10}
    of_pin = seen.sighting(pin)
    assert (of_pin.ours, of_pin.listed) == ((), frozenset())


def test_the_ids_of_others_are_not_taken_for_a_codes_own(house: House) -> None:
    """A name that was cut may be either one's. The id that another code holds is that one's."""
    door, pin = with_pin(house, remote_id=None)
    other = pin_of(house.stay(house.flat(door, name="Other"), DAY, DAY), door)
    known(other, remote_id=8)
    cut = pin.alias[:10]
    seen = weigh(door, shown(ListedPin(8, cut), ListedPin(9, cut)))
    assert seen.sighting(pin).nominees == (9,)


# -- what appeared on it -----------------------------------------------------------------------------------------------


def strangers(door: Lock, *pins: ListedPin | int) -> dict[int, datetime]:
    return weigh(door, shown(*pins)).strangers_since


def test_on_a_locks_first_list_nothing_is_new(house: House) -> None:
    """What others have there is not read for a creation of ours, unless the lock says that it has the value."""
    door, pin = with_pin(house, suspected_at=timezone.now())
    first = weigh(door, shown(3, 9, 5))
    assert set(first.strangers_since) == {3, 5, 9}
    assert first.sighting(pin).nominees == ()
    known(pin, suspected_at=transitions.LONG_AGO)
    assert first.sighting(Pin.objects.select_related("grant").get(pk=pin.pk)).nominees == (3, 9, 5)


def test_when_a_code_of_others_appeared_is_remembered_while_it_may_be_there(
    house: House, clock: time_machine.Traveller
) -> None:
    door, _ = with_pin(house, remote_id=7, applied_known=True, applied_ends_at=timezone.now() + DAY)
    LockState.objects.update(strangers_since={})
    remembered(door, shown(7, 8))
    clock.shift(MINUTE)
    began, later = timezone.now() - MINUTE, timezone.now()
    assert strangers(door, 7, 8, 9) == {8: began, 9: later}
    assert strangers(door, 7, 9) == {9: later}
    assert strangers(door, 9) == {8: began, 9: later}  # this list leaves something out
    remembered(door, shown(7))
    clock.shift(MINUTE)
    assert strangers(door, 7, 8) == {8: timezone.now()}  # again


def test_only_a_list_that_proved_itself_forgets_a_code(house: House) -> None:
    door = house.lock()
    began = timezone.now() - DAY
    LockState.objects.update(strangers_since={"8": began.timestamp()})
    assert weigh(door, shown()).credit is Credit.UNPROVEN
    assert strangers(door) == {8: began}


def test_so_many_codes_are_remembered_the_newest_by_their_ids(house: House) -> None:
    door = house.lock()
    LockState.objects.update(strangers_since={str(one): 0.0 for one in range(1, listings.MOST_STRANGERS + 1)})
    kept = strangers(door, 9000)
    assert (len(kept), min(kept), max(kept)) == (listings.MOST_STRANGERS, 2, 9000)


def test_a_moment_of_a_clock_that_stood_ahead_is_now(house: House) -> None:
    door = house.lock()
    LockState.objects.update(strangers_since={"8": (timezone.now() + DAY).timestamp()})
    assert strangers(door, 8) == {8: timezone.now() + MINUTE}  # the clocks of two machines may differ by so much


@pytest.mark.parametrize("name", ["looked_at", "written_at"])
@pytest.mark.parametrize(("ahead", "counts"), [(40 * SECOND, True), (MINUTE, False), (-DAY, False)])
def test_what_is_new_is_later_than_what_another_machine_did_and_saw(
    house: House, name: str, ahead: timedelta, counts: bool
) -> None:
    door, now = house.lock(), timezone.now()
    LockState.objects.update(strangers_since={}, **{name: now + ahead})
    (at,) = strangers(door, 8).values()
    assert (at > now + ahead and at < now + ahead + SECOND) if counts else at == now


def test_our_own_codes_are_no_strangers(house: House) -> None:
    door, pin = with_pin(house, remote_id=7)
    stray = ListedPin(8, f"Guest #{new_reference(InstallationKey.load())}")
    theirs = ListedPin(9, "Gate #ABC123")
    assert not is_ours("ABC123", InstallationKey.load())
    assert set(strangers(door, 7, stray, ListedPin(10, pin.alias), theirs)) == {9}


@pytest.mark.parametrize(
    ("since", "suspected"),
    [(None, ()), (timedelta(), ()), (SECOND, (30,)), (DAY, (30,))],
    ids=["none", "0", "1", "day"],
)
def test_only_what_appeared_since_a_creation_is_missing_is_suspected(
    house: House, since: timedelta | None, suspected: tuple[int, ...]
) -> None:
    at = timezone.now() - since if since is not None else None
    door, pin = with_pin(house, suspected_at=at)
    LockState.objects.update(strangers_since={})
    assert weigh(door, shown(30)).sighting(pin).nominees == suspected


def test_so_many_are_suspected_after_one_list_the_newest_by_their_ids(house: House) -> None:
    door, pin = with_pin(house, suspected_at=timezone.now() - DAY)
    LockState.objects.update(strangers_since={})
    nominees = weigh(door, shown(*range(30, 60))).sighting(pin).nominees
    assert nominees == tuple(range(60 - listings.MOST_SUSPECTS, 60))


def test_what_a_code_has_still_to_read_stays_suspected(house: House) -> None:
    door, pin = with_pin(house, nominees=[8], extra_ids=[9])
    LockState.objects.update(strangers_since={"8": 0.0, "9": 0.0, "10": 0.0})
    assert weigh(door, shown(8, 9, 10)).sighting(pin).nominees == (8, 9)


@pytest.mark.parametrize("sent", ["", "Annabel 01-02 Mar #000000"])
def test_a_code_is_looked_for_under_the_name_that_was_sent_last(house: House, sent: str) -> None:
    door, pin = with_pin(house, sent_alias=sent)
    seen = weigh(door, shown(ListedPin(8, (sent or pin.alias)[:12]), ListedPin(9, "Somebody else")))
    assert seen.sighting(pin).nominees == (8,)


@pytest.mark.parametrize(
    ("given_up", "late_enough"), [(None, True), (90 * MINUTE, True), (90 * MINUTE - SECOND, False)]
)
def test_a_list_is_late_enough_an_hour_and_a_half_after_a_creation_was_given_up(
    house: House, given_up: timedelta | None, late_enough: bool
) -> None:
    door, pin = with_pin(house)
    at = timezone.now() - given_up if given_up is not None else None
    LockState.objects.filter(lock=door).update(creation_unseen_at=at)
    seen = weigh(door, shown())
    assert (seen.late_enough, seen.sighting(pin).late_enough) == (late_enough, late_enough)


@pytest.mark.parametrize("name", ["wanted", "on the lock", "searching", "listed", "neither", "the asker", "elsewhere"])
def test_from_a_list_learns_who_waits_who_is_there_and_who_is_shown(house: House, name: str) -> None:
    door, pin = with_pin(house, next_try_at=None)
    if name in ("wanted", "the asker"):
        known(pin, next_try_at=timezone.now() + DAY)
    if name in ("on the lock", "elsewhere"):
        known(pin, remote_id=7)
    if name == "searching":
        known(pin, suspected_at=timezone.now())
    if name == "elsewhere":
        known(pin, lock=house.lock("Gate"))
    listed = [ListedPin(8, f"x #{pin.grant.reference}")] if name == "listed" else [ListedPin(8, "x")]
    asker = pin.pk if name == "the asker" else None
    concerned = weigh(door, shown(*listed)).concerned(asker)
    assert concerned == ([pin] if name in ("wanted", "on the lock", "searching", "listed") else [])


# -- what is remembered ------------------------------------------------------------------------------------------------


def test_codes_of_others_are_counted_and_named_without_ours(house: House) -> None:
    door, pin = with_pin(house, remote_id=7)
    lost = pin_of(house.stay(house.flat(door, name="Other"), DAY, DAY), door)
    gate = house.lock("Gate")
    elsewhere = pin_of(house.stay(house.flat(gate, name="Gate"), DAY, DAY), gate)
    stray = new_reference(InstallationKey.load())
    told = remembered(
        door,
        shown(
            ListedPin(7, "renamed by hand"),
            ListedPin(8, f"of ours, not known to be there #{lost.grant.reference}"),
            ListedPin(9, "Cleaner 481516"),
            ListedPin(10, f"Anna 01-02 Mar #{stray}"),
            ListedPin(11, f"Jan #{elsewhere.grant.reference}"),
        ),
    )
    assert told.foreign_pins == 3
    references = [stray, elsewhere.grant.reference]
    assert told.foreign_names == ["Cleaner \N{BULLET}\N{BULLET}\N{BULLET}\N{BULLET}"] + [
        f"{STRAY} (#{one})" for one in references
    ]
    assert LockState.objects.get(lock=gate).foreign_names == []
    assert remembered(door, shown(7)).foreign_names == []
    assert pin.grant.reference


def test_all_codes_of_others_are_counted_and_so_many_are_named(house: House) -> None:
    door, _ = with_pin(house)
    told = remembered(door, shown(*(ListedPin(number, f"Guest {number}") for number in range(130))))
    assert (told.foreign_pins, len(told.foreign_names), told.foreign_names[-1]) == (130, 120, "Guest 119")


def test_the_list_is_the_measure_of_the_next_one(house: House) -> None:
    door, _ = with_pin(house)
    gate, now = house.lock("Gate"), timezone.now()
    LockState.objects.update(writes_since=3, confirmed_since=2, confirmed_since_audit=2, list_version=5)
    told = remembered(door, shown(version=7))
    assert (told.list_version, told.writes_since, told.confirmed_since, told.looked_at) == (7, 0, 0, now)
    assert told.confirmed_since_audit == 2, "only a comparison settles that"
    other = LockState.objects.get(lock=gate)
    assert (other.list_version, other.writes_since, other.looked_at) == (5, 3, None)


def test_a_stale_list_is_no_measure(house: House) -> None:
    door, _ = with_pin(house)
    state = {"list_version": 5, "confirmed_since": 2, "writes_since": 3, "written_at": timezone.now()}
    LockState.objects.filter(lock=door).update(**state)
    told = remembered(door, shown(9, version=6))
    assert (told.list_version, told.confirmed_since, told.writes_since) == (5, 2, 3)
    assert (told.looked_at, told.foreign_pins) == (None, 0)


@pytest.mark.parametrize(("version", "counts"), [(7, True), (8, True), (6, False), (None, None)])
def test_whether_a_version_counts_our_changes_is_known_where_there_were_some(
    house: House, version: int | None, counts: bool | None
) -> None:
    door, _ = with_pin(house)
    for before in (None, True, False):
        LockState.objects.update(list_version=5, confirmed_since=2, version_counts=before)
        expected = counts if counts is not None else before
        assert remembered(door, shown(version=version)).version_counts is expected


def test_only_a_list_that_shows_what_we_knew_proves_the_lists_of_a_lock(house: House) -> None:
    door, pin = with_pin(house)
    hour_ago = timezone.now() - HOUR
    LockState.objects.update(list_proven_at=hour_ago)
    assert weigh(door, shown()).credit is Credit.PROVEN  # as earlier ones did
    assert remembered(door, shown()).list_proven_at == hour_ago
    known(pin, remote_id=7, applied_known=True)
    assert remembered(door, shown(7)).list_proven_at == timezone.now()


# -- when a lock is compared again -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audit_in", "compared", "becomes"),
    [
        (DAY, None, timedelta()),
        (DAY, MINUTE, timedelta()),
        (DAY, MINUTE - SECOND, DAY),
        (-HOUR, None, -HOUR),
        (None, None, None),
    ],
)
def test_a_doubt_makes_a_comparison_due_at_once_unless_there_was_one_just_now(
    house: House, audit_in: timedelta | None, compared: timedelta | None, becomes: timedelta | None
) -> None:
    door, gate, now = house.lock(), house.lock("Gate"), timezone.now()
    LockState.objects.update(
        audit_at=now + audit_in if audit_in is not None else None,
        audited_at=now - compared if compared is not None else None,
    )
    listings.doubted(door.pk, now)
    due = dict(LockState.objects.values_list("lock", "audit_at"))
    assert due[door.pk] == (now + becomes if becomes is not None else None)
    assert due[gate.pk] == (now + audit_in if audit_in is not None else None)


@pytest.mark.parametrize(("audit_in", "becomes"), [(DAY, 5 * MINUTE), (4 * MINUTE, 4 * MINUTE)])
def test_after_a_creation_was_given_up_the_lock_is_compared_within_five_minutes(
    house: House, audit_in: timedelta, becomes: timedelta
) -> None:
    door, gate, now = house.lock(), house.lock("Gate"), timezone.now()
    LockState.objects.update(audit_at=now + audit_in)
    listings.creation_given_up(door.pk, now)
    rows = {one.lock_id: (one.creation_unseen_at, one.audit_at) for one in LockState.objects.all()}
    assert rows == {door.pk: (now, now + becomes), gate.pk: (None, now + audit_in)}


def test_a_confirmed_change_is_counted_and_ends_the_troubles_of_its_lock(house: House) -> None:
    door, gate, now = house.lock(), house.lock("Gate"), timezone.now()
    troubles = {"failures": 3, "failures_alike": 2, "paused_until": now + DAY, "pause_cause": "busy"}
    troubles |= {"forbidden_key": "a key", "offline_since": now - HOUR}
    counts = {"confirmed_since": 4, "confirmed_since_audit": 6}
    LockState.objects.update(**troubles, **counts)
    listings.confirmed(door.pk)
    columns = (*troubles, *counts)
    rows = {one.pop("lock"): one for one in LockState.objects.values("lock", *columns)}
    calm = {"failures": 0, "failures_alike": 0, "paused_until": None, "pause_cause": "", "forbidden_key": ""}
    assert rows[door.pk] == {**calm, "offline_since": None, "confirmed_since": 5, "confirmed_since_audit": 7}
    assert rows[gate.pk] == {**troubles, **counts}
