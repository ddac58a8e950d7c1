"""Rules 8 to 12: what an event is."""

from __future__ import annotations

import pytest

from rentals.calendars.classify.phrases import Kind, fold
from rentals.calendars.classify.verdicts import recognise
from rentals.calendars.classify.vocabulary import VOCABULARIES
from rentals.calendars.events import Calendar, Channel, Options, Reading, Verdict
from tests.support.calendar_texts import read, reading, readings, sample, vcalendar, vevent
from tests.support.paths import SAMPLES

ALL_SAMPLES = b"".join(path.read_bytes() for path in SAMPLES.glob("*.ics")).decode()


def phrases(kind: str) -> list[tuple[str, str]]:
    return [
        (language, phrase) for language, words in VOCABULARIES.items() for phrase in getattr(words, kind).split("|")
    ]


def unseen(kind: str) -> list[tuple[str, str]]:
    """Phrases that no sample contains."""
    known = fold(ALL_SAMPLES)
    return [(language, phrase) for language, phrase in phrases(kind) if fold(phrase) not in known]


# -- rule 8


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


# -- rule 9


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


def marked(*events: list[str]) -> list[Verdict]:
    return [one.verdict for one in readings(vcalendar(*events))]


def instant(summary: str, start: str, end: str, uid: str = "marker") -> list[str]:
    return vevent(f"SUMMARY:{summary}", f"DTSTART:{start}", f"DTEND:{end}", uid=uid, dates=None)


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


# -- rule 10


def closed(dates: str, summary: str = "CLOSED - Not available", longest_stay_nights: int = 30) -> Reading:
    chosen = Options(channel=Channel.BOOKING, longest_stay_nights=longest_stay_nights)
    (one,) = readings(vcalendar(vevent(f"SUMMARY:{summary}", dates=dates)), chosen)
    return one


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


# -- rule 11


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


def guesty(summary: str, uid: str, blocked_items_are_stays: bool = False) -> Reading:
    options = Options(channel=Channel.GUESTY, blocked_items_are_stays=blocked_items_are_stays)
    (one,) = readings(vcalendar(vevent(f"SUMMARY:{summary}", uid=uid)), options)
    return one


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


# -- rule 12


@pytest.mark.parametrize("summary", ["Familie Müller", "Busy", "Belegt", "🎉", "12345", "", "Ремонтов Иван", "x" * 255])
def test_rule_12_unknown_words_are_a_stay_for_review(summary: str) -> None:
    made = reading(summary)
    assert (made.verdict, made.needs_review) == (Verdict.STAY, True)
    assert summary == "" or summary not in made.reason


def test_rule_12_an_event_without_summary_is_a_stay_for_review() -> None:
    (made,) = readings(vcalendar(vevent()))
    assert (made.verdict, made.needs_review) == (Verdict.STAY, True)


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


# -- stays and their guests


@pytest.mark.parametrize(("language", "word"), phrases("stay"))
def test_words_for_a_stay_in_every_language(language: str, word: str) -> None:
    assert reading(word).guest.name == ""
    for summary in (word, f"{word} - Anna Nowak", f"{word}: Anna Nowak", f"{word} Anna Nowak"):
        made = reading(summary)
        assert (made.verdict, made.needs_review) == (Verdict.STAY, False), summary
        assert made.guest.name == ("" if summary == word else "Anna Nowak"), summary


def test_every_phrase_is_found_and_languages_agree_on_stays() -> None:
    stays = {fold(phrase) for _, phrase in phrases("stay")}
    for kind in (Kind.BLOCK, Kind.TENTATIVE, Kind.CANCELLED, Kind.MARKER):
        assert not stays & {fold(phrase) for _, phrase in phrases(kind.value)}, kind


@pytest.mark.parametrize(
    ("summary", "name", "code"),
    [
        ("Reserved - HMABCD2345", "", "HMABCD2345"),
        ("Reservation 123456 Anna", "Anna", "123456"),
        ("Reserved for Anna Nowak", "Anna Nowak", ""),
        ("Réservation de Anaïs", "Anaïs", ""),
        ("Booking - Anna (2 guests)", "Anna", ""),
        ("Anna Nowak (homeaway) - by Hostaway", "Anna Nowak", ""),
        ("Anna Nowak (airbnb) - by Hospitable", "Anna Nowak", ""),
        ("Anna Nowak (HMABCD2345)", "Anna Nowak", "HMABCD2345"),
        ("Reserved - Reserved", "", ""),
        ("Airbnb - Anna Nowak", "Anna Nowak", ""),
        ("Reserved Room101", "Room101", ""),
        ("Reserved 10-14 April", "10-14 April", ""),
        ("Reservation 2027-03-10", "", ""),
        ("Reservation HB-9x8y7z", "", "HB-9x8y7z"),
        ("Reserved - https://x.test", "", ""),
        ("Reserved - " + "n" * 240, "n" * 120, ""),
    ],
)
def test_names_and_codes_of_a_summary(summary: str, name: str, code: str) -> None:
    guest = reading(summary).guest
    assert (guest.name, guest.reservation_code) == (name, code)


def test_details_of_a_description() -> None:
    lines = (
        (
            r"DESCRIPTION:Guest name: Anna Nowak\nPhone: +48 600 100 200\nGuests: 3\nReservation code: ABC-1234\n"
            r"Door code: 4711\nBooking URL: https://pms.test/r/1"
        ),
    )
    guest = reading("Reserved", *lines, channel=Channel.HOSPITABLE).guest
    assert (guest.name, guest.reservation_code, guest.phone_last4) == ("Anna Nowak", "ABC-1234", "0200")
    assert (guest.guest_count, guest.reservation_url) == (3, "https://pms.test/r/1")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (
            r"DESCRIPTION:Reservation URL: https://www.airbnb.com/hosting/reservations/details/HMABCD2345\nPhone",
            "HMABCD2345",
        ),
        ("DESCRIPTION:https://www.airbnb.de/reservation/itinerary?code=HMABCD2345&x=1", "HMABCD2345"),
        ("URL:https://www.airbnb.com/hosting/reservations/details/HMABCD2345", "HMABCD2345"),
        ("DESCRIPTION:no link, but HMABCD2345", "HMABCD2345"),
        ("DESCRIPTION:nothing", ""),
    ],
)
def test_airbnbs_code_stands_in_its_link(line: str, code: str) -> None:
    assert reading("Reserved", line, channel=Channel.AIRBNB).guest.reservation_code == code


def test_a_number_of_guests_is_read_from_adults_and_children() -> None:
    assert reading("Reserved", r"DESCRIPTION:Adults: 2\nChildren: 1").guest.guest_count == 3
    assert reading("Reserved", r"DESCRIPTION:Guests: 2000").guest.guest_count is None


def test_reasons_never_hold_personal_data() -> None:
    for summary in ("Reserved - Anna Nowak", "Anna Nowak", "CLOSED - Anna Nowak", "Tentative - Anna Nowak"):
        for channel in (Channel.OTHER, Channel.BOOKING, Channel.AIRBNB):
            made = reading(summary, channel=channel)
            assert "Anna" not in made.reason
            assert 0 < len(made.reason) <= 200
            assert "Anna" not in repr(made.guest)
