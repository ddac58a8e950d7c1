"""Every endpoint and status of the simulated cloud, through its in-process transport."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from pins.simulator.cloud import Cloud, CloudSettings, UnknownLockError
from pins.simulator.transport import CloudTransport

START = datetime(2027, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that moves when the test says so."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make(clock: Clock, **knobs: Any) -> tuple[Cloud, httpx.Client]:
    cloud = Cloud(CloudSettings(**knobs), clock=clock)
    cloud.add_lock("Front door")
    return cloud, client_of(cloud)


def client_of(cloud: Cloud, key: str = "PersonalKey demo-key") -> httpx.Client:
    return httpx.Client(
        transport=CloudTransport(cloud), base_url="http://cloud.test/api/v37", headers={"Authorization": key}
    )


def guest(value: str = "481516", alias: str = "Guest 03-08 Mar #7F3K2Q", **fields: Any) -> dict[str, Any]:
    return {"alias": alias, "pin": value} | fields


def stay(days: float = 1) -> dict[str, str]:
    end = (START + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {"startDate": "2027-03-01T12:00:00.000Z", "endDate": end}


PINS = "/my/lock/10001/pin"


def test_a_pin_is_created_listed_read_changed_and_deleted(clock: Clock) -> None:
    _, client = make(clock)
    made = client.post(PINS, json=guest(**stay()))
    assert made.status_code == 201
    assert made.json() == {"result": {"id": 1}, "success": True, "errorMessages": [], "statusCode": 201}
    assert made.headers["X-Correlation-ID"]
    assert client.get(PINS).json()["result"] == {
        "listVersion": 2,
        "pins": [{"id": 1, "alias": "Guest 03-08 Mar #7F3K2Q"}],
    }
    assert client.get(f"{PINS}/1").json()["result"] == {
        "id": 1,
        "alias": "Guest 03-08 Mar #7F3K2Q",
        "pin": "481516",
        "startDate": "2027-03-01T12:00:00.000Z",
        "endDate": "2027-03-02T12:00:00.000Z",
        "dayStartTime": None,
        "dayEndTime": None,
        "weekDays": None,
    }
    changed = client.put(f"{PINS}/1", json=guest("482516", **stay(2)))
    assert (changed.status_code, changed.content) == (204, b"")
    assert client.get(f"{PINS}/1").json()["result"]["pin"] == "482516"
    gone = client.delete(f"{PINS}/1")
    assert (gone.status_code, gone.content) == (204, b"")
    for answer in (client.get(f"{PINS}/1"), client.put(f"{PINS}/1", json=guest()), client.delete(f"{PINS}/1")):
        assert answer.status_code == 404
        assert answer.json()["success"] is False
        assert answer.json()["statusCode"] == 404


def test_a_put_replaces_the_whole_pin(clock: Clock) -> None:
    cloud, client = make(clock)
    client.post(PINS, json=guest(weekDays=48, **stay()))
    client.put(f"{PINS}/1", json=guest())
    (pin,) = cloud.pins(10001)
    assert (pin.body.end, pin.body.week_days) == (None, None)


def test_the_list_is_unchanged_for_a_client_that_has_its_version(clock: Clock) -> None:
    _, client = make(clock)
    version = client.get(PINS).json()["result"]["listVersion"]
    same = client.get(PINS, params={"listVersion": version})
    assert (same.status_code, same.content) == (304, b"")
    client.post(PINS, json=guest())
    newer = client.get(PINS, params={"listVersion": version})
    assert newer.json()["result"]["listVersion"] == version + 1
    assert client.get(PINS, params={"listVersion": "new"}).status_code == 400


def test_one_value_is_at_most_once_on_a_lock(clock: Clock) -> None:
    cloud, client = make(clock)
    cloud.add_foreign_pin(10001, "Cleaner", "271828")
    assert client.post(PINS, json=guest("271828")).status_code == 406
    assert client.post(PINS, json=guest("481516")).status_code == 201
    assert client.put(f"{PINS}/2", json=guest("271828")).status_code == 406
    assert client.put(f"{PINS}/2", json=guest("481516", alias="same value")).status_code == 204
    assert client.post(PINS, json=guest("314159", alias="same value")).status_code == 201


def test_an_alias_is_unique_only_when_the_cloud_minds(clock: Clock) -> None:
    _, client = make(clock, unique_alias=True)
    client.post(PINS, json=guest())
    assert client.post(PINS, json=guest("314159")).status_code == 406


@pytest.mark.parametrize("full_status", [412, 422])
def test_a_full_lock_takes_no_more(clock: Clock, full_status: int) -> None:
    cloud, client = make(clock, capacity=2, full_status=full_status)
    cloud.add_foreign_pin(10001)
    assert client.post(PINS, json=guest()).status_code == 201
    assert client.post(PINS, json=guest("314159")).status_code == full_status
    client.delete(f"{PINS}/2")
    assert client.post(PINS, json=guest("314159")).status_code == 201


def test_bad_bodies_and_bodies_of_another_kind_are_refused(clock: Clock) -> None:
    cloud, client = make(clock)
    refused = client.post(PINS, json=guest("12345"))
    assert refused.status_code == 400
    assert refused.json()["errorMessages"] == ["Pin cannot be a strictly ascending or descending sequence."]
    assert client.post(PINS, content=b'{"alias": "a", "pin": "481516"}').status_code == 415
    patched = {"Content-Type": "application/json-patch+json"}
    assert client.post(PINS, content=b'{"alias": "a", "pin": "481516"}', headers=patched).status_code == 201
    assert client.patch(f"{PINS}/1", json=guest()).status_code == 405
    assert client.post("/my/lock/10001", json={}).status_code == 405
    assert [entry.status for entry in cloud.journal.requests] == [400, 415, 201, 405, 405]


@pytest.mark.parametrize(("reuse", "next_id"), [(True, 1), (False, 3)])
def test_ids_of_removed_pins_come_back_only_when_reused(clock: Clock, reuse: bool, next_id: int) -> None:
    _, client = make(clock, id_reuse=reuse)
    client.post(PINS, json=guest("481516"))
    client.post(PINS, json=guest("314159"))
    client.delete(f"{PINS}/1")
    assert client.post(PINS, json=guest("271828")).json()["result"] == {"id": next_id}


def test_an_ended_pin_is_gone_by_itself(clock: Clock) -> None:
    cloud, client = make(clock, expiry_lag=10)
    client.post(PINS, json=guest(**stay(1)))
    clock.forward(86400)
    assert client.get(PINS).json()["result"]["listVersion"] == 2
    clock.forward(3600)
    assert client.get(PINS).json()["result"] == {"listVersion": 3, "pins": []}
    assert client.delete(f"{PINS}/1").status_code == 404
    change = cloud.journal.changes[-1]
    assert (change.action, change.at, change.request_seq) == ("expired", START + timedelta(days=1, seconds=10), None)


def test_an_ended_pin_gives_its_value_and_place_back(clock: Clock) -> None:
    _, client = make(clock, capacity=1)
    client.post(PINS, json=guest(**stay(1)))
    clock.forward(86400)
    assert client.post(PINS, json=guest()).status_code == 201


def test_a_lock_without_its_plug_bridge_or_keypad_cannot_be_reached(clock: Clock) -> None:
    cloud, client = make(clock)
    cloud.add_lock("No bridge", bridge_id=None)
    cloud.add_lock("No keypad", keypad=None)
    cloud.set_connected(10001, False)
    for lock_id in (10001, 10002, 10003):
        assert client.get(f"/my/lock/{lock_id}/pin").status_code == 428
    cloud.set_connected(10001, True)
    assert client.get(PINS).status_code == 200


def test_locks_are_listed_with_what_an_import_needs(clock: Clock) -> None:
    cloud, client = make(clock)
    cloud.add_lock("No bridge", bridge_id=None, type=4)
    cloud.add_lock("No keypad", keypad=None, time_zone="Europe/Madrid")
    cloud.set_connected(10003, False)
    plain = client.get("/my/lock").json()["result"]
    assert [lock["accessories"] for lock in plain] == [None, None, None]
    front, bridgeless, bare = client.get("/my/lock", params={"IncludeAccessories": "true"}).json()["result"]
    assert front["id"] == 10001
    assert front["serialNumber"] == "21120102-000001"
    assert (front["isConnected"], front["connectedToId"], front["timeZone"]) == (True, 501, "Europe/Warsaw")
    assert front["accessories"][0]["deviceType"] == 3
    assert front["deviceState"]["batteryLevel"] == 87
    assert (bridgeless["isConnected"], bridgeless["connectedToId"], bridgeless["deviceState"]) == (None, None, None)
    assert bridgeless["type"] == 4
    assert (bare["isConnected"], bare["deviceState"], bare["accessories"]) == (False, None, [])
    single = client.get("/my/lock/10001", params={"includeAccessories": "True"}).json()["result"]
    assert single == front
    assert client.get("/my/lock/77").status_code == 403


def test_sync_tells_the_connection_of_many_locks_at_once(clock: Clock) -> None:
    cloud, client = make(clock)
    cloud.add_lock("Garden")
    cloud.set_connected(10002, False)
    answer = client.get("/my/lock/sync", params=[("id", 10001), ("id", 10002), ("id", 5)]).json()["result"]
    assert [(lock["id"], lock["isConnected"], lock["revision"]) for lock in answer] == [
        (10001, True, 1),
        (10002, False, 2),
    ]
    assert answer[1]["deviceState"] is None
    assert client.get("/my/lock/sync", params={"id": "all"}).status_code == 400


def test_activity_comes_newest_first_and_in_pages(clock: Clock) -> None:
    cloud, client = make(clock)
    for _ in range(250):
        clock.forward(1)
        cloud.add_activity(10001, 61, "Guest")
    first = client.get("/my/deviceactivity", params={"deviceId": 10001}).json()["result"]
    assert [first[0]["id"], len(first), first[0]["event"]] == [250, 200, 61]
    page = {"deviceId": 10001, "elements": 3, "lastElemDate": first[-1]["date"]}
    assert [item["id"] for item in client.get("/my/deviceactivity", params=page).json()["result"]] == [50, 49, 48]
    assert client.get("/my/deviceactivity").status_code == 400
    assert client.get("/my/deviceactivity", params={"deviceId": 10001, "lastElemDate": "x"}).status_code == 400
    assert client.get("/my/deviceactivity", params={"deviceId": 4}).status_code == 403


def test_digits_at_the_keypad_open_or_do_not(clock: Clock) -> None:
    cloud, client = make(clock)
    begins, ends = clock() + timedelta(hours=1), clock() + timedelta(hours=2)
    cloud.add_foreign_pin(10001, value="482915", alias="Office", start=begins, end=ends)
    assert cloud.enter(10001, "482915") == 75
    assert cloud.enter(10001, "111222") == 62
    clock.forward(3600)
    cloud.settings = replace(cloud.settings, activity_names="alias")
    assert cloud.enter(10001, "482915") == 61
    clock.forward(3600)
    assert cloud.enter(10001, "482915") == 62  # it is gone
    lines = client.get("/my/deviceactivity", params={"deviceId": 10001}).json()["result"]
    assert [(one["event"], one["username"]) for one in lines] == [(62, ""), (61, "Office"), (62, ""), (75, "")]


def test_activity_may_come_late_twice_and_cut_short(clock: Clock) -> None:
    cloud, client = make(clock)

    def ids(**settings: Any) -> list[object]:
        cloud.settings = replace(CloudSettings(), **settings)
        return [one["id"] for one in client.get("/my/deviceactivity", params={"deviceId": 10001}).json()["result"]]

    for _ in range(3):
        clock.forward(60)
        cloud.add_activity(10001, 61)
    assert ids(activity_lag=90.0) == [1]
    assert ids(activity_keeps=2) == [3, 2]
    assert ids(activity_twice=True, activity_keeps=2) == [3, "3-again"]
    for status in (401, 403, 503):
        cloud.settings = replace(CloudSettings(), activity_status=status)
        assert client.get("/my/deviceactivity", params={"deviceId": 10001}).status_code == status
        assert client.get("/my/lock/10001").status_code == 200


def test_a_dead_or_wrong_key_is_refused_until_restored(clock: Clock) -> None:
    cloud, client = make(clock)
    for wrong in ("PersonalKey other", "Bearer demo-key", "demo-key", ""):
        assert client_of(cloud, wrong).get("/my/lock").status_code == 401
    assert cloud.set_key_revoked("demo", True)
    assert client.get(PINS).status_code == 401
    cloud.set_key_revoked("demo", False)
    assert client.get(PINS).status_code == 200
    assert not cloud.set_key_revoked("nobody", True)
    cloud.add_key("token", "app", scheme="Bearer")
    assert client_of(cloud, "Bearer token").get(PINS).status_code == 200


def test_a_lock_without_permission_is_403_and_out_of_the_lists(clock: Clock) -> None:
    cloud, client = make(clock)
    cloud.set_forbidden(10001, True)
    assert client.get(PINS).status_code == 403
    assert client.get("/my/lock").json()["result"] == []
    assert client.get("/my/lock/10001").status_code == 403
    assert client.get("/my/lock/sync").json()["result"] == []
    cloud.set_forbidden(10001, False)
    assert client.get(PINS).status_code == 200


def test_another_version_or_path_is_an_html_404(clock: Clock) -> None:
    cloud, client = make(clock)
    for url in ("http://cloud.test/api/v1.33/my/lock", "http://cloud.test/api/v37/my/locks", "http://cloud.test/"):
        answer = client.get(url)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/html")
    assert cloud.journal.requests[0].key is None


def test_the_rate_window_is_fixed_and_says_how_long_to_wait(clock: Clock) -> None:
    cloud, client = make(clock, rate_limit=3, rate_window=60.0)
    cloud.rate.phase = START.timestamp() % 60 - 20  # the window began twenty seconds ago
    assert [client.get(PINS).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert client.get("/my/lock").headers["Retry-After"] == "40"
    clock.forward(39)
    assert client.get(PINS).headers["Retry-After"] == "1"
    clock.forward(1)
    assert client.get(PINS).status_code == 200


def test_keys_of_one_user_share_a_budget_and_others_do_not(clock: Clock) -> None:
    cloud, client = make(clock, rate_limit=1)
    cloud.add_key("second-key", "second")
    cloud.add_key("third-key", "third", user="somebody else")
    assert client.get(PINS).status_code == 200
    assert client_of(cloud, "PersonalKey second-key").get(PINS).status_code == 429
    assert client_of(cloud, "PersonalKey third-key").get(PINS).status_code == 200


def test_listing_locks_has_a_window_of_its_own(clock: Clock) -> None:
    _, client = make(clock, listing_limit=2)
    assert [client.get("/my/lock").status_code for _ in range(3)] == [200, 200, 429]
    assert client.get("/my/lock/10001").status_code == 200


def test_a_lock_added_again_keeps_its_serial_and_loses_its_pins(clock: Clock) -> None:
    cloud, client = make(clock)
    client.post(PINS, json=guest())
    new_id = cloud.readd_lock(10001)
    assert new_id == 10002
    assert client.get(PINS).status_code == 403
    assert client.get(f"/my/lock/{new_id}/pin").json()["result"]["pins"] == []
    assert cloud.lock(new_id).serial_number == "21120102-000001"
    with pytest.raises(UnknownLockError):
        cloud.pins(10001)


def test_a_person_can_add_and_remove_pins_by_hand(clock: Clock) -> None:
    cloud, client = make(clock)
    pin = cloud.add_foreign_pin(10001)
    assert pin.foreign
    assert client.get(f"{PINS}/{pin.id}").status_code == 200
    with pytest.raises(ValueError, match="refuses"):
        cloud.add_foreign_pin(10001, value=pin.value)
    assert cloud.remove_pin(10001, pin.id)
    assert not cloud.remove_pin(10001, pin.id)
    assert [change.action for change in cloud.journal.changes] == ["created", "deleted"]


def test_a_misspelled_lock_field_is_refused(clock: Clock) -> None:
    cloud, _ = make(clock)
    with pytest.raises(TypeError, match="batery"):
        cloud.add_lock("Attic", batery=3)
