"""Rules 8 and 11: the status of an event, and the channel of a calendar."""

from __future__ import annotations

import pytest

from rentals.calendars.classify.verdicts import recognise
from rentals.calendars.events import Calendar, Channel, Options, Reading, Verdict
from tests.support.calendar_texts import read, reading, readings, sample, vcalendar, vevent
from tests.support.vocabulary import unseen


def guesty(summary: str, uid: str, blocked_items_are_stays: bool = False) -> Reading:
    options = Options(channel=Channel.GUESTY, blocked_items_are_stays=blocked_items_are_stays)
    (one,) = readings(vcalendar(vevent(f"SUMMARY:{summary}", uid=uid)), options)
    return one


def test_rule_08_status_cancelled_is_cancelled_whatever_the_words() -> None:
    for summary in ("Reserved", "Blocked", "Tentative - Piotr", "", "anything"):
        assert reading(summary, "STATUS:cancelled").verdict is Verdict.CANCELLED


def test_rule_08_status_tentative_is_tentative() -> None:
    assert reading("Reserved - Anna", "STATUS:TENTATIVE").verdict is Verdict.TENTATIVE
    assert reading("Anna", "STATUS:TENTATIVE").verdict is Verdict.TENTATIVE
    assert reading("CLOSED - Not available", "STATUS:TENTATIVE", channel=Channel.BOOKING).verdict is Verdict.TENTATIVE


@pytest.mark.parametrize(("language", "word"), unseen("tentative"))
def test_rule_08_tentative_words_in_every_language(language: str, word: str) -> None:
    for summary in (word, word.upper(), f"{word} - Anna", f"{word}: Anna", f"{word} (Airbnb)"):
        assert reading(summary).verdict is Verdict.TENTATIVE, summary


@pytest.mark.parametrize(
    "summary",
    [
        *("Reservation pending - Anna", "Reserved (pending) - Anna", "Reserved - tentative - Anna"),
        *("Prenotazione in attesa - Anna", "Réservation à confirmer : Anna", "Buchung unbestätigt \u2013 Anna"),
        *("Rezerwacja niepotwierdzona - Anna", "Reserva por confirmar - Anna", "Boeking in behandeling - Anna"),
    ],
)
def test_rule_08_a_tentative_word_behind_the_word_for_a_stay_counts_before_a_name_too(summary: str) -> None:
    made = reading(summary)
    assert (made.verdict, made.guest.name) == (Verdict.TENTATIVE, "Anna")


def test_rule_08_the_name_behind_a_tentative_word_is_known() -> None:
    assert reading("Option - Anna Nowak").guest.name == "Anna Nowak"
    assert reading("Booking request from Anna").guest.name == "Anna"
    assert reading("Reserved (tentative)").verdict is Verdict.TENTATIVE


@pytest.mark.parametrize(
    "lines",
    [
        ("TRANSP:TRANSPARENT",),
        ("TRANSP:OPAQUE", "CLASS:PRIVATE"),
        ("STATUS:CONFIRMED",),
        ("BEGIN:VALARM", "STATUS:CANCELLED", "SUMMARY:Blocked", "END:VALARM"),
    ],
)
def test_rule_08_transparency_class_and_alarms_mean_nothing(lines: tuple[str, ...]) -> None:
    assert reading("Reserved", *lines).verdict is Verdict.STAY


def test_rule_08_method_cancel_of_a_whole_calendar_is_not_believed() -> None:
    (one,) = readings(vcalendar(vevent("SUMMARY:Reserved"), head=["METHOD:CANCEL"]))
    assert one.verdict is Verdict.STAY


@pytest.mark.parametrize(
    ("prodid", "channel"),
    [
        ("-//Airbnb Inc//Hosting Calendar 0.8.8//EN", Channel.AIRBNB),
        ("-//admin.booking.com\\, b.v.//NONSGML v1.0//EN", Channel.BOOKING),
        ("-//HomeAway.com\\, Inc.//EN", Channel.VRBO),
        ("-//Abritel//FR", Channel.VRBO),
        ("-//Guesty//NONSGML//EN", Channel.GUESTY),
        ("-//Smoobu//EN", Channel.SMOOBU),
        ("-//Hostaway//EN", Channel.HOSTAWAY),
        ("-//Hospitable//EN", Channel.HOSPITABLE),
        ("-//OwnerRez//EN", Channel.OWNERREZ),
        ("-//Beds24.com//EN", Channel.BEDS24),
        ("-//Google Inc//Google Calendar 70.9054//EN", Channel.GOOGLE),
        ("-//Somebody//EN", Channel.OTHER),
    ],
)
def test_rule_11_a_channel_is_recognised_by_prodid(prodid: str, channel: Channel) -> None:
    assert recognise(read(vcalendar(head=[f"PRODID:{prodid}"])), Channel.AUTO) is channel


@pytest.mark.parametrize(
    ("hosts", "channel"),
    [
        (["airbnb.com"], Channel.AIRBNB),
        (["booking.com", "booking.com", "x.test"], Channel.BOOKING),
        (["booking.com", "x.test"], Channel.OTHER),
        (["homeaway.com"], Channel.VRBO),
        ([], Channel.OTHER),
    ],
)
def test_rule_11_or_by_the_hosts_of_most_uids(hosts: list[str], channel: Channel) -> None:
    events = [vevent(uid=f"{number}@{host}") for number, host in enumerate(hosts)]
    assert recognise(read(vcalendar(*events, head=["PRODID:-//x//EN"])), Channel.AUTO) is channel


def test_rule_11_what_was_set_by_hand_wins() -> None:
    assert recognise(read(sample("01")), Channel.OTHER) is Channel.OTHER


def test_rule_11_our_own_calendar_is_recognised_whatever_was_set() -> None:
    ours = Calendar(events=(), prodid="-//Turnkey//Stays and turnovers//EN")
    assert recognise(ours, Channel.AUTO) is Channel.TURNKEY
    assert recognise(ours, Channel.AIRBNB) is Channel.TURNKEY
    assert recognise(Calendar(events=(), prodid="-//TurnKey Vacation Rentals//EN"), Channel.AUTO) is Channel.OTHER


def test_rule_11_guesty() -> None:
    stay = guesty("Reservation GY-ab12CD34", "65a_r_1@guesty.com")
    assert (stay.verdict, stay.guest.reservation_code, stay.guest.name) == (Verdict.STAY, "GY-ab12CD34", "")
    assert guesty("Blocked by Guesty", "65a@guesty.com").verdict is Verdict.BLOCK
    for tag in ("_an_", "_bw_", "_bd_"):
        assert guesty("Whatever", f"65a{tag}20270301@guesty.com").verdict is Verdict.BLOCK


def test_rule_11_blocked_items_are_stays_where_the_operator_says_so() -> None:
    stay = guesty("Blocked by Guesty", "65a@guesty.com", blocked_items_are_stays=True)
    assert (stay.verdict, stay.needs_review, stay.guest.name) == (Verdict.STAY, False, "")
    assert guesty("Blocked by Guesty", "65a_bw_1@guesty.com", blocked_items_are_stays=True).verdict is Verdict.BLOCK
    assert reading("Blocked", options=Options(blocked_items_are_stays=True)).verdict is Verdict.STAY
    lines = ("STATUS:CANCELLED",)
    assert reading("Blocked", *lines, options=Options(blocked_items_are_stays=True)).verdict is Verdict.CANCELLED


@pytest.mark.parametrize("summary", ["Pré-réservée - Sylvie", "Préréservé", "Payment pending"])
def test_rule_08_further_tentative_words(summary: str) -> None:
    assert reading(summary).verdict is Verdict.TENTATIVE


def test_the_other_spelling_of_cancelled_means_the_same() -> None:
    assert reading("Reserved", "STATUS:CANCELED").verdict is Verdict.CANCELLED
