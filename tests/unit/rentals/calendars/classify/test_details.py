"""Names, codes and numbers of guests, from a summary or a description."""

from __future__ import annotations

import pytest

from rentals.calendars.classify.languages_of_guests import NAMES
from rentals.calendars.classify.phrases import Kind, fold
from rentals.calendars.events import Channel, Verdict
from rentals.models.booking import LANGUAGES
from tests.support.calendar_texts import reading
from tests.support.vocabulary import phrases


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


@pytest.mark.parametrize("channel", [Channel.AIRBNB, Channel.OTHER])
def test_airbnbs_link_is_kept_wherever_it_stands(channel: Channel) -> None:
    link = "https://www.airbnb.com/hosting/reservations/details/HMABCD2345"
    for line in (f"DESCRIPTION:see {link} for more", f"URL:{link}", f"DESCRIPTION:Link: {link}"):
        assert reading("Reserved", line, channel=channel).guest.reservation_url == link, line


def test_only_a_short_beginning_of_a_line_is_a_label() -> None:
    for dashes, found in ((35, "3456"), (36, "")):
        assert reading("Reserved", f"DESCRIPTION:{'-' * dashes}Phone: +48 600 123 456").guest.phone_last4 == found


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


@pytest.mark.parametrize(
    "name",
    [
        "Ada Proba",
        "Wanda Nowak",
        "Jan van Dyke",
        "Maria de Souza",
        "Da Silva",
        "Par Olsson",
        "Von Weber",
        "Bypas Nowak",
    ],
)
def test_a_name_is_left_whole(name: str) -> None:
    assert reading(f"Reserved - {name}").guest.name == name


def test_words_before_and_behind_a_name_are_none() -> None:
    assert reading("Reserved for Anna").guest.name == "Anna"
    assert reading("Anna Nowak (homeaway) - by Hostaway").guest.name == "Anna Nowak"
    assert reading("Anna Nowak - von Hostaway").guest.name == "Anna Nowak"


@pytest.mark.parametrize("code", ["GY-AbCdEfGh", "TESTCODE", "ABC-12", "HMABCDEFGH"])
def test_a_code_of_guesty_is_no_name(code: str) -> None:
    guest = reading(f"Reservation {code}", channel=Channel.GUESTY).guest
    assert (guest.reservation_code, guest.name) == (code, "")


def test_a_first_name_at_guesty_is_no_code_that_two_guests_would_share() -> None:
    guest = reading("Reservation Anna", channel=Channel.GUESTY).guest
    assert (guest.reservation_code, guest.name) == ("", "Anna")


def test_details_in_html_are_read() -> None:
    html = "DESCRIPTION:<p>Name: <b>Anna Nowak</b></p><div>Guests: 3</div>Phone: +48 600 123 456<br/>x"
    guest = reading("Reserved", html).guest
    assert (guest.name, guest.guest_count, guest.phone_last4) == ("Anna Nowak", 3, "3456")


@pytest.mark.parametrize("word", ["Busy", "Occupied", "Belegt", "Occupé", "Zajęte", "Ocupado", "занято"])
def test_words_for_taken_are_a_stay_to_look_at_and_nobodys_name(word: str) -> None:
    made = reading(word)
    assert (made.verdict, made.needs_review, made.guest.name) == (Verdict.STAY, True, "")


def test_a_picture_alone_is_a_stay_and_one_before_a_name_is_no_part_of_a_word() -> None:
    assert reading("🎉").verdict is Verdict.STAY
    made = reading("🏠 Reserved - Anna Nowak")
    assert (made.verdict, made.needs_review, made.guest.name) == (Verdict.STAY, False, "Anna Nowak")


@pytest.mark.parametrize(
    ("lines", "email", "phone"),
    [
        (("Email: Anna@Example.com", "Phone: +48 600 123 456"), "anna@example.com", "+48 600 123 456"),
        (
            ("E-Mail-Adresse: x-12@guest.booking.com (relay)", "Telefon: 0048600123456"),
            "x-12@guest.booking.com",
            "0048600123456",
        ),
        (("Guest email: unknown", "Phone Number (Last 4 Digits): 3456"), "", ""),
        (("Email: @@", "Phone: 600 123 456"), "", ""),  # without the country's code it calls somebody else
    ],
)
def test_where_the_guest_can_be_told_something(lines: tuple[str, ...], email: str, phone: str) -> None:
    guest = reading("Reserved", "DESCRIPTION:" + "\\n".join(lines)).guest
    assert (guest.contact.email, guest.contact.phone) == (email, phone)
    assert "600" not in repr(guest)
    assert "anna" not in repr(guest)


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("Language: de", "de"),
        ("Guest language: PL-pl", "pl"),
        ("Sprache: Französisch", "fr"),
        ("Idioma: español", "es"),
        ("Język: angielski", "en"),
        ("Language: Italian", ""),  # guests are not spoken to in it
        ("Language: it", ""),
        ("Language: none of your business", ""),
        ("Sign language: de", ""),
    ],
)
def test_the_language_of_the_guest(line: str, language: str) -> None:
    assert reading("Reserved", f"DESCRIPTION:{line}").guest.contact.language == language


def test_every_language_in_which_guests_are_spoken_to_has_names() -> None:
    assert set(NAMES) == {code for code, _name in LANGUAGES}
