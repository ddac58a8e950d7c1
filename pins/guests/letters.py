"""The text of a message to a guest: the host's own words or Turnkey's, in the guest's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from pins.guests import reading, template, words
from pins.guests.reading import GuestStay
from pins.guests.timing import Kind
from pins.models import GuestGuide, GuestText
from pins.notify.texts import Message, line
from rentals.models import Booking

#: Characters of a text message. Services send long ones in parts, and charge for each.
_LONGEST_TEXT: Final = 700


@sensitive_variables()
def letter(stay: GuestStay, kind: Kind, *, link: str, code: str) -> Message:
    """The message about a stay. `code`: empty where it is not in the message."""
    language = _language(stay)
    own = reading.words_of(stay.guide, language)
    names = ", ".join(one.name for one in stay.facts.doors)
    with words.speaking(language):
        return compose(own, kind, values(stay.booking, stay.guide, own, locks=names, link=link, code=code))


def _language(stay: GuestStay) -> str:
    """The guest's; of one whose language nobody knows, that of the country of the telephone number, English, or else
    one in which the host wrote something."""
    written = sorted(stay.guide.texts.values_list("language", flat=True))
    guest = stay.booking
    known = (guest.guest_language, words.language_of_number(guest.guest_phone))
    return words.language_of(*known, *([] if "en" in written else written))


@sensitive_variables()
def shortened(whole: Message, link: str) -> Message:
    """For telephones: a long message becomes its title and the link, because the end, where the link may stand, would
    be cut off."""
    return whole if len(whole.text) <= _LONGEST_TEXT else Message(whole.subject, link)


@sensitive_variables()
def compose(own: GuestText, kind: Kind, given: Mapping[str, str]) -> Message:
    """The message from the host's words, where there are some. Call it while the language is active."""
    text = template.render(own.message or words.message(), given)
    if own.subject:
        title = template.render(own.subject, given)
        title = words.changed_subject(title) if kind is Kind.CHANGED else title
    else:
        title = template.render(words.subject(kind), given)
    if kind is Kind.CHANGED:
        text = f"{words.changed_first()}\n\n{text}"
    return Message(line(title), text)


@sensitive_variables()
def values(booking: Booking, guide: GuestGuide, own: GuestText, *, locks: str, link: str, code: str) -> dict[str, str]:
    """What stands for each variable, in the language that is active."""
    zone = booking.property.zone
    return {
        "guest": booking.guest_name,
        "property": booking.property.name,
        "arrival_date": words.day(booking.check_in, zone),
        "arrival_time": words.clock(booking.check_in, zone),
        "departure_date": words.day(booking.check_out, zone),
        "departure_time": words.clock(booking.check_out, zone),
        "locks": locks,
        "address": guide.address,
        "door_instructions": own.door_instructions,
        "wifi_name": guide.wifi_name,
        "wifi_password": guide.wifi_password,
        template.LINK: link,
        template.CODE: " ".join(code),
    }


def example(guide: GuestGuide, language: str, kind: Kind) -> Message:
    """The message as a made-up guest of the property would get it."""
    prop, today = guide.property, timezone.localdate(timezone=guide.property.zone)
    stay = Booking(property=prop, guest_name="Anna Example")
    stay.check_in, stay.check_out = prop.check_in_on(today), prop.check_out_on(today + timedelta(days=3))
    own = reading.words_of(guide, language)
    names = ", ".join(prop.locks.filter(is_active=True).order_by("name").values_list("name", flat=True))
    code = "123456" if guide.code_in_message and kind is not Kind.LINK else ""
    given = {"locks": names, "link": "https://…/g/…/", "code": code}
    with words.speaking(language):
        return compose(own, kind, values(stay, guide, own, **given))
