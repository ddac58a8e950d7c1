"""A stay with a guest's page, for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from pins.guests import collecting, links, sending
from pins.models import GuestGuide
from pins.notify import collecting as news
from pins.notify.tries import SendResult
from rentals.models import Booking, Property
from tests.support.house import House

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def guide_of(flat: Property, **fields: Any) -> GuestGuide:
    return GuestGuide.objects.create(property=flat, **fields)


def stay_of(house: House, flat: Property, begins: timedelta, **fields: Any) -> Booking:
    """A stay of three days, with the guest's address."""
    stay = house.stay(flat, begins, 3 * DAY)
    Booking.objects.filter(pk=stay.pk).update(**{"guest_email": "anna@example.com", **fields})
    stay.refresh_from_db()
    return stay


def path_of(stay: Booking, name: str = "guest-page", **more: Any) -> str:
    return reverse(name, kwargs={"token": links.page_of(stay.pk).token, **more})


def page_text(client: Client, stay: Booking, language: str = "en") -> str:
    return client.get(f"{path_of(stay)}?lang={language}").content.decode()


def shown_code(client: Client, stay: Booking) -> str:
    """What the page shows after the button was pressed; empty where it shows no code."""
    text = client.post(path_of(stay, "guest-code")).content.decode()
    digits = text.partition('<p class="digits">')[2].partition("</p>")[0]
    return "".join(sign for sign in digits if sign.isdigit())


def tick() -> list[SendResult]:
    """What beat and a worker would do: notice, and send what is due."""
    news.collect(timezone.now())
    collecting.collect(timezone.now())
    return [sending.send(one) for one in sending.due(timezone.now(), 100)]
