"""What a channel's answer means, against a real server on loopback."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from rentals.calendars.events import FeedError, FeedFault
from rentals.calendars.fetching.fetch import SHORTEST_SECONDS, Fetched, fetch, retry_at
from rentals.calendars.fetching.trust import Validators
from rentals.outbound import NEIGHBOURHOOD, Limits
from tests.support.scripted_server import Reply, Server, answer, dribble, drop, hang

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
BODY = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
DATE = "Mon, 01 Mar 2027 08:00:00 GMT"


def get(server: Server, *, limits: Limits | None = None, agent: str = "", **known: str) -> Fetched:
    url = f"http://ann:h1dden@127.0.0.1:{server.port}/h1dden.ics?s=h1dden"
    validators = Validators(**known)
    return fetch(url, validators=validators, now=NOW, user_agent=agent, limits=limits, network=NEIGHBOURHOOD)


def failure(*replies: Reply, limits: Limits | None = None) -> FeedError:
    with Server(replies) as server, pytest.raises(FeedError) as caught:
        get(server, limits=limits)
    assert "h1dden" not in f"{caught.value!r} {caught.value}"
    assert caught.value.__context__ is None or "h1dden" not in repr(caught.value.__context__)
    return caught.value


def test_a_calendar_comes_with_its_validators() -> None:
    with Server([answer(200, raw=BODY, headers={"ETag": 'W/"1"', "Last-Modified": DATE})]) as server:
        assert get(server) == Fetched(BODY, Validators('W/"1"', DATE))
    sent = server.requests[0].headers
    assert "+calendar import" in sent["user-agent"]
    assert sent["cache-control"] == "no-cache"
    assert "if-none-match" not in sent
    assert "if-modified-since" not in sent


def test_rule_19_what_we_hold_is_asked_for_conditionally() -> None:
    with Server([answer(304)]) as server:
        assert get(server, etag='"1"', last_modified=DATE) == Fetched(None, Validators('"1"', DATE))
    (request,) = server.requests
    sent = request.headers
    assert (sent["if-none-match"], sent["if-modified-since"]) == ('"1"', DATE)


def test_a_304_that_nobody_asked_for_is_a_fault() -> None:
    told = failure(answer(304))
    assert told.fault == FeedFault.NOT_MODIFIED
    assert "not modified" in str(told)


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"2"'},
        {"Last-Modified": "Mon, 01 Mar 2027 08:30:00 GMT"},
        {"Last-Modified": "Tue, 01 Jan 2030 00:00:00 GMT"},
    ],
    ids=["another tag", "a later date", "a date in the future"],
)
def test_a_304_that_contradicts_itself_is_followed_by_the_whole_calendar(headers: dict[str, str]) -> None:
    with Server([answer(304, headers=headers), answer(200, raw=BODY, headers={"ETag": '"2"'})]) as server:
        assert get(server, etag='"1"', last_modified=DATE) == Fetched(BODY, Validators('"2"'))
    second = server.requests[1].headers
    assert "if-none-match" not in second
    assert "if-modified-since" not in second


@pytest.mark.parametrize("headers", [{"ETag": 'W/"1"'}, {"ETag": '"1-gzip"'}, {"Last-Modified": DATE}, {}])
def test_a_304_that_names_the_same_version_is_believed(headers: dict[str, str]) -> None:
    with Server([answer(304, headers=headers)]) as server:
        assert get(server, etag='"1"', last_modified=DATE).body is None
    assert len(server.requests) == 1


def test_both_requests_share_the_time_of_one() -> None:
    slow = dribble(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b" " * 9999, 0.05)
    began = time.monotonic()
    with Server([answer(304, headers={"ETag": '"2"'}), slow]) as server, pytest.raises(FeedError) as caught:
        get(server, etag='"1"', limits=Limits(seconds=0.5))
    assert caught.value.fault == FeedFault.TIMEOUT
    assert time.monotonic() - began < SHORTEST_SECONDS + 3


def test_validators_beside_a_date_in_the_future_are_not_kept() -> None:
    headers = {"ETag": '"1"', "Last-Modified": "Tue, 01 Jan 2030 00:00:00 GMT"}
    with Server([answer(200, raw=BODY, headers=headers)]) as server:
        assert get(server) == Fetched(BODY)


class TestWhoAsks:
    def test_a_user_agent_can_be_given(self) -> None:
        with Server([answer(200, raw=BODY)]) as server:
            get(server, agent="Kalender/5.0 (like others)")
        assert server.requests[0].headers["user-agent"] == "Kalender/5.0 (like others)"

    @pytest.mark.parametrize("agent", ["K\u00fcche/1", "a\r\nX-Evil: 1", "a\x00b"])
    def test_one_that_no_request_may_hold_is_named(self, agent: str) -> None:
        with Server([answer(200, raw=BODY)]) as server, pytest.raises(FeedError, match="User-Agent") as caught:
            get(server, agent=agent)
        assert caught.value.fault == FeedFault.URL_REFUSED
        assert server.requests == []

    @pytest.mark.parametrize(
        ("status", "headers", "says"),
        [
            (401, {}, ("asks for a password", "user:password@")),
            (403, {}, ("refuses Turnkey (403)", "browser window", "User-Agent", "new export link")),
            (403, {"Server": "cloudflare"}, ("lets only browsers in", "Cloudflare", "User-Agent")),
            (403, {"X-Datadome": "protected"}, ("DataDome", "User-Agent")),
            (403, {"X-CDN": "Imperva"}, ("Imperva",)),
            (403, {"Server": "AkamaiGHost"}, ("Akamai",)),
            (503, {"cf-mitigated": "challenge"}, ("Cloudflare", "503")),
            (202, {"x-amzn-waf-action": "challenge"}, ("AWS WAF", "202")),
            (405, {"x-amzn-waf-action": "captcha"}, ("AWS WAF", "405")),
        ],
    )
    def test_a_refusal_is_said_as_what_it_is_with_what_helps(
        self, status: int, headers: dict[str, str], says: tuple[str, ...]
    ) -> None:
        error = failure(answer(status, raw=b"<html>Access denied", headers=headers))
        assert error.fault == FeedFault.ACCESS_DENIED
        assert not [text for text in says if text not in str(error)]
        assert "All stays are kept." in str(error)
        assert len(str(error)) <= 300

    @pytest.mark.parametrize(
        ("status", "headers"),
        [(503, {"Server": "cloudflare"}), (404, {"Server": "cloudflare"}), (500, {"x-cdn": "Imperva"})],
    )
    def test_other_answers_of_a_protected_channel_are_no_refusals(self, status: int, headers: dict[str, str]) -> None:
        assert failure(answer(status, headers=headers)).fault != FeedFault.ACCESS_DENIED

    def test_a_calendar_that_a_guarded_server_gives_is_one(self) -> None:
        with Server([answer(200, raw=BODY, headers={"Server": "cloudflare", "x-datadome": "protected"})]) as server:
            assert get(server).body == BODY


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
