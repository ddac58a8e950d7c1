"""The booking form as a host uses it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.test import Client

from rentals.models import Booking, Property

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ADD = "/admin/rentals/booking/add/"
LIST = "/admin/rentals/booking/"
CODE = "480261"


def page(booking: Booking) -> str:
    return f"/admin/rentals/booking/{booking.pk}/change/"


def typed(flat: Property | None, **changes: str) -> dict[str, str]:
    return {
        "property": str(flat.pk) if flat else "",
        "guest_name": "Anna Nowak",
        "status": "confirmed",
        "arrival_date": "2027-03-03",
        "arrival_time": "",
        "departure_date": "2027-03-08",
        "departure_time": "",
        "own_code": "",
        **changes,
    }


def stay_in(flat: Property, days: int = 2, lasts: int = 5) -> Booking:
    """A stay that uses the property's times."""
    first = (NOW + days * DAY).date()
    return Booking.objects.create(
        property=flat,
        guest_name="Anna Nowak",
        check_in=flat.check_in_on(first),
        check_out=flat.check_out_on(first + lasts * DAY),
        follows_property_times=True,
    )


def as_shown(host: Client, booking: Booking) -> dict[str, str]:
    """What a browser would send back from an untouched page."""
    form = host.get(page(booking)).context["adminform"].form
    data = {}
    for name in form.fields:
        value = form[name].value()
        data[name] = "" if value is None else f"{value:%H:%M}" if isinstance(value, time) else str(value)
    return data


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    found: dict[str, list[str]] = response.context["adminform"].form.errors
    return found
