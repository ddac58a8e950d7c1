"""What a header may make Django do before a page sees the request."""

from __future__ import annotations

import time

import pytest
from django.test import RequestFactory

from config.guarded_request import GuardedRequest
from config.web import elsewhere

ESCAPES = '"' + '\\"' * 30_000 + '"'


def request(cookie: str) -> GuardedRequest:
    return GuardedRequest({**RequestFactory().get("/").environ, "HTTP_COOKIE": cookie})


@pytest.mark.parametrize(
    "value", [ESCAPES, '"' + "\\101" * 15_000 + '"', '"' + "\\" * 60_000], ids=["quotes", "octal", "open"]
)
def test_cookies_of_a_stranger_are_not_read_at_length(value: str) -> None:
    began = time.thread_time()
    assert request(f"a={value}; sessionid=x").COOKIES == {"sessionid": "x"}
    assert time.thread_time() - began < 0.1  # on Python 3.11.7 the first took seconds


def test_other_cookies_are_what_they_were() -> None:
    assert request('a="b c"; csrftoken=x=y; \xc3\xa9=1; c').COOKIES == {
        "a": "b c",
        "csrftoken": "x=y",
        "é": "1",
        "": "c",
    }


@pytest.mark.parametrize(("loaded", "is_told"), [({"config.web.worker"}, False), (set(), True)])
def test_another_web_server_is_told_what_it_lacks(
    loaded: set[str], is_told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere.tell(loaded)
    assert ("other_web_server" in caplog.text) is is_told
