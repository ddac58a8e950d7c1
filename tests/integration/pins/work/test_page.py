"""The own page of somebody who works in the flats."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from config.logging import redact
from pins.models import FlatReady, PinReveal, StaffAccess
from pins.work import views
from rentals.models import Property
from tests.support.house import House
from tests.support.pages import content, text
from tests.support.staff import grants_of, works

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def access(house: House, flat: Property) -> StaffAccess:
    """A cleaner of a flat whose guest leaves in two hours; the next one comes four hours later."""
    house.stay(flat, -DAY, DAY + 2 * HOUR, "Anna Nowak")
    house.stay(flat, 6 * HOUR, DAY, "Jan Kowalski")
    access = works(flat, mode="turnover")
    house.settle()
    return access


@pytest.fixture
def link(host: Client, access: StaffAccess) -> str:
    shown = text(host.post(f"/admin/pins/staffaccess/{access.pk}/new-link/"))
    found = re.search(r"http://testserver(/work/[\w-]+/)", shown)
    assert found is not None
    return found[1]


def test_the_page_says_where_and_when_and_hides_the_code(link: str, access: StaffAccess) -> None:
    visitor = Client(enforce_csrf_checks=True)
    answer = visitor.get(link)
    shown = text(answer)
    assert "from 12:00 CET until 16:00 CET" in shown
    assert "Between stays, Flat" in shown
    assert "Ready" in shown
    assert access.code not in shown
    assert "Anna" not in shown
    assert "Kowalski" not in shown.replace("Maria Kowalska", "")
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "noindex" in answer["X-Robots-Tag"]
    assert not PinReveal.objects.exists()
    assert visitor.head(link).status_code == 200
    assert visitor.get(f"{link}code/").status_code == 405


def test_a_press_shows_the_code_and_is_written_down(link: str, access: StaffAccess) -> None:
    visitor = Client(enforce_csrf_checks=True)
    assert access.code in text(visitor.post(f"{link}code/", REMOTE_ADDR="192.0.2.9"))
    reveal = PinReveal.objects.get()
    assert (reveal.user_name, reveal.remote_address) == ("Maria Kowalska, own page", "192.0.2.9")
    assert grants_of(access)[0].disclosed_at == START
    for _ in range(views.SHOWS.amount):
        answer = visitor.post(f"{link}code/")
    assert answer.status_code == 429
    assert access.code not in content(answer)


def test_a_code_that_no_lock_has_yet_is_not_shown(house: House, host: Client, link: str, access: StaffAccess) -> None:
    former = access.code
    host.post(f"/admin/pins/staffaccess/{access.pk}/new-code/")
    access.refresh_from_db()
    assert access.code != former
    visitor = Client(enforce_csrf_checks=True)
    shown = text(visitor.post(f"{link}code/"))
    assert access.code not in shown
    assert "Look again in a few minutes" in shown
    house.settle()
    assert access.code in text(visitor.post(f"{link}code/"))


def test_a_link_ends(host: Client, link: str, access: StaffAccess) -> None:
    access.refresh_from_db()
    assert access.link_digest
    assert access.link_digest not in link
    again = text(host.post(f"/admin/pins/staffaccess/{access.pk}/new-link/"))
    assert link not in again
    assert Client().get(link).status_code == 404
    host.post(f"/admin/pins/staffaccess/{access.pk}/end-link/")
    newer = re.search(r"/work/[\w-]+/", again)
    assert newer is not None
    assert Client().get(newer[0]).status_code == 404
    assert Client().post(f"{newer[0]}code/").status_code == 404
    for _ in range(40):
        answer = Client().get("/work/nobody/")
    assert answer.status_code == 429


def test_who_is_switched_off_sees_nothing(link: str, access: StaffAccess) -> None:
    access.is_active = False
    access.save()
    assert Client().get(link).status_code == 404


def test_done_marks_the_flat_ready_for_the_next_guest(
    host: Client, link: str, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    other = house.flat(house.lock(), name="Other")
    visitor = Client()
    assert "Done" not in text(visitor.get(link)), "the guest has not left"
    assert visitor.post(f"{link}done/{other.pk}/").status_code == 404
    clock.shift(3 * HOUR)
    assert "Done" in text(visitor.get(link))
    assert visitor.post(f"{link}done/{flat.pk}/").status_code == 302
    assert "ready since 13:00 CET" in text(visitor.get(link))
    assert FlatReady.objects.get().said_by == "Maria Kowalska"
    assert "flat ready 13:00 CET" in text(host.get("/"))


def test_a_flat_that_was_ready_before_its_guest_left_is_not(
    host: Client, link: str, flat: Property, clock: time_machine.Traveller
) -> None:
    FlatReady.objects.create(property=flat, said_by="Maria", at=START)
    assert "flat ready" not in text(host.get("/"))
    clock.shift(3 * HOUR)
    assert "Done" in text(Client().get(link))


def test_no_log_shows_the_link(link: str) -> None:
    assert link.split("/")[2] not in redact(f'"GET {link}code/ HTTP/1.1" 200')


def test_it_speaks_the_language_of_the_browser(link: str, access: StaffAccess) -> None:
    visitor = Client(enforce_csrf_checks=True)
    polish = visitor.get(link, headers={"Accept-Language": "de, pl;q=0.8, en;q=0.5"})
    shown = text(polish)
    assert '<html lang="pl">' in content(polish)
    assert "Pokaż kod" in shown
    assert "wolne od 12:00 CET do 16:00 CET" in shown
    assert "Show the code" not in shown
    english = visitor.get(link, headers={"Accept-Language": "de"})
    assert "Show the code" in text(english)
    assert visitor.get("/work/wrong/", headers={"Accept-Language": "pl"}).status_code == 404
    coded = text(visitor.post(f"{link}code/", headers={"Accept-Language": "pl"}))
    assert "Zapisano, że kod był oglądany." in coded
    assert access.code in coded
