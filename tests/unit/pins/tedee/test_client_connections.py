"""What the client does where the way to the cloud is broken, and what it never lets out."""

import logging
import socket
import threading
import traceback

import httpx
import pytest

from pins.tedee import errors
from pins.tedee.auth import PersonalKey
from pins.tedee.client import TedeeClient
from tests.support.client_calls import BODY, CODE, KEY, talking
from tests.support.scripted_server import Reply, Server, answer, drop, envelope, good, refusal


def test_a_dropped_connection_is_ambiguous_and_not_a_hang() -> None:
    with talking(drop()) as (client, server), pytest.raises(errors.NetworkFault) as caught:
        client.create_pin(12, BODY)

    assert caught.value.hung is False
    assert len(server.requests) == 1, "a request that may have been applied is never repeated here"


def test_a_closed_port_is_a_certain_failure() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: refused, and nobody else gets the port
        client = TedeeClient(f"http://127.0.0.1:{unused.getsockname()[1]}", PersonalKey(KEY))
        with pytest.raises(errors.Unreachable) as caught:
            client.create_pin(12, BODY)

    assert (caught.value.status, caught.value.cause) == (None, errors.Cause.NETWORK)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".invalid", "[::1]:9"])
def test_a_host_that_cannot_be_found_is_a_certain_failure(host: str) -> None:
    client = TedeeClient(f"http://{host}", PersonalKey(KEY))
    with pytest.raises(errors.Unreachable):
        client.create_pin(12, BODY)


def test_an_unsendable_key_stops_before_anything_is_sent() -> None:
    with Server([good()]) as server:
        client = TedeeClient(server.url, PersonalKey(KEY + "\r\nX-Evil: 1"))
        with pytest.raises(errors.Unauthorized):
            client.list_pins(12)

    assert server.requests == []


@pytest.mark.parametrize(
    "reply",
    [
        drop(),
        refusal(400),
        answer(200, raw=f'{{"pin": "{CODE}"'.encode()),
        answer(200, raw=f"<p>{CODE} {KEY}</p>".encode()),
        answer(400, envelope(None, 400, errorMessages=[f"pin {CODE} {KEY}"])),
        good({"pin": CODE}, 201),
        answer(500, raw=f"{CODE} {KEY}".encode(), headers={"X-Correlation-ID": "c-1"}),
    ],
)
def test_no_secret_is_in_an_exception_its_context_or_the_log(reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), talking(reply) as (client, _), pytest.raises(errors.TedeeError) as caught:
        client.create_pin(12, BODY)

    error = caught.value
    told = f"{caplog.text} {error!r} {''.join(traceback.format_exception(error))} {vars(error)}"
    assert KEY not in told
    assert CODE not in told
    assert error.__context__ is None
    assert error.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.tedee.com",
        "ftp://x",
        "https://user:pw@api.tedee.com",
        "https://x/?key=1",
        "https://x/#a",
        "http://",
        "http://x:port",
    ],
)
def test_an_address_that_is_not_plain_http_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address of the Tedee API") as caught:
        TedeeClient(url, PersonalKey(KEY))

    assert "pw" not in str(caught.value)


def test_a_trailing_slash_of_the_address_does_not_matter() -> None:
    seen: list[str] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(204)

    TedeeClient("https://x/api/v37/", PersonalKey(KEY), transport=httpx.MockTransport(note)).delete_pin(1, 2)
    assert seen == ["https://x/api/v37/my/lock/1/pin/2"]


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with talking(answer(204)) as (client, _):
        assert client.delete_pin(1, 2).status == 204


def test_cookies_are_not_kept() -> None:
    with talking(answer(204, headers={"Set-Cookie": "route=7"})) as (client, server):
        client.delete_pin(1, 2)
        client.delete_pin(1, 2)

    assert all("cookie" not in request.headers for request in server.requests)


def test_many_threads_share_a_client() -> None:
    failures: list[BaseException] = []

    def work(client: TedeeClient, device_id: int) -> None:
        try:
            for _ in range(10):
                client.delete_pin(device_id, 1)
        except BaseException as error:  # noqa: BLE001 - carried to the test's own thread
            failures.append(error)

    with talking(answer(204)) as (client, server):
        threads = [threading.Thread(target=work, args=(client, number)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert failures == []
    assert len(server.requests) == 160
