"""The gate before Django: few requests to log in at a moment, and places for browsers that are known."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse

from config.people import devices
from config.people.gate import KNOWN, STRANGERS, LoginGate

pytestmark = pytest.mark.django_db
WAIT = 20  # seconds, never reached


class Pages:
    """An application that answers when told to."""

    def __init__(self) -> None:
        self.status = "200 OK"
        self.go_on = threading.Event()
        self.entered = threading.Semaphore(0)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.entered.release()
        assert self.go_on.wait(WAIT)
        start_response(self.status, [("Content-Type", "text/plain")])
        return [b"page"]


def ask(
    gate: LoginGate, address: str = "10.0.0.1", cookie: str = "", path: str = "/admin/login/", verb: str = "POST"
) -> str:
    answers: list[str] = []
    environ = {"REQUEST_METHOD": verb, "PATH_INFO": path, "REMOTE_ADDR": address, "HTTP_COOKIE": cookie}
    list(gate(environ, lambda status, headers: answers.append(status)))
    return answers[0][:3]


@pytest.fixture
def cookie() -> str:
    response = HttpResponse()
    devices.remember(response, User.objects.create_user("host"))
    return f"{devices.COOKIE}={response.cookies[devices.COOKIE].value}"


def test_strangers_fill_their_own_places_and_no_others(cookie: str) -> None:
    pages = Pages()
    gate = LoginGate(pages)
    inside = [threading.Thread(target=ask, args=(gate, f"10.0.0.{n}")) for n in range(STRANGERS)]
    for one in inside:
        one.start()
        assert pages.entered.acquire(timeout=WAIT)
    assert ask(gate, "10.9.9.9") == "429"
    pages.go_on.set()
    for one in inside:
        one.join(WAIT)
    assert ask(gate, "10.9.9.9") == "200"
    pages.go_on.clear()
    again = [threading.Thread(target=ask, args=(gate, f"10.0.1.{n}")) for n in range(STRANGERS)]
    for one in again:
        one.start()
        assert pages.entered.acquire(timeout=WAIT)
    pages.go_on.set()
    assert ask(gate, "10.9.9.9", cookie) == "200"
    assert ask(gate, "10.9.9.9", verb="GET") == "200"
    assert ask(gate, "10.9.9.9", path="/healthz") == "200"
    for one in again:
        one.join(WAIT)
    assert KNOWN > 0


def test_an_address_that_was_refused_rests_and_a_known_browser_there_does_not(cookie: str) -> None:
    pages = Pages()
    pages.go_on.set()
    gate = LoginGate(pages)
    pages.status = "429 Too Many Requests"
    assert ask(gate) == "429"
    pages.status = "200 OK"
    assert ask(gate) == "429"
    assert ask(gate, cookie=cookie) == "200"
    assert ask(gate, "10.0.0.2") == "200"
    assert ask(gate, cookie=f"{cookie}x") == "429"
