from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import time_machine

from pins.tedee import errors
from pins.tedee.auth import PersonalKey
from pins.tedee.client import Answer, TedeeClient
from pins.tedee.messages import ListedPin, LockConnection, PinListing
from pins.tedee.messages import PersonalKey as PersonalKeyListed
from tests.support.client_calls import BODY, CALLS, CODE, KEY, talking
from tests.support.scripted_server import Reply, Server, answer, envelope, good, refusal


def test_creating_a_pin_sends_the_whole_body_and_returns_its_id() -> None:
    with talking(good({"id": 3}, 201, **{"X-Correlation-ID": "c-9"})) as (client, server):
        assert client.create_pin(12, BODY) == Answer(3, 201, "c-9")

    request = server.requests[0]
    assert (request.method, request.target) == ("POST", "/api/v37/my/lock/12/pin")
    assert request.json() == BODY.to_json()
    assert "weekDays" not in BODY.to_json()
    assert request.headers["authorization"] == f"PersonalKey {KEY}"
    assert request.headers["content-type"] == request.headers["accept"] == "application/json"
    assert request.headers["user-agent"] == "Turnkey"


def test_listing_pins() -> None:
    with talking(good({"listVersion": 4, "pins": [{"id": 1, "alias": "a"}]})) as (client, server):
        assert client.list_pins(12).value == PinListing(4, (ListedPin(1, "a"),))
        assert server.requests[0].target == "/api/v37/my/lock/12/pin"


def test_an_unchanged_list_is_none_and_asked_for_by_version() -> None:
    with talking(answer(304)) as (client, server):
        assert client.list_pins(12, 4) == Answer(None, 304, "")
        assert server.requests[0].target == "/api/v37/my/lock/12/pin?listVersion=4"


def test_not_modified_without_a_version_is_a_fault() -> None:
    with talking(answer(304)) as (client, _), pytest.raises(errors.ServerFault):
        client.list_pins(12)


def test_reading_one_pin() -> None:
    pin = {"id": 3, "alias": "a", "pin": CODE, "startDate": "2027-03-03T14:00:00.000Z", "endDate": None}
    with talking(good(pin)) as (client, server):
        remote = client.get_pin(12, 3).value
        assert (remote.code, remote.starts_at, remote.ends_at) == (CODE, BODY.starts_at, None)
        assert server.requests[0].target == "/api/v37/my/lock/12/pin/3"


def test_only_bodies_have_a_content_type_and_it_can_be_chosen() -> None:
    patch = "application/json-patch+json"
    with (
        Server([good({"id": 3}, 201)]) as server,
        TedeeClient(server.url, PersonalKey(KEY), content_type=patch) as client,
    ):
        client.create_pin(12, BODY)
        with pytest.raises(errors.ServerFault):
            client.list_pins(12)

    assert [request.headers.get("content-type") for request in server.requests] == [patch, None]


def test_another_content_type_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="content type"):
        TedeeClient("https://x", PersonalKey(KEY), content_type="text/plain")


def test_an_update_says_what_is_empty() -> None:
    with talking(answer(204)) as (client, server):
        client.update_pin(12, 3, BODY)

    sent = server.requests[0].json()
    assert sent == {**BODY.to_json(), "dayStartTime": None, "dayEndTime": None, "weekDays": None}


def test_updating_and_deleting_bring_nothing() -> None:
    with talking(answer(204)) as (client, server):
        assert client.update_pin(12, 3, BODY) == Answer(None, 204, "")
        assert client.delete_pin(12, 3) == Answer(None, 204, "")

    assert [(r.method, r.target, bool(r.body)) for r in server.requests] == [
        ("PUT", "/api/v37/my/lock/12/pin/3", True),
        ("DELETE", "/api/v37/my/lock/12/pin/3", False),
    ]


def test_bodies_on_204_and_304_are_never_parsed() -> None:
    chatty = httpx.MockTransport(lambda request: httpx.Response(304 if request.url.query else 204, content=b"<html>"))
    client = TedeeClient("http://localhost", PersonalKey(KEY), transport=chatty)

    assert client.delete_pin(12, 3).status == 204
    assert client.list_pins(12, 7).value is None


def query_of(target: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(target).query)


def test_syncing_many_locks_is_one_request() -> None:
    with talking(good([{"id": 1, "isConnected": True}, {"id": 2, "isConnected": None}])) as (client, server):
        assert client.sync_locks([1, 2]).value == (LockConnection(1, True), LockConnection(2, None))
        assert server.requests[0].target == "/api/v37/my/lock/sync?id=1&id=2"


def test_syncing_no_lock_is_a_programming_error() -> None:
    with talking(good([])) as (client, _), pytest.raises(ValueError, match="at least one"):
        client.sync_locks([])


def test_reading_the_activity() -> None:
    with talking(good([{"id": 7, "deviceId": 12, "event": 61}])) as (client, server):
        assert client.activity(12, elements=999).value[0].event == 61
        assert query_of(server.requests[0].target) == [("deviceId", "12"), ("elements", "200")]


def test_a_line_of_the_activity_that_cannot_be_read_costs_only_itself() -> None:
    line = {"id": 7, "deviceId": 12, "event": 61, "date": "soon"}
    with talking(good([{"id": None}, "x", line, {**line, "event": "often"}]), good([]), good(["x"])) as (client, _):
        (item,) = client.activity(12).value
        assert (item.id, item.date) == (7, None)
        assert client.activity(12).value == ()
        with pytest.raises(errors.ServerFault):
            client.activity(12)


def test_reading_the_personal_keys() -> None:
    key = {"id": "a-b", "name": "Turnkey", "validTo": "2028-01-31T00:00:00", "scopes": []}
    with talking(good([key, {"id": 2, "validTo": None}]), good(key), good([])) as (client, server):
        known = PersonalKeyListed("Turnkey", datetime(2028, 1, 31, tzinfo=UTC))
        assert client.personal_keys().value == (known, PersonalKeyListed("", None))
        assert client.personal_keys().value == (known,)
        assert client.personal_keys().value == ()
        assert server.requests[0].target == "/api/v37/my/personalaccesskey"


@pytest.mark.parametrize("result", [None, "key", [None], [{}], {"items": []}, [{"validTo": "soon"}], [{"name": 5}]])
def test_personal_keys_of_an_unknown_shape_are_a_fault(result: object) -> None:
    with talking(good(result)) as (client, _), pytest.raises(errors.ServerFault):
        client.personal_keys()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "reply",
    [
        answer(200, raw=b"<html>welcome to the hotel network</html>"),
        answer(201, raw=b""),
        answer(200, raw=b'{"result": {"id": 3'),
        answer(200, raw=b"[" * 200_000),
        answer(200, raw=b"\xff\xfe\xfa"),
        answer(200, raw=b"x", headers={"Content-Encoding": "gzip"}),
        answer(200, raw=b"1" * 10_000),
        answer(502, raw=b"<html>bad gateway</html>"),
        answer(404, raw=b"<html>nothing here</html>"),
        answer(302, headers={"Location": "http://127.0.0.1:1/elsewhere"}),
        answer(307, headers={"Location": "::: not a url"}),
        answer(200, envelope(success=False)),
        answer(500, envelope(None, 500)),
    ],
)
def test_unusable_answers_are_ambiguous_faults(call: Callable[[TedeeClient], object], reply: Reply) -> None:
    with talking(reply) as (client, server), pytest.raises(errors.ServerFault):
        call(client)

    assert len(server.requests) == 1, "redirects are never followed, faults never repeated"


@pytest.mark.parametrize("result", [None, {}, [], {"id": None}, {"id": True}, {"id": "x"}, 3])
def test_a_created_pin_without_a_readable_id_is_in_doubt(result: object) -> None:
    reply = good(result, 201, **{"X-Correlation-ID": "c-1"})
    with talking(reply) as (client, _), pytest.raises(errors.ServerFault) as caught:
        client.create_pin(12, BODY)

    assert (caught.value.status, caught.value.correlation_id) == (201, "c-1")


def test_a_list_that_cannot_be_read_is_not_an_empty_list() -> None:
    with talking(good({"listVersion": 3})) as (client, _), pytest.raises(errors.ServerFault):
        client.list_pins(12)


def test_an_answer_larger_than_two_megabytes_is_a_fault() -> None:
    huge = answer(200, envelope({"listVersion": 1, "pins": [], "padding": "x" * (2 * 1024 * 1024)}))
    with talking(huge) as (client, _), pytest.raises(errors.ServerFault):
        client.list_pins(12)


def test_a_refusal_carries_status_correlation_and_retry_after() -> None:
    reply = refusal(429, {"Retry-After": "120", "X-Correlation-ID": "c\x07-1" + "y" * 300})
    with talking(reply) as (client, _), pytest.raises(errors.RateLimited) as caught:
        client.list_pins(12)

    assert (caught.value.status, caught.value.retry_after) == (429, 120.0)
    assert caught.value.correlation_id == ("c-1" + "y" * 300)[:100]


@pytest.mark.parametrize("raw", [b"", b'{"title": "No", "status": 0}'], ids=["empty", "problem document"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.ServerFault),
        (408, errors.DeviceTimeout),
        (409, errors.DeviceBusy),
        (412, errors.NoRoom),
        (422, errors.NoRoom),
        (428, errors.DeviceOffline),
        (429, errors.RateLimited),
    ],
)
def test_errors_without_the_envelope(status: int, kind: type[errors.TedeeError], raw: bytes) -> None:
    reply = answer(status, raw=raw, headers={"Content-Type": "application/problem+json", "Retry-After": "9"})
    with talking(reply) as (client, _), pytest.raises(kind) as caught:
        client.delete_pin(12, 3)

    assert (type(caught.value), caught.value.status, caught.value.retry_after) == (kind, status, 9.0)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("0", 0.0),
        ("1.5", 1.5),
        ("Wed, 03 Mar 2027 14:02:00 GMT", 120.0),
        ("Wed, 03 Mar 2027 13:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, expected: float | None) -> None:
    limited = httpx.MockTransport(lambda _: httpx.Response(429, headers={"Retry-After": header}))
    client = TedeeClient("http://localhost", PersonalKey(KEY), transport=limited)

    moment = datetime(2027, 3, 3, 14, tzinfo=UTC)
    with time_machine.travel(moment, tick=False), pytest.raises(errors.RateLimited) as caught:
        client.list_pins(12)

    assert caught.value.retry_after == expected
