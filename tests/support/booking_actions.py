"""What people do to bookings, and what is on record afterwards."""

from __future__ import annotations

from pins.models import Incident, PinAttempt
from rentals.models import Booking


def change(booking: Booking, **fields: object) -> None:
    """Edit a booking as a form does: read it, set some fields, save it."""
    fresh = Booking.objects.get(pk=booking.pk)
    for name, value in fields.items():
        setattr(fresh, name, value)
    fresh.save()


def cancel(booking: Booking) -> None:
    change(booking, status=Booking.Status.CANCELLED)


def open_incidents() -> list[str]:
    """The kinds of all open incidents."""
    return sorted(Incident.objects.filter(resolved_at=None).values_list("kind", flat=True))


def requests_sent() -> list[str]:
    """The kinds of all requests about PINs, oldest first."""
    return list(PinAttempt.objects.order_by("pk").values_list("op", flat=True))
