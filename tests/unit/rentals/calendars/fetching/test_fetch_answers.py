"""What a channel's answer means, against a real server on loopback."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rentals.calendars.events import FeedError, FeedFault
from rentals.calendars.fetching.fetch import Fetched, fetch, retry_at
from rentals.outbound import NEIGHBOURHOOD, Limits
from tests.support.scripted_server import Reply, Server, answer, drop, hang

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
BODY = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
DATE = "Mon, 01 Mar 2027 08:00:00 GMT"


def get(server: Server, *, etag: str = "", last_modified: str = "", limits: Limits | None = None) -> Fetched:
    url = f"http://ann:h1dden@127.0.0.1:{server.port}/h1dden.ics?s=h1dden"
    return fetch(url, etag=etag, last_modified=last_modified, now=NOW, limits=limits, network=NEIGHBOURHOOD)


def failure(*replies: Reply, limits: Limits | None = None) -> FeedError:
    with Server(replies) as server, pytest.raises(FeedError) as caught:
        get(server, limits=limits)
    assert "h1dden" not in f"{caught.value!r} {caught.value}"
    assert caught.value.__context__ is None or "h1dden" not in repr(caught.value.__context__)
    return caught.value


def test_a_calendar_comes_with_its_validators() -> None:
    with Server([answer(200, raw=BODY, headers={"ETag": 'W/"1"', "Last-Modified": DATE})]) as server:
        assert get(server) == Fetched(BODY, 'W/"1"', DATE)
    sent = server.requests[0].headers
    assert "+calendar import" in sent["user-agent"]
    assert "if-none-match" not in sent
    assert "if-modified-since" not in sent


def test_rule_19_what_we_hold_is_asked_for_conditionally() -> None:
    with Server([answer(304)]) as server:
        assert get(server, etag='"1"', last_modified=DATE) == Fetched(None, '"1"', DATE)
    sent = server.requests[0].headers
    assert (sent["if-none-match"], sent["if-modified-since"]) == ('"1"', DATE)


def test_a_304_that_nobody_asked_for_is_a_fault() -> None:
    told = failure(answer(304))
    assert told.fault == FeedFault.HTTP_STATUS
    assert "not modified" in str(told)


def test_a_validator_that_does_not_fit_is_dropped_and_not_cut() -> None:
    headers = {"ETag": '"' + "x" * 300 + '"', "Last-Modified": "y" * 65}
    with Server([answer(200, raw=BODY, headers=headers)]) as server:
        assert get(server) == Fetched(BODY)


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (404, FeedFault.LINK_RESET),
        (410, FeedFault.LINK_RESET),
        (401, FeedFault.ACCESS_DENIED),
        (403, FeedFault.ACCESS_DENIED),
        (400, FeedFault.HTTP_STATUS),
        (429, FeedFault.HTTP_STATUS),
        (500, FeedFault.HTTP_STATUS),
        (503, FeedFault.HTTP_STATUS),
        (204, FeedFault.HTTP_STATUS),
        (206, FeedFault.HTTP_STATUS),
        (302, FeedFault.HTTP_STATUS),
    ],
)
def test_rule_19_a_status_and_its_fault(status: int, fault: FeedFault) -> None:
    error = failure(answer(status, headers={"Retry-After": "60"}))
    assert error.fault == fault
    assert str(status) in str(error)
    assert error.retry_at == (NOW + timedelta(seconds=60) if status in (429, 503) else None)


def test_each_way_of_not_arriving_has_its_fault() -> None:
    assert failure(drop()).fault == FeedFault.UNREACHABLE
    assert failure(hang(), limits=Limits(seconds=0.2)).fault == FeedFault.TIMEOUT
    assert failure(answer(200, raw=BODY), limits=Limits(body_bytes=3)).fault == FeedFault.TOO_LARGE
    assert failure(answer(302, headers={"Location": "http://169.254.169.254/"})).fault == FeedFault.URL_REFUSED


def test_an_address_that_is_refused_says_what_is_wrong() -> None:
    with pytest.raises(FeedError, match="begin with https") as caught:
        fetch("http://feeds.example/h1dden.ics", now=NOW)
    assert caught.value.fault == FeedFault.URL_REFUSED


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("99999999999999999999", 6 * 3600),
        ("0", None),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("1.5", None),
        ("\u0661\u0662", None),
        ("Mon, 01 Mar 2027 09:10:00 GMT", 600),
        ("Mon, 01 Mar 2027 10:10:00 +0100", 600),
        ("Mon, 01 Mar 2027 08:00:00 GMT", None),
        ("Mon, 01 Mar 2030 08:00:00 GMT", 6 * 3600),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
    ],
)
def test_rule_19_retry_after(text: str, seconds: int | None) -> None:
    assert retry_at(text, NOW) == (None if seconds is None else NOW + timedelta(seconds=seconds))
