"""What a person can do about the guest of a stay."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from pins.actions.results import ActionResult, done, nothing
from pins.guests import collecting, links
from pins.guests import help as asking
from rentals.models import Booking
from rentals.phrases import phrase


def make_guest_page(booking: Booking, now: datetime) -> ActionResult:
    """A link to pass on by hand, before any message is due."""
    links.page_of(booking.pk)
    return done(phrase("the guest's page has a link now."))


def new_guest_link(booking: Booking, now: datetime) -> ActionResult:
    """The link fell into the wrong hands."""
    if links.rotate([booking.pk]):
        return done(
            phrase(
                "there is a new link, and the former one shows nothing any more. A guest who was told is told again."
            )
        )
    return nothing(_("it has no link yet."))


def release_guest(booking: Booking, now: datetime) -> ActionResult:
    """The guest was verified."""
    if links.release(booking.pk, now):
        return done(phrase("the stay is released: its guest may see the code."))
    return nothing(_("it was released already."))


def tell_guest(booking: Booking, now: datetime) -> ActionResult:
    """Send the message now, whatever was sent before."""
    if collecting.tell(booking.pk, now, by_hand=True) is not None:
        return done(phrase("a message to the guest is on its way."))
    return nothing(_("nothing was sent. The stay must be confirmed and not over, and have the guest's address."))


def guest_is_in(booking: Booking, now: datetime) -> ActionResult:
    """A guest who asked for help is in the house."""
    if asking.is_in(booking.pk, now):
        return done(phrase("good: the call for help is over."))
    return nothing(_("no call for help is open."))
