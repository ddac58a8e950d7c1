"""What people and owners do: pins changed in the app, keys that may only read or end, locks that refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.small_cloud import ALIAS, CODE, PINS, START, SmallCloud


def test_a_pin_can_be_renamed_and_changed_in_every_way() -> None:
    small = SmallCloud()
    small.create(startDate="2027-03-01T12:00:00.000Z", endDate="2027-03-08T10:00:00.000Z")
    cloud = small.cloud
    cloud.change_pin(10001, 1, alias="Anna from Kraków")
    cloud.change_pin(10001, 1, value="314159")
    cloud.change_pin(10001, 1, start=START + timedelta(days=1), end=START + timedelta(days=2))
    ten, noon = datetime(2021, 10, 1, 10, tzinfo=UTC), datetime(2021, 10, 1, 12, tzinfo=UTC)
    pin = cloud.change_pin(10001, 1, week_days=48, day_start=ten, day_end=noon)
    assert small.read() == {
        "id": 1,
        "alias": "Anna from Kraków",
        "pin": "314159",
        "startDate": "2027-03-02T12:00:00.000Z",
        "endDate": "2027-03-03T12:00:00.000Z",
        "dayStartTime": "2021-10-01T10:00:00.000Z",
        "dayEndTime": "2021-10-01T12:00:00.000Z",
        "weekDays": 48,
    }
    assert small.listed()["listVersion"] == 6
    assert pin is not None
    assert (pin.foreign, pin.alias_sent) == (False, ALIAS)
    by_hand = list(cloud.journal.changes)[1:]
    assert {(change.action, change.request_seq, change.alias_sent) for change in by_hand} == {("updated", None, ALIAS)}


def test_the_app_refuses_what_the_lock_refuses() -> None:
    small = SmallCloud()
    small.create()
    other = small.cloud.add_foreign_pin(10001, week_days=3, end=START + timedelta(days=1))
    for wrong in (
        {"value": CODE},
        {"value": "12345"},
        {"alias": " "},
        {"week_days": 0},
        {"start": START + timedelta(days=2)},
    ):
        with pytest.raises(ValueError, match="refuses"):
            small.cloud.change_pin(10001, other.id, **wrong)
    with pytest.raises(TypeError):
        small.cloud.change_pin(10001, other.id, colour="red")
    assert small.cloud.change_pin(10001, 9, alias="Nobody") is None
    assert small.cloud.pins(10001)[1] == other


def test_a_key_may_only_read() -> None:
    small = SmallCloud()
    small.create()
    assert small.cloud.set_key_writes("demo", False)
    assert small.create("314159").status_code == 403
    assert small.client.put(f"{PINS}/1", json={"alias": "A", "pin": CODE}).status_code == 403
    assert small.client.delete(f"{PINS}/1").status_code == 403
    assert small.ids() == [1]
    assert small.client.get("/my/lock").status_code == 200
    small.cloud.set_key_writes("demo", True)
    assert small.client.delete(f"{PINS}/1").status_code == 204
    assert not small.cloud.set_key_writes("nobody", False)


def test_a_write_without_permission_may_be_refused_with_401() -> None:
    small = SmallCloud(write_refusal=401)
    small.cloud.add_key("token", "app", scheme="Bearer", can_write=False)
    client = small.client_of("Bearer token")
    assert client.post(PINS, json={"alias": "A", "pin": CODE}).status_code == 401
    assert client.get(PINS).status_code == 200
    assert small.create().status_code == 201


def test_keys_and_tokens_end_at_their_moment() -> None:
    small = SmallCloud()
    ends = START + timedelta(hours=1)
    small.cloud.set_key_expiry("demo", ends)
    small.cloud.add_key("token", "app", scheme="Bearer", expires_at=ends + timedelta(hours=1))
    token = small.client_of("Bearer token")
    small.forward(3599)
    assert small.client.get(PINS).status_code == 200
    small.forward(1)
    assert small.client.get(PINS).status_code == 401
    assert token.get(PINS).status_code == 200
    small.forward(3600)
    assert token.get(PINS).status_code == 401
    small.cloud.set_key_expiry("demo", None)
    assert small.client.get(PINS).status_code == 200
    with pytest.raises(ValueError, match="scheme"):
        small.cloud.add_key("x", "x", scheme="Basic")


def test_the_keys_of_a_user_are_told_without_their_values() -> None:
    small = SmallCloud()
    small.cloud.set_key_expiry("demo", START + timedelta(days=30))
    small.cloud.add_key("second-key", "second", can_write=False)
    small.cloud.add_key("third-key", "third", user="somebody else")
    small.cloud.add_key("token", "app", scheme="Bearer")
    answer = small.client.get("/my/personalaccesskey")
    told = [(key["name"], key["validTo"], key["scopes"]) for key in answer.json()["result"]]
    assert told == [
        ("demo", "2027-03-31T12:00:00.000Z", ["Account.Read", "Device.ReadWrite"]),
        ("second", None, ["Account.Read", "Device.Read"]),
    ]
    assert len({key["id"] for key in answer.json()["result"]}) == 2
    assert "demo-key" not in answer.text
    assert "second-key" not in answer.text


def test_a_lock_may_claim_that_it_is_full() -> None:
    small = SmallCloud()
    small.create()
    small.cloud.set_claims_full(10001, True)
    assert small.create("314159").status_code == 412
    assert small.client.put(f"{PINS}/1", json={"alias": "A", "pin": CODE}).status_code == 204
    with pytest.raises(ValueError, match="full"):
        small.cloud.add_foreign_pin(10001)
    small.cloud.set_claims_full(10001, False)
    assert small.create("314159").status_code == 201
    small.cloud.set_capacity(10001, 2)
    assert small.create("271828").status_code == 412


@pytest.mark.parametrize("status", [403, 404, 408, 409, 428, 500])
def test_a_lock_may_always_answer_with_one_status(status: int) -> None:
    small = SmallCloud()
    small.cloud.add_lock("Healthy")
    small.create()
    small.cloud.set_always(10001, status)
    requests = [
        small.client.get(PINS),
        small.client.get(f"{PINS}/1"),
        small.create("314159"),
        small.client.delete(f"{PINS}/1"),
    ]
    assert [(answer.status_code, answer.content) for answer in requests] == [(status, b"")] * 4
    assert small.cloud.journal.requests[-1].fault == f"always_{status}"
    assert small.client.get("/my/lock/10002/pin").status_code == 200
    assert small.client.get("/my/lock/10001").status_code == 200
    small.cloud.set_always(10001, None)
    assert small.ids() == [1]


@pytest.mark.parametrize("status", [200, 304, 999])
def test_only_errors_can_be_always(status: int) -> None:
    with pytest.raises(ValueError, match=str(status)):
        SmallCloud().cloud.set_always(10001, status)
