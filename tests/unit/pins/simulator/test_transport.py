"""What goes wrong between client and cloud: faults, late landings, collisions, interleavings, and the journal of it."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from pins.simulator.answering import answer
from pins.simulator.cloud import Cloud, CloudSettings
from pins.simulator.faults import FaultPlan
from pins.simulator.messages import Reply, Request
from pins.simulator.transport import CloudTransport

START = datetime(2027, 3, 1, 12, tzinfo=UTC)
PINS = "/my/lock/10001/pin"
CODE = "481516"


class World:
    """A cloud with one lock, a clock under the test's hand, and a client."""

    def __init__(self, faults: str = "", **knobs: Any) -> None:
        self.now = START
        self.slept: list[float] = []
        self.cloud = Cloud(
            CloudSettings(**knobs), clock=lambda: self.now, sleep=self.slept.append, faults=faults, seed=5
        )
        self.cloud.add_lock("Front door")
        self.transport = CloudTransport(self.cloud)
        self.client = httpx.Client(
            transport=self.transport,
            base_url="http://cloud.test/api/v37",
            headers={"Authorization": "PersonalKey demo-key"},
        )

    def post(self, value: str = CODE, alias: str = "Guest") -> httpx.Response:
        return self.client.post(PINS, json={"alias": alias, "pin": value})

    def values(self) -> list[str]:
        return [pin.value for pin in self.cloud.pins(10001)]

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("step", "statuses", "applied"),
    [
        ("timeout_applied", {408}, True),
        ("timeout_lost", {408}, False),
        ("late", {408}, False),
        ("busy", {409}, False),
        ("offline", {428}, False),
        ("server_error", {500, 503}, False),
        ("server_error_applied", {500, 503}, True),
        ("html_error", {502}, False),
        ("html_error_applied", {502}, True),
        ("html_404", {404}, False),
        ("401", {401}, False),
        ("429", {429}, False),
    ],
)
def test_a_fault_answers_and_applies_as_its_name_says(step: str, statuses: set[int], applied: bool) -> None:
    world = World()
    world.cloud.script(10001, [step])
    answer = world.post()
    assert answer.status_code in statuses
    assert world.values() == ([CODE] if applied else [])
    assert answer.headers["Content-Type"].startswith("text/html" if "html" in step else "application/json")
    assert world.cloud.journal.requests[-1].applied is applied
    assert world.post("314159").status_code == 201


@pytest.mark.parametrize(
    ("step", "error", "applied"),
    [
        ("drop_applied", httpx.RemoteProtocolError, True),
        ("drop_lost", httpx.RemoteProtocolError, False),
        ("hang_applied", httpx.ReadTimeout, True),
        ("hang_lost", httpx.ReadTimeout, False),
        ("slow_byte", httpx.ReadTimeout, True),
    ],
)
def test_a_line_that_fails_raises_what_a_client_would_see(step: str, error: type[Exception], applied: bool) -> None:
    world = World()
    world.cloud.script(10001, [step])
    with pytest.raises(error) as raised:
        world.post()
    assert CODE not in str(raised.value)
    assert world.values() == ([CODE] if applied else [])
    assert world.post("314159").status_code == 201


def test_a_hang_is_applied_or_lost_by_chance() -> None:
    world = World("hang=1")
    for number in range(20):
        with pytest.raises(httpx.ReadTimeout):
            world.post(f"4815{number:02d}")
    assert 0 < len(world.values()) < 20


def test_faults_hit_updates_and_deletes_too() -> None:
    world = World()
    world.post()
    world.cloud.script(10001, ["PUT:timeout_applied", "DELETE:timeout_lost", "DELETE:drop_applied"])
    assert world.client.put(f"{PINS}/1", json={"alias": "Guest", "pin": "314159"}).status_code == 408
    assert world.values() == ["314159"]
    assert world.client.delete(f"{PINS}/1").status_code == 408
    assert world.values() == ["314159"]
    with pytest.raises(httpx.RemoteProtocolError):
        world.client.delete(f"{PINS}/1")
    assert world.values() == []


def test_a_timeout_hides_a_refusal() -> None:
    world = World()
    world.cloud.add_foreign_pin(10001, "Cleaner", CODE)
    world.cloud.script(10001, ["timeout_applied"])
    assert world.post().status_code == 408
    assert len(world.values()) == 1
    assert not world.cloud.journal.requests[-1].applied


def test_a_late_create_lands_after_its_time() -> None:
    world = World(late_seconds=30)
    world.cloud.script(10001, ["late"])
    assert world.post().status_code == 408
    world.forward(29)
    assert world.values() == []
    world.forward(60)
    assert world.values() == [CODE]
    change = world.cloud.journal.changes[-1]
    assert (change.late, change.at, change.request_seq) == (True, START + timedelta(seconds=30), 1)


def test_a_late_create_comes_to_nothing_when_its_value_is_there_by_then() -> None:
    world = World(late_seconds=30)
    world.cloud.script(10001, ["late"])
    world.post()
    assert world.post(alias="second try").status_code == 201
    world.forward(31)
    world.cloud.advance()
    assert [pin.alias for pin in world.cloud.pins(10001)] == ["second try"]
    assert world.cloud.lost_landings == 1


def test_a_late_write_needs_a_connected_lock() -> None:
    world = World(late_seconds=30)
    world.cloud.script(10001, ["drop_late"])
    with pytest.raises(httpx.RemoteProtocolError):
        world.post()
    world.cloud.set_connected(10001, False)
    world.forward(31)
    assert world.values() == []
    world.cloud.set_connected(10001, True)
    assert world.values() == []


def test_a_late_delete_never_hits_another_pin_that_got_the_id() -> None:
    world = World(late_seconds=30, id_reuse=True)
    world.post()
    world.cloud.script(10001, ["DELETE:late", "DELETE:ok"])
    assert world.client.delete(f"{PINS}/1").status_code == 408
    assert world.client.delete(f"{PINS}/1").status_code == 204
    assert world.post("314159").json()["result"] == {"id": 1}
    world.forward(31)
    assert world.values() == ["314159"]


def test_late_update_and_delete_land_on_the_pin_they_meant() -> None:
    world = World(late_seconds=30)
    world.post()
    world.cloud.script(10001, ["PUT:late"])
    world.client.put(f"{PINS}/1", json={"alias": "moved", "pin": "314159"})
    world.forward(31)
    assert world.values() == ["314159"]
    world.cloud.script(10001, ["DELETE:late"])
    world.client.delete(f"{PINS}/1")
    assert world.values() == ["314159"]
    world.forward(31)
    assert world.values() == []


def test_a_pin_that_ends_before_a_late_write_lands_is_gone_first() -> None:
    world = World(late_seconds=120)
    world.client.post(PINS, json={"alias": "short", "pin": CODE, "endDate": "2027-03-01T12:01:00.000Z"})
    world.cloud.script(10001, ["PUT:late"])
    world.client.put(f"{PINS}/1", json={"alias": "longer", "pin": CODE})
    world.forward(300)
    assert world.values() == []
    assert world.cloud.lost_landings == 1


def test_two_requests_at_once_on_one_device_are_a_collision() -> None:
    world = World()
    seen: list[int] = []

    def interrupt(_: Request, __: Reply) -> None:
        world.transport.on_request = None
        seen.append(world.client.get(PINS).status_code)
        seen.append(world.client.get("/my/lock").status_code)

    world.transport.on_request = interrupt
    assert world.post().status_code == 201
    assert seen == [409, 200]
    assert [entry.method for entry in world.cloud.collisions] == ["GET"]
    assert world.client.get(PINS).status_code == 200


def test_injected_conflicts_are_no_collisions() -> None:
    world = World("busy=1")
    assert world.post().status_code == 409
    assert world.cloud.collisions == []
    counts = world.cloud.journal.as_json()["counts"]
    assert isinstance(counts, dict)
    assert (counts["collisions"], counts["injected_busy"]) == (0, 1)


def test_exactly_one_of_many_threads_gets_the_device() -> None:
    entered, leave = threading.Event(), threading.Event()

    def wait(_: float) -> None:
        entered.set()
        assert leave.wait(10)

    cloud = Cloud(CloudSettings(latency=(0.1, 0.1)), sleep=wait)
    cloud.add_lock("Front door")
    request = Request("GET", "/api/v37" + PINS, headers={"Authorization": "PersonalKey demo-key"})
    statuses: list[int] = []
    first = threading.Thread(target=lambda: statuses.append(answer(cloud, request).status))
    first.start()
    assert entered.wait(10)
    others = [threading.Thread(target=lambda: statuses.append(answer(cloud, request).status)) for _ in range(31)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join(10)
    leave.set()
    first.join(10)
    assert sorted(statuses) == [200] + [409] * 31
    assert len(cloud.collisions) == 31
    assert answer(cloud, request).status == 200


def test_a_crash_before_the_answer_leaves_the_pin_and_frees_the_device() -> None:
    world = World()

    def crash(_: Request, __: Reply) -> None:
        raise KeyboardInterrupt

    world.transport.on_request = crash
    with pytest.raises(KeyboardInterrupt):
        world.post()
    world.transport.on_request = None
    assert world.values() == [CODE]
    assert world.client.get(PINS).status_code == 200


def test_a_crash_before_sending_never_reaches_the_cloud() -> None:
    world = World()

    def crash(_: Request) -> None:
        raise KeyboardInterrupt

    world.transport.on_send = crash
    with pytest.raises(KeyboardInterrupt):
        world.post()
    assert not world.cloud.journal.requests


def test_a_plug_pulled_while_the_device_works_is_a_timeout_without_effect() -> None:
    world = World(latency=(1.0, 1.0))
    world.cloud.sleep = lambda _: world.cloud.set_connected(10001, False)
    assert world.post().status_code == 408
    assert world.values() == []


def test_operations_take_their_latency_and_refusals_do_not() -> None:
    world = World(latency=(0.2, 0.4))
    world.post()
    world.cloud.script(10001, ["busy"])
    world.post()
    world.client.get("/my/lock")
    world.post("12345")
    (seconds,) = world.slept
    assert 0.2 <= seconds <= 0.4


def test_a_device_may_stay_busy_after_a_timeout_without_a_collision() -> None:
    world = World(busy_after_timeout=5)
    world.cloud.script(10001, ["timeout_lost"])
    assert world.post().status_code == 408
    assert world.post().status_code == 409
    assert world.cloud.collisions == []
    world.forward(6)
    assert world.post().status_code == 201


def test_the_same_seed_tells_the_same_story() -> None:
    def story() -> list[tuple[int, str | None]]:
        world = World("timeout_applied=0.2,timeout_lost=0.2,busy=0.2,offline=0.1")
        for number in range(30):
            world.post(f"4815{number:02d}")
        return [(entry.status, entry.fault) for entry in world.cloud.journal.requests]

    assert story() == story()
    assert any(fault for _, fault in story())


def test_faults_can_change_while_the_cloud_runs() -> None:
    world = World()
    world.cloud.set_faults("offline=1")
    assert world.post().status_code == 428
    world.cloud.set_faults(FaultPlan())
    assert world.post().status_code == 201


def test_the_journal_tells_everything_but_values_and_keys() -> None:
    world = World()
    world.post(alias="Guest A")
    world.client.put(f"{PINS}/1", json={"alias": "Guest B", "pin": CODE})
    world.cloud.add_foreign_pin(10001, "Cleaner", "271828")
    first, second = world.cloud.journal.requests
    assert (first.key, first.method, first.lock_id, first.pin_id, first.status) == ("demo", "POST", 10001, None, 201)
    assert (first.alias, first.applied, first.fault) == ("Guest A", True, None)
    assert first.value_tag == second.value_tag
    changes = list(world.cloud.journal.changes)
    assert [(change.action, change.alias, change.foreign) for change in changes] == [
        ("created", "Guest A", False),
        ("updated", "Guest B", False),
        ("created", "Cleaner", True),
    ]
    text = json.dumps(world.cloud.journal.as_json()) + repr(changes) + repr(first) + repr(world.cloud.locks())
    text += repr(world.cloud.gate.keys) + repr(Request("POST", "/", headers={"Authorization": "demo-key"}, body=b"4"))
    assert CODE not in text
    assert "271828" not in text
    assert "demo-key" not in text


def test_the_journal_can_be_read_in_parts_and_emptied() -> None:
    world = World()
    world.post()
    seen = world.cloud.journal.as_json()["last_seq"]
    assert isinstance(seen, int)
    world.post("314159")
    part = world.cloud.journal.as_json(seen)
    assert isinstance(part["requests"], list)
    assert [entry["status"] for entry in part["requests"]] == [201]
    world.cloud.journal.reset()
    assert world.cloud.journal.as_json()["requests"] == []
