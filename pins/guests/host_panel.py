"""What a host reads about the guest's page of a stay: the link, the messages, a call for help. Reads no code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from pins.guests import links
from pins.guests.diagnosis import Finding
from pins.guests.help import LATELY
from pins.models import GuestGuide, GuestMessage, GuestPage, Incident, Pin
from pins.notify import reasons
from pins.reconcile import activity
from rentals.fields import UndecryptableValue
from rentals.models import Booking
from rentals.phrases import mark
from rentals.wording import brief

_MOST_LINES: Final = 6
#: The findings of a call for help, for the host.
_FINDINGS: Final = {
    Finding.OVER: mark("the stay is over"),
    Finding.NO_STAY: mark("the stay is not confirmed, or its code is revoked"),
    Finding.TOO_EARLY: mark("it is too early"),
    Finding.WRONG_CODE: mark("a wrong code was entered"),
    Finding.NOT_RELEASED: mark("you have not released the stay"),
    Finding.NO_DOOR: mark("the property has no lock"),
    Finding.NOT_SET: mark("the code is not on every lock"),
    Finding.NO_KEYPAD: mark("a lock has no keypad"),
    Finding.OFFLINE: mark("a lock is offline"),
    Finding.BATTERY_LOW: mark("a battery is low"),
    Finding.NOTHING_WRONG: mark("every lock has the code, and it works"),
}


@dataclass(frozen=True)
class HostPanel:
    """The section “The guest's page”."""

    link: str  # empty: there is none, or this person may not see it
    notes: tuple[str, ...]
    can_make: bool
    can_release: bool
    can_send: bool
    asked_for_help: str  # when, and what was found; empty: the guest is not waiting


def panel(booking: Booking, now: datetime, *, site: str, may_reveal: bool) -> HostPanel | None:
    """None where the property has no guide in use. `site`: the address under which this person reached Turnkey, for the
    link while `PUBLIC_URL` is not set. `may_reveal`: whoever has the link can read the code, so only a person who may
    see codes gets it."""
    guide = GuestGuide.objects.filter(property=booking.property_id, is_active=True).defer(*GuestGuide.SECRETS).first()
    if guide is None:
        return None
    page = GuestPage.objects.filter(booking=booking).defer(*GuestPage.SECRETS).first()
    is_live = booking.status == Booking.Status.CONFIRMED and now < booking.check_out
    waits = guide.needs_release and (page is None or page.released_at is None)
    has_address = bool(booking.guest_email or (booking.guest_phone and guide.sends_texts))
    return HostPanel(
        link=_link(page, site) if page is not None and may_reveal else "",
        notes=tuple(_notes(booking, page, now, is_live=is_live, waits=waits, has_address=has_address)),
        can_make=is_live and page is None,
        can_release=is_live and waits,
        can_send=is_live and has_address,
        asked_for_help=_help(booking, page, now),
    )


def _link(page: GuestPage, site: str) -> str:
    try:
        return links.address(page, settings.PUBLIC_URL or site)
    except UndecryptableValue:
        return ""


def _notes(
    booking: Booking, page: GuestPage | None, now: datetime, *, is_live: bool, waits: bool, has_address: bool
) -> list[str]:
    said = []
    if not settings.PUBLIC_URL:
        said.append(_("No messages go out: Turnkey does not know its own address. The operator must set PUBLIC_URL."))
    if is_live and waits:
        said.append(_("The guest sees no code until you release the stay."))
    if is_live and not has_address:
        said.append(_("No e-mail address of the guest is known. Enter one, or pass the link on yourself."))
    zone = booking.property.zone
    for one in page.messages.order_by("-pk")[:_MOST_LINES] if page is not None else ():
        when = brief(one.ended_at or one.created_at, now, zone)
        line = _("{when}: “{kind}” by {way}: {state}.").format(
            when=when,
            kind=GuestMessage.Kind(one.kind).label,
            way=one.get_way_display(),
            state=str(one.get_state_display()).lower(),
        )
        said.append(f"{line} {reasons.shown(one.last_error)}".strip())
    return said


def _help(booking: Booking, page: GuestPage | None, now: datetime) -> str:
    waiting = Incident.objects.filter(booking=booking, kind=Incident.Kind.GUEST_SHUT_OUT, resolved_at=None)
    if page is None or page.help_at is None or not waiting.exists():
        return ""
    names = [one for one in page.help_findings.split(",") if one in set(Finding)]
    # The activity is read after the guest asked: what it tells by now counts.
    doors = Pin.objects.filter(grant__booking=booking, wanted=True).values_list("lock", flat=True)
    if Finding.WRONG_CODE not in names and activity.wrong_codes(doors, page.help_at - LATELY):
        names.insert(0, Finding.WRONG_CODE)
    found = "; ".join(_(_FINDINGS[Finding(one)]) for one in names)
    when = brief(page.help_at, now, booking.property.zone)
    return _("{when}. Turnkey found: {found}.").format(when=when, found=found)
