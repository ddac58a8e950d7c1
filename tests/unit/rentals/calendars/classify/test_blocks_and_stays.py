"""Rules 9, 10 and 12: which events are stays, which are blocks, and which a person must look at."""

from __future__ import annotations

import pytest

from rentals.calendars.classify.languages import VOCABULARIES
from rentals.calendars.events import Channel, Options, Reading, Verdict
from tests.support.calendar_texts import reading, readings, vcalendar, vevent
from tests.support.vocabulary import phrases, unseen


def marked(*events: list[str]) -> list[Verdict]:
    return [one.verdict for one in readings(vcalendar(*events))]


def instant(summary: str, start: str, end: str, uid: str = "marker") -> list[str]:
    return vevent(f"SUMMARY:{summary}", f"DTSTART:{start}", f"DTEND:{end}", uid=uid, dates=None)


def closed(dates: str, summary: str = "CLOSED - Not available", longest_stay_nights: int = 30) -> Reading:
    chosen = Options(channel=Channel.BOOKING, longest_stay_nights=longest_stay_nights)
    (one,) = readings(vcalendar(vevent(f"SUMMARY:{summary}", dates=dates)), chosen)
    return one


@pytest.mark.parametrize(("language", "word"), unseen("block"))
def test_rule_09_block_words_in_every_language(language: str, word: str) -> None:
    for summary in (word, word.upper(), f"  {word} ", f"{word} - Anna", f"{word}: roof", f"{word} (Guesty)"):
        made = reading(summary)
        assert made.verdict is Verdict.BLOCK, summary
        assert made.guest.name == ""


def test_rule_09_every_language_has_words_that_no_sample_contains() -> None:
    for kind in ("block", "tentative"):
        assert {language for language, _ in unseen(kind)} == set(VOCABULARIES)


@pytest.mark.parametrize(
    "summary",
    [
        *("Blocked by Guesty", "Blocked for maintenance", "Unavailable dates", "Closed until May", "Block 1"),
        *("BLOQUE", "INDISPONIVEL", "gesperrt wegen Umbau", "Fermé pour travaux", "Niedostepne", "Airbnb (Blocked)"),
        *(
            "Airbnb (Not available)",
            "Booking.com: Closed",
            "Reserved - Owner stay",
            "Not available.",
            "Blocked -",
            "Cleaning crew",
        ),
        *("CLOSED - Not available", "Blocked (airbnb) - by Hostaway", "Unavailable \u2013 do not book", "Owner's stay"),
    ],
)
def test_rule_09_the_head_of_a_summary_counts(summary: str) -> None:
    assert reading(summary).verdict is Verdict.BLOCK


@pytest.mark.parametrize(
    "summary",
    [
        *("Blockmann", "Klaus Blockmann", "Peter Holdt", "Closed-door Smith", "Maintenance Smith", "Anna Block"),
        *("Block, Anna", "Owner Sanchez", "Hold, Peter", "Unavailableness", "Closedown Abbey", "Eigentümerin Maier"),
        *("Reserved - Klaus Blocked-Maier", "Mr Closed", "Reserved - Not Abel"),
        *("Held Anna", "Held, Anna", "Anna Held", "Held Anna (airbnb) - by Hostaway"),
    ],
)
def test_rule_09_guests_who_are_called_so_are_stays(summary: str) -> None:
    assert reading(summary).verdict is Verdict.STAY


@pytest.mark.parametrize(
    "word",
    ["Check-in", "CHECK OUT", "Checkout:", "Anreise", "Départ -", "Llegada", "Przyjazd", "チェックイン", "Check-out"],
)
def test_rule_09_markers_beside_a_stay_are_ignored(word: str) -> None:
    stay = vevent("SUMMARY:Booking - Jolanta", uid="stay")
    for day in ("20270310", "20270311", "20270312"):
        assert marked(stay, instant(f"{word} Jolanta", f"{day}T140000Z", f"{day}T143000Z")) == [
            Verdict.STAY,
            Verdict.MARKER,
        ]


def test_rule_09_a_marker_without_its_stay_is_all_that_is_known_of_a_guest() -> None:
    alone = readings(vcalendar(instant("Check-in Jolanta", "20270310T140000Z", "20270310T143000Z")))
    assert (alone[0].verdict, alone[0].needs_review, alone[0].guest.name) == (Verdict.STAY, True, "Jolanta")
    far = instant("Check-in Jolanta", "20270401T140000Z", "20270401T143000Z")
    assert marked(vevent("SUMMARY:Reserved"), far) == [Verdict.STAY, Verdict.STAY]
    blocked = instant("Check-in Jolanta", "20270310T140000Z", "20270310T143000Z")
    assert marked(vevent("SUMMARY:Blocked"), blocked) == [Verdict.BLOCK, Verdict.STAY]


def test_rule_09_a_long_marker_is_a_stay() -> None:
    long = vevent("SUMMARY:Check-in Jolanta", uid="long", dates="20270310/20270314")
    assert marked(vevent("SUMMARY:Reserved"), long) == [Verdict.STAY, Verdict.STAY]


def test_rule_10_closed_items_of_booking_com_are_stays_up_to_the_longest_stay() -> None:
    assert closed("20270401/20270501").verdict is Verdict.STAY
    longer = closed("20270401/20270502")
    assert (longer.verdict, longer.needs_review) == (Verdict.REVIEW, True)
    assert closed("20270401/20270502", longest_stay_nights=31).verdict is Verdict.STAY
    assert closed("20270401/20270405", longest_stay_nights=3).verdict is Verdict.REVIEW


def test_rule_10_older_calendars_name_the_guest() -> None:
    named = closed("20270401/20270502", "CLOSED - Anna Nowak")
    assert (named.verdict, named.guest.name, named.needs_review) == (Verdict.STAY, "Anna Nowak", False)


@pytest.mark.parametrize(
    "name", ["Held Anna", "Option Paul", "Pending Jones", "Tulo Matti", "Entrada Luis", "Storno Eva"]
)
def test_rule_10_a_guest_whose_name_begins_like_a_word_is_no_block(name: str) -> None:
    named = closed("20270401/20270403", f"CLOSED - {name}")
    assert (named.verdict, named.guest.name) == (Verdict.STAY, name)
    assert closed("20270401/20270403", "CLOSED - Pending").verdict is Verdict.BLOCK


def test_rule_10_the_same_words_elsewhere_are_a_block() -> None:
    for channel in (Channel.AUTO, Channel.AIRBNB, Channel.OTHER, Channel.GOOGLE):
        assert reading("CLOSED - Not available", channel=channel).verdict is Verdict.BLOCK


def test_rule_10_block_words_stay_blocks_at_booking_com() -> None:
    assert reading("Blocked", channel=Channel.BOOKING).verdict is Verdict.BLOCK
    assert reading("CLOSED - Maintenance", channel=Channel.BOOKING).verdict is Verdict.BLOCK


@pytest.mark.parametrize("summary", ["Familie Müller", "Busy", "Belegt", "🎉", "12345", "", "Ремонтов Иван", "x" * 255])
def test_rule_12_unknown_words_are_a_stay_for_review(summary: str) -> None:
    made = reading(summary)
    assert (made.verdict, made.needs_review) == (Verdict.STAY, True)
    assert summary == "" or summary not in made.reason


def test_rule_12_an_event_without_summary_is_a_stay_for_review() -> None:
    (made,) = readings(vcalendar(vevent()))
    assert (made.verdict, made.needs_review) == (Verdict.STAY, True)
    assert made.reason == "It has no text (SUMMARY): treated as a stay, please check."


@pytest.mark.parametrize(
    "name",
    ["Block", "Hold", "Held", "Owner", "Closing", "Offline", "Buffer", "Putzen", "Vask", "Esto", "Sulku"],
)
def test_rule_09_a_word_that_is_a_surname_too_needs_a_clear_separator(name: str) -> None:
    for summary in (f"{name}, Anna", f"{name} by Anna"):
        assert reading(summary).verdict is Verdict.STAY, summary
    assert reading(f"{name} - Anna").verdict in (Verdict.BLOCK, Verdict.TENTATIVE)


def test_rule_12_a_name_in_the_description_is_confirmedr_than_unknown_words() -> None:
    assert reading("Busy", "DESCRIPTION:Guest name: Anna Nowak").guest.name == "Anna Nowak"
    assert reading("Familie Huber").guest.name == "Familie Huber"


def test_rule_12_the_code_in_unknown_words_is_kept_when_the_description_names_the_guest() -> None:
    guest = reading("Ann Lee (HMQQQQ1111)", r"DESCRIPTION:Guest: Ann Lee\nPhone: 600-700-800").guest
    assert (guest.name, guest.reservation_code) == ("Ann Lee", "HMQQQQ1111")
    told = reading("Ann Lee (HMQQQQ1111)", r"DESCRIPTION:Guest: Ann Lee\nReservation code: HA-123456").guest
    assert told.reservation_code == "HA-123456"


def test_words_of_cancellation_without_the_status_wait_for_a_person() -> None:
    for _, word in phrases("cancelled"):
        made = reading(f"{word} - Anna")
        assert (made.verdict, made.needs_review) == (Verdict.REVIEW, True), word


@pytest.mark.parametrize("summary", ["CLOSED- Not available", "CLOSED -Not available", "Closed  -  not available"])
def test_rule_10_the_dash_of_booking_com_may_lose_its_spaces(summary: str) -> None:
    assert reading(summary, channel=Channel.BOOKING).verdict is Verdict.STAY


def test_rule_09_a_block_with_a_remark_is_a_block_whoever_signed_it() -> None:
    assert reading("Unavailable (manual block) - by Hostaway").verdict is Verdict.BLOCK
    assert reading("Anna Closed (airbnb) - by Hostaway").verdict is Verdict.STAY


@pytest.mark.parametrize(
    "summary",
    [
        "🔒 Blocked",
        "\u26d4\ufe0f Not available",
        "❌ Gesperrt",
        "Bloqueado pelo proprietário",
        "Bloqueo manual",
        "Blocage manuel",
        "Manuelle Sperre",
        "Date bloquée",
        "Nicht verfuegbar",
        "無法使用",
    ],
)
def test_further_ways_to_say_that_nobody_comes(summary: str) -> None:
    assert reading(summary).verdict is Verdict.BLOCK
