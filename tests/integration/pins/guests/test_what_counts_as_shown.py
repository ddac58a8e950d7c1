"""A code is shown by a person in the admin, by the guest's page after a press, or in a message: it counts alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from pins.admin.booking_filters import waits_for_disclosure
from pins.desired import grants
from pins.models import AccessGrant, GuestGuide
from pins.status.disclosure import disclosure_badge, reveals_of_present_code
from rentals import disclosure
from rentals.models import Booking, Property
from tests.support.guests import DAY, page_text, shown_code, stay_of, tick
from tests.support.house import House
from tests.support.pages import content
from tests.support.reveal_pages import reveal_url

pytestmark = pytest.mark.django_db


def by_a_person(host: Client, stay: Booking) -> None:
    assert host.post(reveal_url(stay)).status_code == 200


def on_the_page(host: Client, stay: Booking) -> None:
    assert shown_code(Client(), stay)


def by_message(host: Client, stay: Booking) -> None:
    GuestGuide.objects.update(code_in_message=True)
    tick()


def link_alone(host: Client, stay: Booking) -> None:
    tick()
    assert page_text(Client(), stay)


def counts(host: Client, stay: Booking) -> set[str]:
    """By whom the code is taken for known. The last two would change it."""
    grant, now = AccessGrant.objects.get(booking=stay), timezone.now()
    badge = disclosure_badge(grant, reveals_of_present_code(grant), stay.property.zone, now)
    asked = {
        "calendars": disclosure.known_among([stay.pk]) == {stay.pk},
        "list of stays": not Booking.objects.filter(waits_for_disclosure(now)).exists(),
        "board": "not shown yet" not in content(host.get("/")),
        "page of the stay": badge is not None and badge.label.startswith("Shown to"),
        "list of disclosures": "Anna Nowak" in content(host.get("/admin/pins/pinreveal/")),
        "a lock's refusal": grants.rotate(grant.pk, now) == set(),
        "own codes": "knows the present code already" in own_code(host, stay),
    }
    return {name for name, knows in asked.items() if knows}


def own_code(host: Client, stay: Booking) -> str:
    form = host.get(f"/admin/rentals/booking/{stay.pk}/change/").context["adminform"].form
    typed = {name: form[name].value() or "" for name in form.fields}
    for name in ("check_in", "check_out"):
        value = typed.pop(name, None)
        if value:
            typed |= {f"{name}_0": f"{value:%Y-%m-%d}", f"{name}_1": f"{value:%H:%M}"}
    return content(host.post(f"/admin/rentals/booking/{stay.pk}/change/", {**typed, "own_code": "739164"}))


@pytest.fixture
def stay(house: House, flat: Property, guide: GuestGuide) -> Booking:
    stay = stay_of(house, flat, DAY / 2)
    house.settle()
    return stay


@pytest.mark.parametrize("show", [by_a_person, on_the_page, by_message])
def test_a_code_that_was_shown_counts_everywhere(
    show: Callable[[Client, Booking], None], stay: Booking, host: Client
) -> None:
    show(host, stay)
    assert counts(host, stay) == {
        "calendars",
        "list of stays",
        "board",
        "page of the stay",
        "own codes",
        "list of disclosures",
        "a lock's refusal",
    }


def test_the_link_alone_counts_nowhere(stay: Booking, host: Client) -> None:
    link_alone(host, stay)
    assert counts(host, stay) == set()
