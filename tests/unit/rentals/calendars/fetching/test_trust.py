"""When “not modified” is asked for, and when it is believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rentals.calendars.fetching import trust
from rentals.calendars.fetching.trust import NONE, Known, Validators

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TAG = Validators('"1"', "Mon, 01 Mar 2027 08:00:00 GMT")


def http(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def sent(
    *,
    validators: Validators = TAG,
    refetched: datetime | None = NOW - HOUR,
    doubted: datetime | None = None,
    disproved: bool = False,
    wait: timedelta = 15 * MINUTE,
) -> Validators:
    known = Known(validators, refetched, doubted, disproved)
    return trust.to_send(known, NOW, next_at=NOW + wait, every=DAY)


class TestAsking:
    def test_what_was_read_lately_is_asked_for_conditionally(self) -> None:
        assert sent() == TAG
        assert sent(doubted=NOW - 2 * HOUR) == TAG

    @pytest.mark.parametrize(
        "whole",
        [
            sent(refetched=None),
            sent(refetched=NOW - DAY),
            sent(refetched=NOW - DAY + 10 * MINUTE),  # the next fetch would come too late
            sent(wait=DAY),
            sent(doubted=NOW - HOUR),
            sent(doubted=NOW),
            sent(disproved=True),
            sent(validators=Validators('"1"', http(NOW + HOUR))),
            sent(validators=NONE),
        ],
    )
    def test_the_whole_calendar_is_asked_for(self, whole: Validators) -> None:
        assert not whole

    @given(
        wait=st.timedeltas(min_value=MINUTE, max_value=2 * DAY),
        every=st.timedeltas(min_value=MINUTE, max_value=9 * DAY),
    )
    def test_two_whole_calendars_are_never_further_apart_than_wished(self, wait: timedelta, every: timedelta) -> None:
        """Unless the feed is fetched more rarely than that: then each is whole."""
        now = refetched = NOW
        for _ in range(60):
            now += wait
            known = Known(TAG, refetched, None, disproved=False)
            if not trust.to_send(known, now, next_at=now + wait, every=every):
                assert now - refetched <= max(every, wait)
                refetched = now
        assert now - refetched <= every


class TestDates:
    @pytest.mark.parametrize(
        ("changed", "date", "kept"),
        [
            (NOW - HOUR, NOW, True),
            (NOW, NOW, True),
            (NOW + 2 * MINUTE, NOW + 3 * MINUTE, True),  # their clock is a little ahead
            (NOW + 2 * MINUTE, NOW, False),
            (NOW + HOUR, NOW + HOUR, False),
            (NOW + 2 * MINUTE, None, True),
            (NOW + HOUR, None, False),
        ],
    )
    def test_a_date_in_the_future_makes_validators_worthless(
        self, changed: datetime, date: datetime | None, kept: bool
    ) -> None:
        said = Validators('"1"', http(changed))
        assert trust.usable(said, http(date) if date else "", NOW) == (said if kept else NONE)

    @pytest.mark.parametrize(
        "text", ["", "soon", "0", "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 99 Mar 2027 08:00:00 GMT"]
    )
    def test_a_date_that_cannot_be_read_says_nothing(self, text: str) -> None:
        assert trust.moment(text) is None
        assert trust.usable(Validators('"1"', text), text, NOW) == Validators('"1"', text)


class TestContradictions:
    @pytest.mark.parametrize(
        ("said", "denies"),
        [
            (NONE, False),
            (TAG, False),
            (Validators('W/"1"'), False),
            (Validators('"1-gzip"'), False),
            (Validators('"2"'), True),
            (Validators("", http(NOW - HOUR)), False),
            (Validators("", http(NOW - 2 * HOUR)), False),
            (Validators("", http(NOW - HOUR + MINUTE)), True),
            (Validators('"1"', http(NOW + HOUR)), True),
        ],
    )
    def test_a_304_that_names_another_version_denies_itself(self, said: Validators, denies: bool) -> None:
        assert trust.contradicts(TAG, said, http(NOW), NOW) is denies

    @pytest.mark.parametrize(
        ("held", "said", "disproved"),
        [
            (Validators('"1"'), Validators('"1"'), True),
            (Validators('"1"'), Validators('"2"'), False),
            (Validators('"1"'), NONE, False),
            (NONE, Validators('"1"'), False),
            (NONE, NONE, False),
            (Validators('"1"', http(NOW - DAY)), Validators('"2"', http(NOW - DAY)), False),
            (Validators("", http(NOW - DAY)), Validators("", http(NOW - DAY)), True),
            (Validators("", http(NOW)), Validators("", http(NOW)), False),  # changed within the same second
            (Validators("", "soon"), Validators("", "soon"), False),
        ],
    )
    def test_other_content_under_the_same_validators_disproves_them(
        self, held: Validators, said: Validators, disproved: bool
    ) -> None:
        assert trust.disproves(held, NOW, said) is disproved
