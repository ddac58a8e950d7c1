"""The guarded POST: the same bounds as GET, and what it carries goes to one address only."""

from __future__ import annotations

import logging
import traceback

import pytest

from rentals import outbound
from rentals.outbound import INTERNET, NEIGHBOURHOOD, Limits, Network, Response
from tests.support.outbound import lan
from tests.support.scripted_server import Reply, Server, answer, drop, hang


def post(server: Server, path: str = "/hook", *, host: str = "hooks.example", **options: object) -> Response:
    return outbound.post(
        f"http://{host}:{server.port}{path}",
        b'{"type":"x"}',
        **{"network": lan(), **options},  # type: ignore[arg-type]
    )


def test_the_body_arrives_once_with_its_headers() -> None:
    with Server([answer(204)]) as server:
        got = post(server, "/a?b=c", headers={"Content-Type": "application/json", "webhook-id": "msg_1"})
    assert (got.status, got.body) == (204, b"")
    (sent,) = server.requests
    assert (sent.method, sent.target, sent.body) == ("POST", "/a?b=c", b'{"type":"x"}')
    assert sent.headers["host"] == f"hooks.example:{server.port}"
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["webhook-id"] == "msg_1"
    assert sent.headers["user-agent"].startswith("Turnkey/")


def test_what_the_receiver_says_is_not_read() -> None:
    with Server([answer(200, raw=b"x" * 10_000_000)]) as server:
        assert post(server, limits=Limits(seconds=5, body_bytes=10)) == Response(
            200, {"content-length": "10000000"}, b""
        )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_nobody_else_gets_the_body(status: int) -> None:
    with Server([answer(200)]) as other:
        away = answer(status, headers={"Location": f"http://127.0.0.1:{other.port}/x"})
        with Server([away]) as server:
            assert post(server).status == status
        assert len(server.requests) == 1
    assert other.requests == []


def test_credentials_of_the_address_are_sent_as_basic() -> None:
    with Server([answer(200)]) as server:
        post(server, host="ann:s3cret@hooks.example")
    assert server.requests[0].headers["authorization"] == "Basic YW5uOnMzY3JldA=="


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "file:///etc/passwd",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://2130706433/",
        "https://localhost/",
        "https://[64:ff9b::7f00:1]/",
    ],
)
def test_where_nothing_is_sent(url: str) -> None:
    with pytest.raises(outbound.Refused):
        outbound.post(url, b"{}", network=INTERNET)


def test_the_name_is_judged_by_all_its_addresses_and_asked_once() -> None:
    inside = Network(resolve=lambda host, port: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(outbound.Refused):
        outbound.post("https://hooks.example/", b"{}", network=inside)
    with Server([answer(200)]) as server:
        assert post(server, network=lan(["127.0.0.1"], ["10.0.0.1"])).status == 200
    with pytest.raises(outbound.Refused):
        outbound.post("http://169.254.169.254/", b"{}", network=NEIGHBOURHOOD)


@pytest.mark.parametrize("reply", [drop(), hang()])
def test_no_error_or_log_names_address_or_body(reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Server([reply]) as server, pytest.raises(outbound.OutboundError) as caught:
        outbound.post(
            f"http://h1dden-user:h1dden-pass@hooks.example:{server.port}/h1dden-path",
            b"h1dden-body",
            network=lan(),
            limits=Limits(seconds=0.3),
        )
    told = "".join([*traceback.format_exception(caught.value), repr(caught.value), caplog.text])
    assert "h1dden" not in told
    assert caught.value.__context__ is None
