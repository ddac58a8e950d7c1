"""Connections and lanes of the web server, in this process: real sockets, an application that waits when told to."""

from __future__ import annotations

import http.client
import resource
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from waitress import wasyncore
from waitress.adjustments import Adjustments

from config.people import devices
from config.web import lanes, pace, receiving, worker
from config.web.lanes import Lane, Lanes, lane_of
from config.web.receiving import Incoming
from tests.support.waiting import until

WAIT = 20  # seconds, never reached
LOGIN = "/admin/login/"
LARGE = 15_000_000  # bytes, more than the system keeps for a reader


@pytest.fixture
def cookie() -> str:
    response = HttpResponse()
    devices.remember(response, User(pk=7))
    return f"{devices.COOKIE}={response.cookies[devices.COOKIE].value}"


def incoming(first_line: str, *more: str) -> Incoming:
    request = Incoming(Adjustments())
    request.received("\r\n".join([f"{first_line} HTTP/1.1", "Host: x", *more, "", ""]).encode())
    assert request.completed
    return request


@pytest.mark.parametrize(
    ("first_line", "expected"),
    [
        ("GET /healthz", Lane.QUICK),
        ("HEAD /healthz", Lane.QUICK),
        ("GET /readyz", Lane.PAGES),
        ("GET /", Lane.PAGES),
        ("GET /admin/login/", Lane.PAGES),
        ("POST /admin/", Lane.PAGES),
        ("POST /admin/login/", Lane.STRANGERS),
        ("POST /admin/login/?next=/", Lane.STRANGERS),
        ("POST /admin/login/code/", Lane.STRANGERS),
        # As many slashes, other spellings and a whole address lead to the same page.
        ("POST //admin/login/", Lane.STRANGERS),
        ("POST /%61dmin/login/", Lane.STRANGERS),
        ("POST http://x/admin/login/", Lane.STRANGERS),
        ("POST not-a-path", Lane.PAGES),
        ("no request", Lane.QUICK),
    ],
)
def test_which_lane(first_line: str, expected: Lane) -> None:
    assert lane_of(incoming(first_line)) is expected


def test_a_known_browser_has_a_lane_of_its_own(cookie: str) -> None:
    assert lane_of(incoming(f"POST {LOGIN}", f"Cookie: a=b; {cookie}")) is Lane.KNOWN
    assert lane_of(incoming(f"POST {LOGIN}", f"Cookie: a=b; {cookie}x")) is Lane.STRANGERS


class Pages:
    """An application whose log-ins last until they are told to go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.entered = threading.Semaphore(0)
        self.served: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == LOGIN:
            self.entered.release()
            assert self.go_on.wait(WAIT)
            self.served.append(environ["QUERY_STRING"])
        page = bytes(LARGE) if environ["PATH_INFO"] == "/large" else b"page"
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(page)))])
        return [page]


@pytest.fixture
def pages() -> Iterator[Pages]:
    made = Pages()
    yield made
    made.go_on.set()


@pytest.fixture
def server(pages: Pages) -> Iterator[Any]:
    sockets: dict[int, Any] = {}
    over = threading.Event()
    dispatcher = Lanes(threads=1)
    settings = Adjustments(connection_limit=20, cleanup_interval=0, clear_untrusted_proxy_headers=False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = receiving.TcpServer(
            pages,
            map=sockets,
            _sock=listener,
            dispatcher=dispatcher,
            adj=settings,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
        )

        def loop() -> None:
            while not over.is_set():
                wasyncore.loop(timeout=0.05, use_poll=True, map=sockets, count=1)
                dispatcher.look()

        running = threading.Thread(target=loop)
        running.start()
        yield made
        pages.go_on.set()
        over.set()
        running.join(WAIT)
        dispatcher.shutdown(timeout=WAIT)
        wasyncore.close_all(sockets)


@pytest.fixture
def port(server: Any) -> int:
    return int(server.effective_port)


def ask(port: int, verb: str, path: str, **headers: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
    connection.request(verb, path, headers=headers)
    return connection


def status(connection: http.client.HTTPConnection) -> int:
    with closing(connection):
        return connection.getresponse().status


def test_log_ins_wait_without_a_thread_and_the_newest_is_next(port: int, pages: Pages, cookie: str) -> None:
    waiting = [ask(port, "POST", f"{LOGIN}?0")]
    assert pages.entered.acquire(timeout=WAIT)
    for number in range(1, 4):
        waiting.append(ask(port, "POST", f"{LOGIN}?{number}"))
        assert status(ask(port, "GET", "/")) == 200  # so the one before is in its queue
    known = ask(port, "POST", f"{LOGIN}?known", Cookie=cookie)
    assert pages.entered.acquire(timeout=WAIT), "a known browser waits for no stranger"
    pages.go_on.set()
    assert [status(one) for one in (*waiting, known)] == [200] * 5
    assert [one for one in pages.served if one != "known"] == ["0", "3", "2", "1"]


def test_who_tries_often_goes_after_who_tries_once(
    port: int, pages: Pages, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    monkeypatch.setattr(lanes, "_FEW", 1)
    waiting = [ask(port, "POST", f"{LOGIN}?0", **{"X-Forwarded-For": "192.0.2.1"})]
    assert pages.entered.acquire(timeout=WAIT)
    waiting.append(ask(port, "POST", f"{LOGIN}?once", **{"X-Forwarded-For": "192.0.2.2"}))
    assert status(ask(port, "GET", "/")) == 200
    waiting.append(ask(port, "POST", f"{LOGIN}?again", **{"X-Forwarded-For": "192.0.2.1"}))
    assert status(ask(port, "GET", "/")) == 200
    pages.go_on.set()
    assert [status(one) for one in waiting] == [200] * 3
    assert pages.served == ["0", "once", "again"]


@pytest.mark.parametrize(("limit", "value"), [("MOST_WAITING", 0), ("LONGEST_WAIT", 0.1)])
def test_who_waits_in_vain_is_told(
    port: int, pages: Pages, limit: str, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask(port, "POST", LOGIN)
    assert pages.entered.acquire(timeout=WAIT)
    monkeypatch.setattr(lanes, limit, value)
    with closing(ask(port, "POST", LOGIN)) as second:
        answer = second.getresponse()
        assert (answer.status, answer.getheader("Retry-After")) == (429, "5")
        assert "Wait 5 seconds" in answer.read().decode()
    pages.go_on.set()
    assert status(first) == 200


def test_a_health_check_waits_for_no_page(port: int, pages: Pages) -> None:
    pages_and_log_ins = [ask(port, "PUT", LOGIN), ask(port, "POST", LOGIN)]  # the one thread for pages, and strangers'
    assert pages.entered.acquire(timeout=WAIT)
    assert pages.entered.acquire(timeout=WAIT)
    assert status(ask(port, "GET", "/healthz")) == 200
    pages.go_on.set()
    assert [status(one) for one in pages_and_log_ins] == [200, 200]


def test_more_connections_than_there_may_be_close_those_that_are_silent_longest(port: int) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=WAIT)) for _ in range(60)]
        assert status(ask(port, "GET", "/")) == 200
        assert silent[0].recv(1) == b""


def test_all_bodies_together_have_a_limit(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "MOST_HELD", 5000)
    head = b"POST /webhooks/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n"
    with ExitStack() as stack:
        senders = []
        for _ in range(2):
            senders.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=WAIT)))
            senders[-1].sendall(head + bytes(4000))
        refused, accepted = (http.client.HTTPResponse(one) for one in senders)
        refused.begin()
        assert (refused.status, refused.getheader("Retry-After")) == (503, "5")
        assert b'"unavailable"' in refused.read()
        senders[1].sendall(bytes(5000))
        accepted.begin()
        assert accepted.status == 200


def test_a_connection_without_a_request_is_closed(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "IDLE", 0.1)
    with closing(ask(port, "GET", "/")) as connection:
        assert connection.getresponse().read() == b"page"
        assert connection.sock.recv(1) == b""


def test_an_answer_that_nobody_takes_is_given_up(server: Any, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "WINDOW", 0.5)
    with closing(ask(port, "GET", "/large")) as connection:
        until(lambda: server.active_channels, "the connection")
        until(lambda: not server.active_channels, "its end")
        with pytest.raises(http.client.IncompleteRead):
            connection.getresponse().read()


def test_the_files_that_a_process_may_open_limit_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 256))
    assert worker._most_connections() == 64
