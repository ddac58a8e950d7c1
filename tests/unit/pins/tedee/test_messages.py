from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pins.tedee.messages import (
    ActivityItem,
    ListedPin,
    LockConnection,
    PinBody,
    PinListing,
    RemoteLock,
    RemotePin,
    UnreadableError,
    created_id,
    elements_of,
    read_instant,
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
        {"listVersion": 1, "pins": None},
        {"listVersion": 1, "pins": {}},
        {"listVersion": 1, "pins": [None]},
        {"listVersion": 1, "pins": [{"alias": "x"}]},
        {"listVersion": 1, "pins": [{"id": "1"}]},
        {"listVersion": 1, "pins": [{"id": True}]},
        {"listVersion": 1, "pins": [{"id": 1, "alias": 5}]},
        {"listVersion": "1", "pins": []},
    ],
)
def test_an_unreadable_listing_is_never_an_empty_one(data: object) -> None:
    with pytest.raises(UnreadableError):
        PinListing.from_json(data)


@pytest.mark.parametrize(
    ("extra", "restricted"),
    [
        ({}, False),
        ({"weekDays": None, "dayStartTime": None, "dayEndTime": None}, False),
        ({"weekDays": 0}, False),
        ({"weekDays": 127}, False),
        ({"weekDays": 48}, True),
        ({"dayStartTime": "2021-10-01T10:00:00.000Z"}, True),
        ({"dayEndTime": "2021-10-01T18:00:00.000Z"}, True),
    ],
)
def test_daily_hours_and_weekdays_make_a_pin_restricted(extra: dict[str, object], restricted: bool) -> None:
    assert RemotePin.from_json({"id": 1, "alias": "a", "pin": "192837", **extra}).restricted is restricted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", None),
        ("2027-03-03T14:00:00.000Z", START),
        ("2027-03-03T14:00:00Z", START),
        ("2027-03-03T14:00:00.0000000Z", START),
        ("2027-03-03T14:00:00", START),
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


def test_an_activity_needs_an_id() -> None:
    assert ActivityItem.from_json({"id": "a-b", "deviceId": 1, "event": 61}).id == "a-b"
    with pytest.raises(UnreadableError):
        ActivityItem.from_json({"id": None, "deviceId": 1, "event": 61})


def test_results_of_the_wrong_shape_are_refused() -> None:
    assert created_id({"id": 3}) == 3
    assert elements_of([1]) == [1]
    for data in (None, {}, {"id": None}, {"id": 3.0}, {"id": "3"}):
        with pytest.raises(UnreadableError):
            created_id(data)
    with pytest.raises(UnreadableError):
        elements_of({"result": []})
