"""The sample calendars moved in time, and the server that offers them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest

from pins.stack.feeds.rebase import rebase
from tests.support.feeds import SAMPLES_DAY, FeedServer, sample
from tests.support.paths import SAMPLES as SAMPLES_DIR

SAMPLES = sorted(SAMPLES_DIR.glob("*.ics"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("days", [-700, 1, 366])
def test_there_and_back_is_the_same_bytes(path: Path, days: int) -> None:
    body = path.read_bytes()
    moved = rebase(body, days)
    assert len(moved) == len(body)
    assert rebase(moved, -days) == body
    assert rebase(body, 0) == body


def test_dates_move_and_nothing_else() -> None:
    body = (
        b"DTSTART;VALUE=DATE:20270227\r\nDTEND;TZID=Europe/Warsaw:20270303T100000\r\n"
        b"RRULE:FREQ=DAILY;UNTIL=20271231T235959Z\nEXDATE:20270301,20270302\n"
        b"UID:20270227-1@example.com\r\nSUMMARY:20270227\r\nX-DTSTART:20270227\r\n"
    )
    assert rebase(body, 2) == (
        b"DTSTART;VALUE=DATE:20270301\r\nDTEND;TZID=Europe/Warsaw:20270305T100000\r\n"
        b"RRULE:FREQ=DAILY;UNTIL=20280102T235959Z\nEXDATE:20270303,20270304\n"
        b"UID:20270227-1@example.com\r\nSUMMARY:20270227\r\nX-DTSTART:20270227\r\n"
    )


def test_a_fold_inside_a_date_stays_where_it_is() -> None:
    assert rebase(b"DTSTART;VALUE=DATE:2027\r\n 0227\r\nDTEND:202\n\t70303\n", 2) == (
        b"DTSTART;VALUE=DATE:2027\r\n 0301\r\nDTEND:202\n\t70305\n"
    )


def test_the_rules_of_a_time_zone_stay() -> None:
    zone = b"BEGIN:VTIMEZONE\r\nDTSTART:19961027T030000\r\nEND:VTIMEZONE\r\n"
    assert rebase(zone + b"DTSTART:20270101\r\n", 1) == zone + b"DTSTART:20270102\r\n"


@pytest.mark.parametrize("body", [b"DTSTART:20270230\r\n", b"DTSTART:2027", b"DTSTART:99991231\r\n", b"", b"\xff\x00"])
def test_damage_stays_as_it_is(body: bytes) -> None:
    assert rebase(body, 5) == body


def test_a_sample_is_taken_on_the_day_that_is_asked_for() -> None:
    assert b"DTSTART;VALUE=DATE:20270227" in sample(1)
    assert b"DTSTART;VALUE=DATE:20270302" in sample(1, SAMPLES_DAY + timedelta(days=3))
    assert b"DTSTART;VALUE=DATE:20280227" in sample(1, date(2028, 2, 29))


def test_the_answer_can_be_swapped_and_requests_are_counted() -> None:
    with FeedServer() as server, httpx.Client(trust_env=False, timeout=10) as client:
        url = server.put("/a.ics", b"one")
        first = client.get(url)
        assert (first.status_code, first.content, first.headers["content-type"]) == (
            200,
            b"one",
            "text/calendar; charset=utf-8",
        )
        server.put("/a.ics", b"two", status=503, headers={"Retry-After": "7"})
        second = client.get(url)
        assert (second.status_code, second.content, second.headers["retry-after"]) == (503, b"two", "7")
        assert client.get(server.url("/other")).status_code == 404
        sent_on = client.get(server.redirect("/b.ics", url, 307))
        assert (sent_on.status_code, sent_on.headers["location"]) == (307, url)
        assert server.requests == {"/a.ics": 2, "/other": 1, "/b.ics": 1}


def test_a_client_that_has_the_body_gets_a_304_where_the_server_has_etags() -> None:
    with FeedServer() as server, httpx.Client(trust_env=False, timeout=10) as client:
        url = server.put("/a.ics", b"one", etag=True)
        tag = client.get(url).headers["etag"]
        assert client.get(url, headers={"If-None-Match": tag}).status_code == 304
        server.put("/a.ics", b"two", etag=True)
        assert client.get(url, headers={"If-None-Match": tag}).content == b"two"


def test_slow_and_endless_answers_end_with_the_server() -> None:
    with httpx.Client(trust_env=False, timeout=0.3) as client, FeedServer() as server:
        for url in (server.drip("/drip", b"x" * 100, seconds=60), server.hang("/hang")):
            with pytest.raises(httpx.ReadTimeout):
                client.get(url)
        assert len(client.get(server.flood("/flood", 1_000_000)).content) >= 1_000_000
