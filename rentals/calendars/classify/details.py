"""What an event tells about its guest: name, reservation code, phone, number of guests, link. Personal data."""

from __future__ import annotations

import re
from functools import cache

from rentals.calendars.classify.languages_of_guests import language
from rentals.calendars.classify.phrases import Kind, fold, names_nobody, read
from rentals.calendars.classify.vocabulary import CHANNEL_NAMES
from rentals.calendars.events import Channel, Contact, Event, Guest
from rentals.calendars.ical.properties import URL_LENGTH
from rentals.plain_text import one_line

_NAME_LENGTH = 120
_CODE_LENGTH = 64
_MOST_GUESTS = 99
_MOST_LINES = 80

#: Labels of lines in a DESCRIPTION ("Guests: 2"), in the languages of the channels, several separated by "|".
LABELS = {
    "name": "name|guest name|guest|guest's name|booked by|customer|customer name|gast|gastname|name des gastes"
    "|gäste-name|nom|nom du voyageur|voyageur|client|nombre|nombre del huésped|huésped|cliente|nome|nome ospite|ospite"
    "|nome do hóspede|hóspede|naam|naam gast|imię i nazwisko|gość|jméno|host|namn|gäst|navn|gæst|gjest|nimi|vieras",
    "code": "reservation code|confirmation code|booking code|reservation id|booking id|reservation number"
    "|booking number|reservation no|booking no|booking reference|reservation reference|reservation|confirmation number"
    "|channel reservation id|channel booking id|buchungsnummer|buchungscode|reservierungsnummer|reservierungscode"
    "|bestätigungscode|code de réservation|numéro de réservation|code de confirmation|código de reserva"
    "|número de reserva|código de confirmación|localizador|código de confirmação|codice prenotazione"
    "|numero prenotazione|codice di conferma|reserveringsnummer|boekingsnummer|reserveringscode|bevestigingscode"
    "|numer rezerwacji|kod rezerwacji|kod potwierdzenia|číslo rezervace|kód rezervace|bokningsnummer|bokningskod"
    "|bookingnummer|reservationsnummer|bestillingsnummer|varausnumero|varauskoodi",
    "phone": "phone|phone number|guest phone|mobile|mobile phone|mobile number|cell|cell phone|tel|telephone|telefon"
    "|telefonnummer|handy|téléphone|numéro de téléphone|portable|teléfono|número de teléfono|móvil|telefono|cellulare"
    "|numero di telefono|telefone|número de telefone|telemóvel|celular|telefoon|telefoonnummer|numer telefonu|puhelin"
    "|phone number (last 4 digits)|last 4 digits",
    "email": "email|e-mail|e-mail address|email address|guest email|guest e-mail|mail|e-mail-adresse|adresse e-mail"
    "|courriel|correo|correo electrónico|posta elettronica|adres e-mail",
    "guests": "guests|number of guests|guest count|no of guests|total guests|pax|persons|people|occupancy|gäste"
    "|anzahl gäste|anzahl der gäste|personen|voyageurs|nombre de voyageurs|personnes|huéspedes|número de huéspedes"
    "|personas|ospiti|numero di ospiti|persone|hóspedes|número de hóspedes|pessoas|gasten|aantal gasten|aantal personen"
    "|goście|liczba gości|hosté|počet hostů|gäster|antal gäster|gæster|antal gæster|gjester|antall gjester|vieraat",
    "adults": "adults|adult|erwachsene|adultes|adultos|adulti|volwassenen|dorośli|dospělí|vuxna|voksne|aikuiset",
    "children": "children|child|kids|kinder|enfants|niños|bambini|crianças|kinderen|dzieci|děti|barn|børn|lapset",
    "language": "language|guest language|guest's language|preferred language|sprache|sprache des gastes|gastsprache"
    "|langue|langue du voyageur|idioma|idioma del huésped|lingua|língua|taal|język|język gościa|jazyk|språk|sprog"
    "|kieli",
    "url": "reservation url|booking url|reservation link|booking link|link|url|reservation details",
}
_LABEL_LENGTH = 40

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{3,39}", re.ASCII)
_CODE_IN_URL = re.compile(r"(?:/details/|[?&](?:code|confirmation_?code|reservation_?code)=)([A-Za-z0-9-]{4,64})")
#: Dates, ranges, times, short numbers, and a word with a number behind it.
_NO_CODE = re.compile(
    r"[\d._-]{1,5}|\d+[._-]\d+(?:[._-]\d+)?|[A-Za-z]?[a-z]+[._-]?\d+|[A-Z]{2,5}[._-]?\d{1,3}", re.ASCII
)
_SHORTEST_CODE = 5
_AIRBNB_URL = re.compile(r"https?://(?:[\w-]+\.)*airbnb\.[a-z.]{2,6}/\S*", re.IGNORECASE)
_AIRBNB_CODE = re.compile(r"\bHM[A-Z0-9]{8}\b")
_LAST_DIGITS = re.compile(r"\(\D{0,40}4\D{0,40}\)\s*:\s*(\d{4})\b")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}", re.ASCII)
_EMAIL_LENGTH = 254
_PHONE = re.compile(r"(?:\+|00)[0-9][0-9 ()./-]{5,30}", re.ASCII)
_PHONE_LENGTH = 32
_URL = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_LINE_TAG = re.compile(r"<br\s*/?>|</(?:p|div|li|tr)>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
#: Guesty's codes: "GY-AbCdEfGh", "ABC-12", "TESTCODE". A plain word may be a name, which two guests may share.
_GUESTY_CODE = re.compile(r"GY-[A-Za-z0-9]{4,40}|[A-Z0-9]{2,20}-[A-Z0-9-]{2,20}|[A-Z0-9]{8,40}", re.ASCII)
_NUMBER = re.compile(r"\d{1,3}")
_MANAGERS = "hostaway|hospitable|smartbnb|guesty|smoobu|lodgify|hostfully|uplisting|ownerrez|beds24|tokeet|avantio|igms"
#: "- by Hostaway". After the other words only known names count, since guests are called "Von Weber" and "Par Olsson".
_BY_CHANNEL = re.compile(
    rf"\s*-\s*(?:(?:by|via)\s+[\w.]+|(?:from|von|par|por)\s+(?:{_MANAGERS}|{CHANNEL_NAMES.replace('.', '[.]')}))\s*$",
    re.IGNORECASE,
)
_VIA = re.compile(rf"\s*[(\[](?:{CHANNEL_NAMES.replace('.', '[.]')})[)\]]\s*$", re.IGNORECASE)
_ASIDE = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])\s*")
_EDGES = " \t:;,/|#*!-\u2013\u2014()[]{}\"'"


def signed_by_manager(summary: str) -> tuple[str, bool]:
    """A SUMMARY without "(homeaway) - by Hostaway", and whether it had such an ending."""
    bare = _VIA.sub("", _BY_CHANNEL.sub("", summary))
    return bare, bare != summary


def guest_of(event: Event, channel: Channel, rest: str) -> Guest:
    """The guest of a stay. `rest` is what its SUMMARY says besides the word for a stay: a name, a code, or nothing."""
    labelled = _labelled(event.description) if event.description else {}
    name, code = "", _guestys(rest) if channel is Channel.GUESTY else ""
    if not code:
        name, code = _name_or_code(rest)
    url = _url(event, labelled.get("url", ""))
    link_code = _code_in_links(event, channel)
    return Guest(
        name=name or _name(labelled.get("name", "")),
        reservation_code=(link_code or _code(labelled.get("code", "")) or code)[:_CODE_LENGTH],
        phone_last4=_last4(event.description, labelled.get("phone", "")),
        guest_count=_count(labelled),
        reservation_url=url,
        contact=Contact(
            email=_email(labelled.get("email", "")),
            phone=_phone(labelled.get("phone", "")),
            language=language(labelled.get("language", "")),
        ),
    )


@cache
def _labels() -> dict[str, str]:
    return {fold(label): what for what, labels in LABELS.items() for label in labels.split("|")}


def _labelled(description: str) -> dict[str, str]:
    """The labelled lines of a DESCRIPTION. Of each kind, the first line with a value counts."""
    labelled: dict[str, str] = {}
    if "<" in description:
        description = _TAG.sub("", _LINE_TAG.sub("\n", description))
    for line in description.split("\n", _MOST_LINES)[:_MOST_LINES]:
        label, colon, value = line.partition(":")
        if not colon or len(label) > _LABEL_LENGTH:
            continue
        what = _labels().get(fold(label.strip(" \t*-•")))
        if what == "name" and _NUMBER.fullmatch(value.strip()):
            what = "guests"  # "Guest: 2"
        if what is not None and value.strip():
            labelled.setdefault(what, value.strip())
    return labelled


def without_asides(summary: str) -> str:
    """A SUMMARY without what stands in brackets."""
    return _ASIDE.sub(" ", summary).strip()


def _guestys(rest: str) -> str:
    """The code of "Reservation <code>", after which Guesty writes nothing else."""
    word = rest.strip(_EDGES)
    return word if _GUESTY_CODE.fullmatch(word) else ""


def _name_or_code(rest: str) -> tuple[str, str]:
    """What follows the word for a stay is a code when it looks like one, otherwise a name."""
    bare = rest.strip()
    if not bare.strip(_EDGES):
        return "", ""
    in_brackets = _AIRBNB_CODE.search(bare)
    first, _, more = bare.partition(" ")
    if _looks_like_code(first.strip(_EDGES)) or _AIRBNB_CODE.fullmatch(first.strip(_EDGES)):
        return _name(more), first.strip(_EDGES)
    return _name(bare), in_brackets[0] if in_brackets else ""


def _looks_like_code(word: str) -> bool:
    """Whether a word of a SUMMARY is surely a code. A word that several stays share ("Room101", "10-14") would make one
    stay look like another, so whatever may be a date, a number or a room is not a code."""
    if not _CODE.fullmatch(word) or _NO_CODE.fullmatch(word) or len(word) < _SHORTEST_CODE:
        return False
    return any(letter.isdigit() for letter in word)


def _name(value: str) -> str:
    """The name without notes in brackets; "" for an address, a code, or words for the item itself."""
    bare = one_line(_ASIDE.sub(" ", one_line(value, 2 * _NAME_LENGTH)), _NAME_LENGTH).strip(_EDGES)
    if not any(letter.isalpha() for letter in bare) or "://" in bare or _looks_like_code(bare) or names_nobody(bare):
        return ""
    said = read(bare)
    if said.whole and said.kind is not Kind.UNKNOWN:
        return ""
    return bare[:_NAME_LENGTH].rstrip()


def _code(value: str) -> str:
    word = value.strip(_EDGES).partition(" ")[0].strip(_EDGES)
    return word if _CODE.fullmatch(word) and any(letter.isdigit() for letter in word) else ""


def _code_in_links(event: Event, channel: Channel) -> str:
    """Airbnb puts the code into the link to the reservation; other channels pass such links on."""
    if channel is Channel.AIRBNB:
        texts = [event.description, event.url]
    else:
        texts = _AIRBNB_URL.findall(event.description) + _AIRBNB_URL.findall(event.url)
    for text in texts:
        found = _CODE_IN_URL.search(text)
        if found is not None:
            return found[1]
    if channel is Channel.AIRBNB:
        found = _AIRBNB_CODE.search(event.description)
        return found[0] if found is not None else ""
    return ""


def _url(event: Event, labelled: str) -> str:
    for text in (labelled, event.url):
        found = _URL.search(text)
        if found is not None:
            return _short(found[0])
    found = _AIRBNB_URL.search(event.description)
    return _short(found[0]) if found is not None else ""


def _short(url: str) -> str:
    """The link; "" for one beyond the cap, which would lead nowhere when cut."""
    return url if len(url) <= URL_LENGTH else ""


def _last4(description: str, phone: str) -> str:
    found = _LAST_DIGITS.search(description)
    if found is not None:
        return found[1]
    digits = "".join(letter for letter in phone if letter in "0123456789")
    return digits[-4:] if len(digits) >= 4 else ""


def _email(value: str) -> str:
    found = _EMAIL.search(value)
    return found[0].lower() if found is not None and len(found[0]) <= _EMAIL_LENGTH else ""


def _phone(value: str) -> str:
    """A whole number with its country's code, as it is written; "" for the last digits alone, which call nobody."""
    found = _PHONE.fullmatch(value.strip())
    return one_line(found[0], _PHONE_LENGTH) if found is not None and sum(map(str.isdigit, value)) >= 9 else ""


def _count(labelled: dict[str, str]) -> int | None:
    def number(what: str) -> int:
        found = _NUMBER.match(labelled.get(what, "").strip())
        return int(found[0]) if found else 0

    count = number("guests") or number("adults") + number("children")
    return count if 0 < count <= _MOST_GUESTS else None
