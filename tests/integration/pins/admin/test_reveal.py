"""Showing a code: by permission, once, written down, fixed from then on, and nowhere else."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.debug import ExceptionReporter
from limits import RateLimitItemPerMinute
from pytest_django import Settings

from pins.admin import reveal as page_of_reveal
from pins.core.pin_state import Op
from pins.desired import code_overrides, disclosure, grants
from pins.models import AccessGrant, Pin, PinAttempt, PinReveal
from rentals.inbound import rate_limits
from rentals.models import Booking
from rentals.models.tokens import new_token
from tests.support.house import House

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
LISTS = ["rentals_booking", "rentals_lock", "pins_accessgrant", "pins_pin", "pins_pinreveal", "pins_incident"]


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def host(client: Client) -> Client:
    """May look at bookings and be shown codes, no more."""
    client.force_login(person("Helena", "view_booking", "reveal_code", "view_pinreveal"))
    return client


def person(name: str, *codenames: str) -> User:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def ready_stay(house: House) -> Booking:
    booking = house.stay(house.flat(house.lock(), name="Old Town 3"), 2 * DAY, 5 * DAY)
    house.settle()
    return booking


def reveal_url(booking: Booking) -> str:
    return f"/admin/rentals/booking/{booking.pk}/reveal/"


def page(booking: Booking) -> str:
    return f"/admin/rentals/booking/{booking.pk}/change/"


def text(response: Any) -> str:
    return str(response.content.decode())


def code_of(booking: Booking) -> str:
    return AccessGrant.objects.get(booking=booking).code


def shows(response: Any, code: str) -> bool:
    return code in text(response) or " ".join(code) in text(response)


# -- the page -----------------------------------------------------------------------------------------------------


def test_whoever_may_is_shown_the_code_once_with_a_message_for_the_guest(host: Client, house: House) -> None:
    booking = ready_stay(house)
    assert "Guest not told yet" in text(host.get(page(booking)))
    response = host.post(reveal_url(booking), REMOTE_ADDR="203.0.113.7")
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    shown, code = text(response), code_of(booking)
    assert code in shown
    assert (
        f"Your door code for Old Town 3 is {' '.join(code)}. It works from Wed 3 Mar 2027, 10:00 CET to "
        "Mon 8 Mar 2027, 10:00 CET. Enter it on the keypad"
    ) in shown
    assert "Shown to Helena on Mon 1 Mar 2027, 10:00 CET" in shown

    look = PinReveal.objects.get()
    assert (look.user_name, look.at, look.remote_address) == ("Helena", NOW, "203.0.113.7")
    assert AccessGrant.objects.get().disclosed_at == NOW
    again = host.get(page(booking))
    assert not shows(again, code)
    assert "Shown to Helena on Mon 1 Mar 2027" in text(again)
    assert "Guest not told yet" not in text(again)


def test_each_look_is_written_down_and_the_first_one_counts(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    booking = ready_stay(house)
    host.post(reveal_url(booking))
    clock.shift(timedelta(hours=1))
    response = host.post(reveal_url(booking))
    assert shows(response, code_of(booking))
    assert "Shown 2 times" in text(response)
    assert AccessGrant.objects.get().disclosed_at == NOW
    assert PinReveal.objects.count() == 2


def test_the_right_to_change_bookings_is_not_the_right_to_see_codes(client: Client, house: House) -> None:
    booking = ready_stay(house)
    client.force_login(person("Ola", "view_booking", "change_booking", "delete_booking", "view_accessgrant"))
    response = client.post(reveal_url(booking))
    assert response.status_code == 403
    assert not shows(response, code_of(booking))
    assert "Show the code" not in text(client.get(page(booking)))
    assert not PinReveal.objects.exists()
    assert AccessGrant.objects.get().disclosed_at is None


def test_seeing_codes_needs_the_right_to_see_the_booking_too(client: Client, house: House) -> None:
    booking = ready_stay(house)
    client.force_login(person("Piotr", "reveal_code"))
    assert client.post(reveal_url(booking)).status_code == 403
    assert not PinReveal.objects.exists()


def test_it_takes_a_post_with_the_token_and_a_login(house: House) -> None:
    booking = ready_stay(house)
    strict = Client(enforce_csrf_checks=True)
    assert strict.get(reveal_url(booking)).status_code == 302  # to the login page
    strict.force_login(User.objects.create_superuser("root"))
    assert strict.get(reveal_url(booking)).status_code == 405
    assert strict.post(reveal_url(booking)).status_code == 403
    assert strict.get("/admin/rentals/booking/999999/reveal/").status_code == 405
    assert not PinReveal.objects.exists()


def test_a_superuser_may(client: Client, house: House) -> None:
    booking = ready_stay(house)
    client.force_login(User.objects.create_superuser("root"))
    assert "Show the code" in text(client.get(page(booking)))
    assert shows(client.post(reveal_url(booking)), code_of(booking))
    assert client.post("/admin/rentals/booking/999999/reveal/").status_code == 404


def test_the_page_names_the_locks_that_are_not_ready(host: Client, house: House) -> None:
    front, attic = house.lock("Front"), house.lock("Attic")
    house.cloud.set_connected(attic.device_id, False)
    booking = house.stay(house.flat(front, attic), 2 * DAY, 5 * DAY)
    house.settle()
    response = host.post(reveal_url(booking))
    assert response.status_code == 200
    assert "Not ready on Attic yet." in text(response)


def test_twenty_looks_in_ten_minutes_are_enough(
    host: Client, house: House, redis_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (page_of_reveal.REVEALS.amount, page_of_reveal.REVEALS.get_expiry()) == (20, 600)
    settings.REDIS_URL = redis_url
    monkeypatch.setattr(page_of_reveal, "REVEALS", RateLimitItemPerMinute(2, 10, namespace=new_token()))
    rate_limits._resting.clear()
    booking = ready_stay(house)
    assert [host.post(reveal_url(booking)).status_code for _ in range(3)] == [200, 200, 429]
    refused = host.post(reveal_url(booking))
    assert not shows(refused, code_of(booking))
    assert "You looked at many codes" in text(refused)
    assert int(refused["Retry-After"]) > 0
    assert "no-store" in refused["Cache-Control"]
    assert PinReveal.objects.count() == 2
    other = Client()
    other.force_login(User.objects.create_superuser("root"))
    assert other.post(reveal_url(booking)).status_code == 200


# -- when it is refused ---------------------------------------------------------------------------------------------


def refused(host: Client, booking: Booking, why: str) -> None:
    told_before = AccessGrant.objects.filter(booking=booking).values_list("disclosed_at", flat=True).first()
    response = host.post(reveal_url(booking))
    assert response.status_code == 409
    assert why in text(response)
    assert "no-store" in response["Cache-Control"]
    assert not PinReveal.objects.exists()
    for grant in AccessGrant.objects.filter(booking=booking):
        assert not shows(response, grant.code)
        assert grant.disclosed_at == told_before


def test_refused_before_there_is_a_code(host: Client, house: House) -> None:
    refused(host, house.stay(house.flat(house.lock()), 90 * DAY, DAY), "has no code yet")


def test_refused_without_a_lock(host: Client, house: House) -> None:
    refused(host, house.stay(house.flat(), 2 * DAY, DAY), "No lock has this code")


def test_refused_after_revocation(host: Client, house: House) -> None:
    booking = ready_stay(house)
    code_overrides.revoke(AccessGrant.objects.get().pk, NOW)
    refused(host, booking, "was revoked")
    assert "Show the code" not in text(host.get(page(booking)))


def test_refused_after_cancellation(host: Client, house: House) -> None:
    booking = ready_stay(house)
    booking.status = Booking.Status.CANCELLED
    booking.save()
    refused(host, booking, "asks for no code")


def test_refused_after_the_end(host: Client, house: House, clock: time_machine.Traveller) -> None:
    booking = ready_stay(house)
    clock.move_to(NOW + 7 * DAY)
    refused(host, booking, "stay is over")


def test_refused_while_a_lock_has_another_value(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock("Front"), house.lock("Attic")), 2 * DAY, 5 * DAY)
    house.settle()
    grants.rotate(AccessGrant.objects.get().pk, NOW)
    refused(host, booking, "being exchanged")
    front = Pin.objects.get(lock__name="Front")
    house.run(front.lock)
    refused(host, booking, "being exchanged")
    house.settle()
    assert shows(host.post(reveal_url(booking)), code_of(booking))


def test_refused_while_the_old_value_is_in_flight(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 2 * DAY, 5 * DAY)
    pin = Pin.objects.get()
    token = PinAttempt.objects.create(pin=pin, op="post", rev=pin.desired_rev).token
    sent = {"op": Op.POST, "op_rev": pin.desired_rev, "op_token": token, "op_code": code_of(booking)}
    Pin.objects.update(**sent)
    grants.rotate(AccessGrant.objects.get().pk, NOW)
    refused(host, booking, "being exchanged")


def test_refused_while_a_lost_request_may_still_bring_the_old_value(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 2 * DAY, 5 * DAY)
    old = {"late_until": NOW + timedelta(minutes=5), "late_rev": 1, "late_count": 1, "late_kinds": "post"}
    pin = Pin.objects.get()
    for name, value in {**old, "late_codes": code_of(booking)}.items():
        setattr(pin, name, value)
    pin.save()
    grants.rotate(AccessGrant.objects.get().pk, NOW)
    refused(host, booking, "being exchanged")


def test_refused_between_the_locks_refusal_and_the_next_value(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 2 * DAY, 5 * DAY)
    pin = Pin.objects.get()
    pin.exists, pin.tried_rev = True, pin.desired_rev
    pin.save()
    refused(host, booking, "being exchanged")


def test_a_lock_whose_content_must_be_read_again_counts_by_what_it_may_hold(host: Client, house: House) -> None:
    booking = ready_stay(house)
    unknown: dict[str, Any] = {"applied_known": False, "applied_code": ""}
    grants.rotate(AccessGrant.objects.get().pk, NOW)
    Pin.objects.update(**unknown)
    refused(host, booking, "being exchanged")
    house.settle()
    Pin.objects.update(**unknown)
    assert shows(host.post(reveal_url(booking)), code_of(booking))


# -- what follows from it ---------------------------------------------------------------------------------------------


def test_after_a_look_the_code_is_not_exchanged_silently(host: Client, house: House) -> None:
    booking = ready_stay(house)
    host.post(reveal_url(booking))
    grant, code = AccessGrant.objects.get(), code_of(booking)
    assert grants.rotate(grant.pk, NOW) == set()
    with pytest.raises(code_overrides.CodeAlreadyToldError):
        code_overrides.renew_code(grant.pk, NOW)
    assert code_of(booking) == code


def test_a_code_that_replaces_a_revoked_one_waits_for_disclosure(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    booking = ready_stay(house)
    host.post(reveal_url(booking))
    clock.shift(timedelta(minutes=5))
    code_overrides.revoke(AccessGrant.objects.get().pk, NOW + timedelta(minutes=5))
    house.settle()
    code_overrides.renew_code(AccessGrant.objects.get().pk, NOW + timedelta(minutes=5))
    house.settle()
    assert "Guest not told yet" in text(host.get(page(booking)))
    response = host.post(reveal_url(booking))
    assert "Shown 2 times" not in text(response)
    assert PinReveal.objects.count() == 2


def test_a_code_that_had_to_change_after_it_was_told_must_be_told_again(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    booking = ready_stay(house)
    host.post(reveal_url(booking))
    clock.shift(DAY)
    grants.rotate(AccessGrant.objects.get().pk, NOW + DAY, forced=True)
    house.settle()
    assert "Guest not told the new code yet" in text(host.get(page(booking)))
    clock.shift(timedelta(minutes=1))
    response = host.post(reveal_url(booking))
    assert shows(response, code_of(booking))
    assert "Shown to Helena on Tue 2 Mar 2027, 10:01 CET" in text(response)
    assert "Shown 2 times" not in text(response)
    assert AccessGrant.objects.get().disclosed_at == NOW


def test_a_code_of_the_hosts_own_is_known(host: Client, house: House) -> None:
    booking = ready_stay(house)
    code_overrides.set_code(AccessGrant.objects.get().pk, "480261", NOW)
    house.settle()
    assert "Chosen by a person on Mon 1 Mar 2027, 10:00 CET" in text(host.get(page(booking)))


def test_the_list_finds_ready_codes_that_nobody_was_told(host: Client, house: House) -> None:
    untold, told = ready_stay(house), ready_stay(house)
    unready = house.stay(house.flat(house.lock()), 2 * DAY, DAY)
    planned = house.stay(untold.property, 90 * DAY, DAY)
    host.post(reveal_url(told))

    def found() -> set[Booking]:
        return set(host.get("/admin/rentals/booking/?told=no").context["cl"].result_list)

    assert found() == {untold}
    house.settle()
    assert found() == {untold, unready}
    code_overrides.revoke(AccessGrant.objects.get(booking=unready).pk, NOW)
    assert found() == {untold}
    assert planned not in found()


def test_the_list_of_looks_is_for_looking_only(host: Client, house: House) -> None:
    booking = ready_stay(house)
    host.post(reveal_url(booking), REMOTE_ADDR="203.0.113.7")
    shown = text(host.get("/admin/pins/pinreveal/"))
    assert all(word in shown for word in ("Helena", "203.0.113.7", "Anna Nowak", "Mon 1 Mar 2027, 10:00 CET"))
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    look = PinReveal.objects.get()
    assert root.get("/admin/pins/pinreveal/add/").status_code == 403
    assert root.post(f"/admin/pins/pinreveal/{look.pk}/delete/", {"post": "yes"}).status_code == 403
    assert root.post(f"/admin/pins/pinreveal/{look.pk}/change/", {"user_name": "x"}).status_code == 403
    assert "Helena" in text(root.get(f"/admin/pins/pinreveal/{look.pk}/change/"))
    User.objects.filter(username="Helena").delete()
    look.refresh_from_db()
    assert (look.user_id, look.user_name) == (None, "Helena")
    booking.delete()
    assert "deleted booking" in text(root.get("/admin/pins/pinreveal/"))


# -- secrecy ----------------------------------------------------------------------------------------------------------


def test_the_code_is_in_no_log_list_session_or_history(
    host: Client, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    booking = ready_stay(house)
    response = host.post(reveal_url(booking))
    code = code_of(booking)
    assert shows(response, code)
    assert code not in str(response.headers)
    looked_at = Client()
    looked_at.force_login(User.objects.create_superuser("root"))
    for browser in (looked_at, host):
        for name in LISTS:
            answer = browser.get(reverse(f"admin:{name}_changelist"))
            assert answer.status_code == (200 if browser is looked_at else answer.status_code)
            assert not shows(answer, code)
        assert code not in str(dict(browser.session))
    assert not shows(looked_at.get(f"/admin/rentals/booking/{booking.pk}/history/"), code)
    assert all(code not in str(vars(entry)) for entry in LogEntry.objects.all())
    for record in caplog.records:
        assert code not in str(vars(record))
        assert " ".join(code) not in record.getMessage()


@pytest.mark.parametrize("place", ["guest_message", "render_to_string"])
def test_a_fault_while_the_page_is_made_does_not_tell_the_code(
    house: House, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """What Django would mail to the operators: every frame with its variables."""
    booking = ready_stay(house)

    def broken(*args: object) -> str:
        raise RuntimeError("broken")

    monkeypatch.setattr(page_of_reveal, place, broken)
    root = Client(raise_request_exception=True)
    root.force_login(User.objects.create_superuser("root"))
    with pytest.raises(RuntimeError) as caught:
        root.post(reveal_url(booking))
    kind, error, trace = cast(Any, caught._excinfo or sys.exc_info())
    request = RequestFactory().post(reveal_url(booking))
    reporter = ExceptionReporter(request, kind, error, trace.tb_next.tb_next)
    frames = [frame for frame in reporter.get_traceback_frames() if "/pins/" in frame["filename"]]
    assert frames
    code = code_of(booking)
    for frame in frames:
        assert code not in str(frame["vars"])
        assert " ".join(code) not in str(frame["vars"])
    assert AccessGrant.objects.get().disclosed_at == NOW  # it may have been read: the careful side


def test_what_is_shown_is_not_in_its_repr() -> None:
    assert "482913" not in repr(page_of_reveal.Revealed("482913", "Your code is 482913", ()))


# -- at the same time as an exchange ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_look_waits_for_an_exchange_under_way_and_tells_the_new_value() -> None:
    house = House()
    booking = house.stay(house.flat(house.lock()), 2 * DAY, 5 * DAY)
    grant, user = AccessGrant.objects.get(), User.objects.create_superuser("root")
    before, written, has_seen = grant.code, threading.Event(), threading.Event()

    def exchange() -> None:
        try:
            with transaction.atomic():
                grants.rotate(grant.pk, NOW)
                written.set()
                has_seen.wait(0.5)  # whoever waits for our commit, as it should, never tells
        finally:
            connection.close()

    def look() -> str:
        assert written.wait(30)
        try:
            return disclosure.reveal(grant.pk, NOW, user=user, address="")
        finally:
            has_seen.set()
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        exchanging, looking = pool.submit(exchange), pool.submit(look)
        shown = looking.result(timeout=60)
        exchanging.result(timeout=60)
    assert shown == code_of(booking) != before
    assert PinReveal.objects.get().remote_address is None


@pytest.mark.django_db(transaction=True)
def test_looks_and_exchanges_at_once_never_tell_a_value_that_is_gone() -> None:
    house = House()
    flat = house.flat(house.lock())
    user = User.objects.create_superuser("root")
    for n in range(8):
        booking = house.stay(flat, (2 + n) * DAY, DAY)
        grant = AccessGrant.objects.get(booking=booking)
        barrier = threading.Barrier(4)

        def exchange(grant_id: int = grant.pk, barrier: threading.Barrier = barrier) -> None:
            barrier.wait(30)
            try:
                grants.rotate(grant_id, NOW)
            finally:
                connection.close()

        def look(grant_id: int = grant.pk, barrier: threading.Barrier = barrier) -> str:
            barrier.wait(30)
            try:
                return disclosure.reveal(grant_id, NOW, user=user, address="127.0.0.1")
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            exchanges = [pool.submit(exchange) for _ in range(2)]
            looks = [pool.submit(look) for _ in range(2)]
            assert {shown.result(timeout=60) for shown in looks} == {code_of(booking)}
            for done in exchanges:
                done.result(timeout=60)
        grant.refresh_from_db()
        assert grant.disclosed_at == NOW
        assert PinReveal.objects.filter(grant=grant).count() == 2


def test_a_look_must_not_be_part_of_a_larger_transaction(transactional_db: None) -> None:
    house = House()
    house.stay(house.flat(house.lock()), 2 * DAY, 5 * DAY)
    user = User.objects.create_superuser("root")
    with pytest.raises(RuntimeError), transaction.atomic():
        disclosure.reveal(AccessGrant.objects.get().pk, NOW, user=user, address="")
    assert not PinReveal.objects.exists()
