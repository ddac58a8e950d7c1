"""A house whose locks' activity is read, and what is said of its guests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils import timezone

from pins.models import AccessGrant
from pins.reconcile import activity
from pins.status import arrivals
from rentals.models import Booking, Lock
from tests.support.house import House


def tick(house: House) -> int:
    return activity.read_due(timezone.now(), house.client)


def asked(house: House) -> int:
    """How many requests for activity reached the cloud."""
    return sum(one.path.endswith("/deviceactivity") for one in house.cloud.journal.requests)


def code(stay: Booking) -> str:
    return AccessGrant.objects.get(booking=stay).code


def enter(house: House, door: Lock, digits: str) -> int:
    return house.cloud.enter(door.device_id, digits)


def said(stay: Booking) -> list[str]:
    return arrivals.flags(Booking.objects.select_related("property").get(pk=stay.pk), timezone.now())


def set_cloud(house: House, **settings: Any) -> None:
    house.cloud.settings = replace(house.cloud.settings, **settings)
