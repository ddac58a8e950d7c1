"""The documents' samples, in both directions: our client sends what they show, and the simulated cloud answers it.

The samples are the only sure thing about this API. What client and simulator believe beyond them may be wrong in both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, time

import httpx
import pytest

from pins.simulator.cloud import Cloud
from pins.simulator.gate import Key
from pins.simulator.server import SimulatorServer
from pins.simulator.settings import CloudSettings
from pins.tedee.auth import Auth, BearerToken, PersonalKey
from pins.tedee.client import TedeeClient
from pins.tedee.messages import ListedPin, PinBody, PinListing, Recurrence, RemotePin
from tests.support.api_samples import ACCESS_TOKEN, Sample, samples
from tests.support.scripted_server import Server, answer, forbidden_body, packets

ALL = samples()
BEGINS, ENDS = datetime(2021, 10, 1, tzinfo=UTC), datetime(2021, 12, 31, tzinfo=UTC)
MONDAY = Recurrence(1, time(10), time(18))
FRIDAY_AND_SATURDAY = Recurrence(48, time(10), time(18))
OFFICE_HOURS = Recurrence(31, time(8), time(16))
KNOWN = (ListedPin(1, "test pin 1"), ListedPin(2, "test pin 2"))
DETAILS = RemotePin(2, "test pin 2", "192837", BEGINS, ENDS, MONDAY)


def new(*rest: datetime | Recurrence | None) -> PinBody:
    return PinBody("test pin 3", "918273", *rest)  # type: ignore[arg-type]


def changed(*rest: datetime | Recurrence | None) -> PinBody:
    return PinBody("new test pin 2", "827364", *rest)  # type: ignore[arg-type]


# What our client is asked for, and what it must bring back, for each sample.
CALLS: dict[str, tuple[Callable[[TedeeClient], object], object]] = {
    "v37-create-permanent": (lambda client: client.create_pin(123, new()).value, 3),
    "v37-create-restricted": (lambda client: client.create_pin(123, new(BEGINS, ENDS, MONDAY)).value, 3),
    "v1.33-create-permanent": (lambda client: client.create_pin(123, new()).value, 3),
    "v1.33-create-dates": (lambda client: client.create_pin(123, new(BEGINS, ENDS)).value, 3),
    "v1.33-create-dates-and-days": (
        lambda client: client.create_pin(123, new(BEGINS, ENDS, FRIDAY_AND_SATURDAY)).value,
        3,
    ),
    "v1.33-create-days": (lambda client: client.create_pin(123, new(None, None, OFFICE_HOURS)).value, 3),
    "v1.33-list": (lambda client: client.list_pins(123).value, PinListing(2, KNOWN)),
    "v1.33-list-unchanged": (lambda client: client.list_pins(123, 2).value, None),
    "v1.33-list-newer": (lambda client: client.list_pins(123, 2).value, PinListing(3, KNOWN)),
    "v1.33-details": (lambda client: client.get_pin(123, 2).value, DETAILS),
    "v1.33-update": (lambda client: client.update_pin(123, 2, changed(BEGINS, ENDS, MONDAY)).status, 204),
    "v1.30-update-restricted": (lambda client: client.update_pin(123, 2, changed(BEGINS, ENDS, MONDAY)).status, 204),
    "v1.30-update-permanent": (lambda client: client.update_pin(123, 2, changed()).status, 204),
    "v1.33-delete": (lambda client: client.delete_pin(123, 2).status, 204),
}
# Bodies that we write in another way. Null and absent mean the same: samples of one document show both. And only the
# time of day counts in `dayEndTime`: this sample gives it the last day of the period, all others the first.
FREELY = {"v1.33-create-dates", "v1.33-create-days", "v1.30-update-permanent", "v1.33-create-dates-and-days"}


def test_every_sample_is_tested() -> None:
    assert CALLS.keys() == ALL.keys()
    assert {sample.base for sample in ALL.values()} == {"/api/v1.30", "/api/v1.33", "/api/v37"}


@pytest.mark.parametrize("auth", [BearerToken("t0ken"), PersonalKey("k3y")], ids=["Bearer", "PersonalKey"])
@pytest.mark.parametrize("name", CALLS)
def test_our_client_sends_the_sample_and_understands_its_answer(name: str, auth: Auth) -> None:
    sample = ALL[name]
    call, expected = CALLS[name]
    shown = sample.answer or {"result": {"id": 3}, "success": True, "errorMessages": [], "statusCode": sample.status}
    bare = sample.status in (204, 304)  # shown with a body all the same
    reply = packets(forbidden_body(sample.status, json.dumps(shown).encode())) if bare else answer(sample.status, shown)
    with Server([reply]) as server:
        base = server.url.removesuffix("/api/v37") + sample.base
        with TedeeClient(base, auth, content_type="application/json-patch+json") as client:
            assert call(client) == expected

    (sent,) = server.requests
    assert (sent.method, sent.target) == (sample.method, sample.target)
    assert sent.headers["authorization"] == auth.header()
    for header in ("accept", "content-type"):
        assert sent.headers.get(header) == sample.headers.get(header)
    if sample.body is None:
        assert sent.body == b""
    elif name in FREELY:
        assert plain(sent.json()) == plain(sample.body)
    else:
        assert sent.body.decode() == json.dumps(sample.body), "the same fields in the same order and spelling"


def plain(body: object) -> dict[str, object]:
    """A body without its nulls, and with the times of day alone."""
    assert isinstance(body, dict)
    texts = {name: value for name, value in body.items() if value is not None}
    return {name: value.partition("T")[2] if name.startswith("day") else value for name, value in texts.items()}


@pytest.mark.parametrize("name", ["v37-create-restricted", "v1.33-create-days", "v1.33-create-dates-and-days"])
def test_weekdays_of_the_samples_survive_the_way_there_and_back(name: str) -> None:
    sample = ALL[name]
    assert sample.body is not None
    read = RemotePin.from_json({"id": 3, **sample.body})
    body = PinBody(read.alias, read.code, read.starts_at, read.ends_at, read.recurrence)

    assert body.recurrence is not None
    assert body.recurrence.weekdays == sample.body["weekDays"]
    assert plain(body.to_json()) == plain(body.to_put_json()) == plain(sample.body)


# -- the simulated cloud -----------------------------------------------------------------------------------------------


def cloud_for(sample: Sample) -> Cloud:
    """A cloud of that version whose lock 123 has the two PINs of the documents, in the year of the documents."""
    cloud = Cloud(CloudSettings(api_base=sample.base), key="k3y", clock=lambda: datetime(2021, 9, 15, tzinfo=UTC))
    cloud.gate.add(Key("t0ken", "token", scheme="Bearer"))
    cloud.next_lock_id = 123
    cloud.add_lock("Front door", list_version=0)
    return cloud


def send(url: str, method: str, headers: dict[str, str], body: object = None) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.request(method, url, headers=headers, content=None if body is None else json.dumps(body))


def ask(server: SimulatorServer, sample: Sample, authorization: str) -> httpx.Response:
    headers = {**sample.headers, "authorization": authorization}
    return send(server.url + sample.target, sample.method, headers, sample.body)


def prepare(server: SimulatorServer, sample: Sample) -> None:
    """Put the two PINs on the lock; for the sample of a newer list, change one of them."""
    details = ALL["v1.33-details"].answer
    assert details is not None
    assert isinstance(details["result"], dict)
    second = {name: value for name, value in details["result"].items() if name != "id"}
    pins, headers = f"{server.url}{sample.base}/my/lock/123/pin", ALL["v37-create-permanent"].headers
    headers = {**headers, "authorization": "Bearer t0ken"}
    for body in ({"alias": "test pin 1", "pin": "481516"}, second):
        assert send(pins, "POST", headers, body).status_code == 201
    if sample.name == "v1.33-list-newer":
        assert send(f"{pins}/2", "PUT", headers, second).status_code == 204


@pytest.mark.parametrize("authorization", ["Bearer t0ken", "PersonalKey k3y"])
@pytest.mark.parametrize("name", CALLS)
def test_the_simulated_cloud_accepts_the_sample_and_answers_as_shown(name: str, authorization: str) -> None:
    sample = ALL[name]
    assert sample.headers["authorization"] == f"Bearer {ACCESS_TOKEN}"
    with SimulatorServer(cloud_for(sample), "127.0.0.1", 0) as server:
        prepare(server, sample)
        told = ask(server, sample, authorization)

    assert told.status_code == sample.status, told.text
    if sample.answer is None or sample.status in (204, 304):
        return
    assert told.json() == sample.answer


@pytest.mark.parametrize("name", [name for name in CALLS if ALL[name].body is not None])
def test_what_a_sample_wrote_is_read_back_with_days_and_hours(name: str) -> None:
    sample = ALL[name]
    pin_id = 2 if sample.method == "PUT" else 3
    assert sample.body is not None
    with SimulatorServer(cloud_for(sample), "127.0.0.1", 0) as server:
        prepare(server, sample)
        ask(server, sample, "Bearer t0ken")
        with TedeeClient(server.url + sample.base, BearerToken("t0ken")) as client:
            read = client.get_pin(123, pin_id).value

    assert read == RemotePin.from_json({"id": pin_id, **sample.body})
    assert (read.recurrence is not None) == bool(sample.body.get("weekDays"))
