"""The sample files, one by one: what is read from them and what becomes of it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from rentals.calendars.classify.verdicts import classify, recognise
from rentals.calendars.events import Channel, FeedError, FeedFault, Options, Reading, Verdict
from tests.support.calendar_texts import read, readings, sample


def days(reading: Reading) -> tuple[date, date]:
    return reading.event.starts, reading.event.ends


def of(verdict: Verdict, made: tuple[Reading, ...]) -> list[tuple[date, date]]:
    return [days(reading) for reading in made if reading.verdict is verdict]


def test_airbnb_has_three_stays_with_codes_and_two_blocks() -> None:
    made = readings(sample("01"))
    assert of(Verdict.STAY, made) == [
        (date(2027, 2, 27), date(2027, 3, 3)),
        (date(2027, 3, 3), date(2027, 3, 8)),
        (date(2027, 4, 10), date(2027, 4, 14)),
    ]
    assert [one.guest.reservation_code for one in made[:3]] == ["HMTEST0001", "HMTEST0002", "HMTEST0003"]
    assert [one.guest.phone_last4 for one in made[:3]] == ["4821", "1177", "9034"]
    assert made[0].guest.reservation_url.endswith("/details/HMTEST0001")
    assert len(of(Verdict.BLOCK, made)) == 2
    assert not any(one.needs_review for one in made)


def test_airbnb_a_day_later_has_other_dates_and_the_same_identity() -> None:
    first, second = read(sample("01")), read(sample("02"))
    assert first.events[1].uid == second.events[1].uid
    assert (second.events[1].starts, second.events[1].ends) == (date(2027, 3, 4), date(2027, 3, 9))
    made = readings(sample("02"))
    assert [one.verdict for one in made] == [Verdict.STAY, Verdict.STAY, Verdict.BLOCK, Verdict.BLOCK]


@pytest.mark.parametrize("number", ["04", "05"])
def test_booking_has_stays_and_one_item_too_long_to_believe(number: str) -> None:
    made = readings(sample(number))
    assert [one.verdict for one in made] == [Verdict.STAY, Verdict.STAY, Verdict.STAY, Verdict.REVIEW]
    assert [days(one)[1] for one in made[:3]] == [date(2027, 3, 5), date(2027, 3, 17), date(2027, 4, 14)]
    assert "182 nights" in made[3].reason
    assert not any(one.guest.name for one in made)


def test_vrbo_speaks_two_languages() -> None:
    made = readings(sample("06"))
    assert of(Verdict.STAY, made) == [
        (date(2027, 3, 9), date(2027, 3, 12)),
        (date(2027, 5, 1), date(2027, 5, 8)),
        (date(2027, 7, 1), date(2027, 7, 3)),
    ]
    assert of(Verdict.TENTATIVE, made) == [
        (date(2027, 4, 2), date(2027, 4, 5)),
        (date(2027, 6, 1), date(2027, 6, 10)),
    ]
    assert of(Verdict.BLOCK, made) == [
        (date(2027, 3, 20), date(2027, 3, 21)),
        (date(2027, 5, 12), date(2027, 5, 15)),
    ]
    assert [one.guest.name for one in made] == ["Dana", "", "Piotr", "M & Mme Testowy", "", "Sylvie", ""]


def test_smoobu_has_one_stay_and_its_two_markers() -> None:
    made = readings(sample("08"))
    assert [one.verdict for one in made] == [Verdict.STAY, Verdict.MARKER, Verdict.MARKER]
    assert days(made[0]) == (date(2027, 3, 22), date(2027, 3, 26))
    assert made[0].guest.name.startswith("Jolanta Bardzo-Dlugienazwisko ktore generator zawija na kolejna linie")


def test_hostaway_has_instants_through_both_changes_of_the_clock() -> None:
    made = readings(sample("09"))
    assert [days(one) for one in made] == [
        (datetime(2027, 3, 27, 15, tzinfo=UTC), datetime(2027, 3, 29, 8, tzinfo=UTC)),
        (datetime(2027, 3, 28, 1, 30, tzinfo=UTC), datetime(2027, 3, 30, 9, tzinfo=UTC)),
        (datetime(2027, 10, 29, 13, tzinfo=UTC), datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
    ]
    assert [one.guest.name for one in made] == ["Nikola Probna", "Nocny Przyjazd", "Jesienny Gosc"]
    assert made[0].guest.guest_count == 2
    assert all(one.verdict is Verdict.STAY and not one.needs_review for one in made)


def test_edge_dates_cost_three_events_and_no_other() -> None:
    calendar = read(sample("13"))
    good = [event.uid.split("-")[0] for event in calendar.events]
    assert good == ["e1", "e2", "e3", "no", "e6", "e7", "e8", "e10", "e11", "e13"]
    assert [one.uid.split("-")[0] for one in calendar.quarantined] == ["e4", "e9", "e12"]
    assert all(one.reason for one in calendar.quarantined)
    assert calendar.complete
    by_name = {event.uid.split("-")[0]: event for event in calendar.events}
    assert (by_name["e1"].starts, by_name["e1"].ends) == (date(2027, 4, 1), date(2027, 4, 2))
    assert (by_name["e2"].starts, by_name["e2"].ends) == (date(2027, 4, 5), date(2027, 4, 8))
    assert by_name["e6"].starts == datetime(2027, 4, 25, 12, tzinfo=UTC)
    assert by_name["e7"].starts == datetime(2027, 4, 28, 13, tzinfo=UTC)
    assert by_name["e10"].starts == datetime(2027, 5, 5, 13, tzinfo=UTC)
    assert (by_name["e11"].starts, by_name["e11"].ends) == (date(2027, 5, 10), datetime(2027, 5, 12, 9, tzinfo=UTC))


def test_an_empty_calendar_is_read_and_has_no_events() -> None:
    calendar = read(sample("16"))
    assert calendar.events == ()
    assert calendar.complete
    assert recognise(calendar, Channel.AUTO) is Channel.AIRBNB
    assert classify((), Channel.AIRBNB, Options()) == ()


@pytest.mark.parametrize(("number", "fault"), [("17", FeedFault.TRUNCATED), ("18", FeedFault.NOT_A_CALENDAR)])
def test_what_is_no_whole_calendar_is_an_error_of_the_feed(number: str, fault: FeedFault) -> None:
    with pytest.raises(FeedError) as caught:
        read(sample(number))
    assert caught.value.fault is fault


@pytest.mark.parametrize(
    ("number", "channel"),
    [
        ("01", Channel.AIRBNB),
        ("04", Channel.BOOKING),
        ("06", Channel.VRBO),
        ("08", Channel.SMOOBU),
        ("09", Channel.HOSTAWAY),
        ("13", Channel.OTHER),
    ],
)
def test_the_channel_of_each_sample_is_recognised(number: str, channel: Channel) -> None:
    assert recognise(read(sample(number)), Channel.AUTO) is channel
