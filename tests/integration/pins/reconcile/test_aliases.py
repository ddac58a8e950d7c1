"""Names of codes that the cloud changes or refuses: learned once per account, and no reason to make a second code."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from pins.core.alias import ALIAS_LENGTH, reference_in
from pins.core.pin_state import State
from pins.models import AccountState, Pin, PinAttempt
from pins.reconcile import aliases
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def methods() -> list[str]:
    return list(PinAttempt.objects.order_by("pk").values_list("op", flat=True))


def test_the_first_code_of_an_account_is_read_back_and_no_other(clock: time_machine.Traveller) -> None:
    house = House(names_checked=False)
    door = house.lock()
    flat = house.flat(door)
    house.stay(flat, 2 * DAY, DAY)
    house.live(clock, MINUTE)
    (first,) = house.ours(door)
    assert len(first.alias_sent) == ALIAS_LENGTH
    assert methods() == ["post", "get"]

    house.stay(flat, 5 * DAY, DAY)
    house.live(clock, MINUTE)
    assert methods() == ["post", "get", "post"]
    assert AccountState.objects.get().alias_form == ""
    assert min(len(pin.alias_sent) for pin in house.ours(door)) < ALIAS_LENGTH


def test_while_the_first_code_is_there_no_other_one_is_read_back_in_its_place() -> None:
    house = House(names_checked=False)
    door = house.lock()
    flat = house.flat(door)
    first, second = (pin_of(house.stay(flat, days * DAY, DAY), door) for days in (2, 5))
    assert aliases.take_check(first, house.account, None)
    state = AccountState.objects.get()
    Pin.objects.filter(pk=first.pk).update(remote_id=7)
    assert not aliases.take_check(second, house.account, state)
    Pin.objects.filter(pk=first.pk).update(remote_id=None)
    assert aliases.take_check(second, house.account, state)


def test_a_code_is_sent_under_the_reference_that_it_has_now(house: House) -> None:
    door = house.lock()
    pin = pin_of(house.stay(house.flat(door), 2 * DAY, DAY), door)
    pin.alias = "Anna 03-08 Mar #AAAA11"
    assert reference_in(aliases.alias_to_send(pin, None)) == pin.grant.reference


@pytest.mark.parametrize(
    ("shape", "form"),
    [
        ({"alias_shape": "cut", "alias_cut": 20}, "20,first"),
        ({"alias_shape": "no_hash"}, "30,first"),
        ({"alias_shape": "no_spaces"}, "30,first"),
        ({"alias_shape": "upper"}, "30,first"),
    ],
    ids=["cut", "no number sign", "no spaces", "capitals"],
)
def test_a_changed_name_is_learned_and_the_reference_goes_to_the_front(
    clock: time_machine.Traveller, shape: dict[str, Any], form: str
) -> None:
    house = House(names_checked=False, **shape)
    door = house.lock()
    flat = house.flat(door)
    first, second = house.stay(flat, 2 * DAY, DAY), house.stay(flat, 5 * DAY, DAY)
    house.live(clock, HOUR)
    assert AccountState.objects.get().alias_form == form

    third = house.stay(flat, 9 * DAY, DAY)
    house.live(clock, MINUTE)
    reference = pin_of(third, door).grant.reference
    sent = Pin.objects.get(grant__booking=third).sent_alias
    assert sent.startswith(f"#{reference} Anna")
    assert len(sent) <= int(form.partition(",")[0])
    assert {pin_of(stay, door).state for stay in (first, second, third)} == {State.SET}
    assert len(house.cloud.pins(door.device_id)) == 3


@pytest.mark.parametrize("shape", ["cut", "no_hash", "no_spaces", "upper"])
def test_a_lost_code_under_a_changed_name_is_found_by_its_value(clock: time_machine.Traveller, shape: str) -> None:
    """The very first request of the account is applied, and its answer lost: nothing is known about names yet."""
    house = House(names_checked=False, alias_shape=shape)
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, DAY)
    house.cloud.script(door.device_id, ["POST:timeout_applied"])
    house.live(clock, HOUR)

    (only,) = house.cloud.pins(door.device_id)
    assert only.value == pin_of(booking, door).grant.code
    assert pin_of(booking, door).state == State.SET
    assert methods().count("post") == 1


def test_a_foreign_code_with_a_similar_name_is_never_adopted(clock: time_machine.Traveller) -> None:
    house = House()
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, DAY)
    alias = pin_of(booking, door).alias
    foreign = house.cloud.add_foreign_pin(door.device_id, alias=alias[:14])
    house.cloud.script(door.device_id, ["POST:timeout_lost"])
    house.live(clock, HOUR)

    assert foreign in house.cloud.pins(door.device_id)
    pin = pin_of(booking, door)
    assert pin.state == State.SET
    assert pin.remote_id != foreign.id


def test_a_name_that_is_refused_is_shortened_once_and_the_value_stays(clock: time_machine.Traveller) -> None:
    house = House(names_checked=False, max_alias=20)
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, DAY)
    code = pin_of(booking, door).grant.code
    house.live(clock, HOUR)
    assert pin_of(booking, door).state == State.SET
    assert pin_of(booking, door).grant.code == code
    assert methods().count("post") == 2


def test_a_cloud_that_refuses_every_name_ends_with_a_person(clock: time_machine.Traveller) -> None:
    house = House(max_alias=3)
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, DAY)
    house.live(clock, DAY)
    pin = pin_of(booking, door)
    assert (pin.state, pin.blocked) == (State.BLOCKED, "value_refused")
    assert methods().count("post") <= 4


def test_a_code_that_is_renamed_in_the_app_stays_ours_and_teaches_nothing(clock: time_machine.Traveller) -> None:
    house = House(audits=True)
    door = house.lock()
    booking = house.stay(house.flat(door), 20 * HOUR, DAY)
    house.live(clock, MINUTE)
    (remote,) = house.ours(door)
    house.cloud.change_pin(door.device_id, remote.id, alias="Neighbour")
    house.live(clock, DAY)
    assert [pin.id for pin in house.cloud.pins(door.device_id)] == [remote.id]
    assert pin_of(booking, door).remote_id == remote.id
    assert AccountState.objects.get().alias_form == ""
    assert replace(remote.body, alias="Neighbour") == house.cloud.pins(door.device_id)[0].body
