from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pins.tedee.fields import UnreadableError, elements_of, read_instant
from pins.tedee.messages import (
    ActivityItem,
    ListedPin,
    LockConnection,
    PersonalKey,
    PinBody,
    PinListing,
    RemoteLock,
    RemotePin,
    created_id,
)

START = datetime(2027, 3, 3, 14, tzinfo=UTC)
LOCK = {
    "id": 123,
    "serialNumber": "10530206-000001",
    "name": "Front door",
    "type": 2,
    "timeZone": "Europe/Warsaw",
    "isConnected": True,
    "connectedToId": 44,
    "accessories": [{"id": 9, "deviceType": 3}],
    "deviceState": {"batteryLevel": 71, "state": 6},
    "somethingNew": {"a": [1]},
}


def test_a_body_is_written_in_utc_with_milliseconds() -> None:
    east = timezone(timedelta(hours=2))
    body = PinBody(
        "Ann 03-08 Mar #7F3K2Q", "739105", START.astimezone(east), START + timedelta(days=5, microseconds=999)
    )

    assert body.to_json() == {
        "alias": "Ann 03-08 Mar #7F3K2Q",
        "pin": "739105",
        "startDate": "2027-03-03T14:00:00.000Z",
        "endDate": "2027-03-08T14:00:00.000Z",
    }


def test_a_body_without_dates_leaves_them_out() -> None:
    assert PinBody("Cleaner", "739105").to_json() == {"alias": "Cleaner", "pin": "739105"}


def test_a_body_refuses_naive_moments() -> None:
    with pytest.raises(ValueError, match="aware"):
        PinBody("Ann", "739105", datetime(2027, 3, 3, 14), None)


def test_codes_are_not_in_any_repr() -> None:
    remote = RemotePin.from_json({"id": 1, "alias": "Ann", "pin": "739105"})
    assert "739105" not in repr(PinBody("Ann", "739105")) + repr(remote)
    assert remote.code == "739105"


def test_a_listing_keeps_order_and_ignores_new_fields() -> None:
    listing = PinListing.from_json({"listVersion": 2, "pins": [{"id": 2, "alias": "b", "x": 1}, {"id": 1}], "y": 2})
    assert listing == PinListing(2, (ListedPin(2, "b"), ListedPin(1, "")))


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "",
        {},
        {"listVersion": 1},
        {"pins": ""},
        {"listVersion": 1, "pins": {}},
        {"listVersion": 1, "pins": [None]},
        {"listVersion": 1, "pins": [{"alias": "x"}]},
        {"listVersion": 1, "pins": [{"id": "x1"}]},
        {"listVersion": 1, "pins": [{"id": "1.5"}]},
        {"listVersion": 1, "pins": [{"id": "٣"}]},
        {"listVersion": 1, "pins": [{"id": "9" * 5000}]},
        {"listVersion": 1, "pins": [{"id": True}]},
        {"listVersion": 1, "pins": [{"id": 1, "alias": 5}]},
        {"listVersion": "one", "pins": []},
        {"listVersion": False, "pins": []},
        {"listVersion": 1.0, "pins": []},
    ],
)
def test_an_unreadable_listing_is_never_an_empty_one(data: object) -> None:
    with pytest.raises(UnreadableError):
        PinListing.from_json(data)


def test_numbers_may_be_text_and_an_empty_list_null() -> None:
    listing = PinListing.from_json({"listVersion": "7", "pins": [{"id": "123", "alias": "a"}]})
    assert listing == PinListing(7, (ListedPin(123, "a"),))
    assert PinListing.from_json({"listVersion": 7, "pins": None}) == PinListing(7, ())
    assert PinListing.from_json({"pins": []}) == PinListing(None, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", None),
        ("2027-03-03T14:00:00.000Z", START),
        ("2027-03-03T14:00:00Z", START),
        ("2027-03-03T14:00:00.0000000Z", START),
        ("2027-03-03T14:00:00", START),
        ("2027-03-03T14:00", START),
        ("2027-03-03T14:00Z", START),
        ("2027-03-03T14:00:00+00:00", START),
        ("2027-03-03T15:00:00+01:00", START),
    ],
)
def test_instants_are_read_in_many_shapes(text: object, expected: datetime | None) -> None:
    assert read_instant(text) == expected


@pytest.mark.parametrize("value", ["soon", 5, [], "0001-01-01T00:00:00+02:00"])
def test_an_unreadable_instant_is_refused(value: object) -> None:
    with pytest.raises(UnreadableError):
        read_instant(value)


@pytest.mark.parametrize("code", [None, 192837])
def test_a_pin_needs_a_readable_value(code: object) -> None:
    with pytest.raises(UnreadableError):
        RemotePin.from_json({"id": 1, "alias": "a", "pin": code})


def test_a_lock_is_read() -> None:
    assert RemoteLock.from_json(LOCK) == RemoteLock(
        123, "10530206-000001", "Front door", 2, "Europe/Warsaw", True, True, True, 71
    )


def test_a_lock_without_bridge_and_keypad_is_read() -> None:
    lock = RemoteLock.from_json({"id": 1, "isConnected": None, "deviceState": None, "accessories": None})
    assert lock == RemoteLock(1, "", "", None, "", None, False, False, None)


@pytest.mark.parametrize(
    "shape",
    [
        {"deviceState": None, "lockProperties": {"batteryLevel": 71, "state": 6}},
        {"deviceState": {"batteryLevel": 71, "doorState": 3}, "lockProperties": None},
        {"shareDetails": None, "accessDetails": {"accessLevel": 2}, "doorState": None},
    ],
)
def test_locks_of_other_versions_are_read(shape: dict[str, object]) -> None:
    assert RemoteLock.from_json({**LOCK, **shape}) == RemoteLock.from_json(LOCK)


@pytest.mark.parametrize("level", [None, "71", True, [71]])
def test_a_strange_battery_level_is_unknown(level: object) -> None:
    assert RemoteLock.from_json({**LOCK, "deviceState": {"batteryLevel": level}}).battery_level is None


@pytest.mark.parametrize(
    ("accessory", "expected"),
    [
        ({"type": 10}, True),
        ({"deviceType": 10}, True),
        ({"type": 3}, True),
        ({"type": 1}, False),
        ({"type": []}, False),
    ],
)
def test_a_keypad_is_known_by_its_type(accessory: object, expected: bool) -> None:
    assert RemoteLock.from_json({**LOCK, "accessories": [accessory]}).has_keypad is expected


def test_a_connection_is_read() -> None:
    assert LockConnection.from_json({"id": 5, "isConnected": False, "revision": 9}) == LockConnection(5, False)
    assert LockConnection.from_json({"id": 5, "isConnected": None}) == LockConnection(5, None)
    with pytest.raises(UnreadableError):
        LockConnection.from_json({"id": 5, "isConnected": "yes"})


@pytest.mark.parametrize("name", ["userName", "username"])
def test_an_activity_is_read(name: str) -> None:
    item = ActivityItem.from_json(
        {"id": 7, "deviceId": 1, "event": 61, name: "Ann", "date": "2027-03-03T14:00:00.000Z"}
    )
    assert item == ActivityItem(7, 1, 61, "Ann", START)


@pytest.mark.parametrize(
    "date", ["2027-03-03T14:00:00", "2027-03-03T15:00:00+01:00", 1804082400, 1804082400000, 1804082400.0]
)
def test_the_moment_of_an_activity_in_other_forms(date: object) -> None:
    assert ActivityItem.from_json({"id": 7, "deviceId": 1, "event": 61, "date": date}).date == START


@pytest.mark.parametrize("date", [None, "", "yesterday", True, [], 1e30, -1e30, float("nan")])
def test_a_moment_that_cannot_be_read_is_none(date: object) -> None:
    assert ActivityItem.from_json({"id": 7, "deviceId": 1, "event": 61, "date": date}).date is None


def test_an_activity_needs_an_id() -> None:
    assert ActivityItem.from_json({"id": "a-b", "deviceId": 1, "event": 61}).id == "a-b"
    with pytest.raises(UnreadableError):
        ActivityItem.from_json({"id": None, "deviceId": 1, "event": 61})


def test_results_of_the_wrong_shape_are_refused() -> None:
    assert created_id({"id": 3}) == created_id({"id": "3"}) == 3
    assert elements_of([1]) == [1]
    for data in (None, {}, {"id": None}, {"id": 3.0}, {"id": "3.0"}, {"id": True}):
        with pytest.raises(UnreadableError):
            created_id(data)
    with pytest.raises(UnreadableError):
        elements_of({"result": []})


@pytest.mark.parametrize(
    ("scopes", "may_write"),
    [
        (["Account.Read", "Device.ReadWrite"], True),
        (["Device.Read"], False),
        ([], None),
        (None, None),
        ("Device.ReadWrite", None),
        ([5], None),
    ],
)
def test_a_listed_key_says_whether_it_may_change_codes_or_nothing(scopes: object, may_write: bool | None) -> None:
    assert PersonalKey.from_json({"name": "Turnkey", "scopes": scopes}).may_write is may_write
