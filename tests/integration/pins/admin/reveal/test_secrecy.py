"""A code that is shown appears nowhere else, and is the one that is on the locks."""

from __future__ import annotations

import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import ModuleType
from typing import Any, cast

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.debug import ExceptionReporter

from pins.admin import reveal as page_of_reveal
from pins.admin import shown_once
from pins.desired import disclosure, grants
from pins.models import AccessGrant, PinReveal
from tests.support.house import House
from tests.support.reveal_pages import NOW, code_of, ready_stay, reveal_url, shows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = timedelta(days=1)
LISTS = ["rentals_booking", "rentals_lock", "pins_accessgrant", "pins_pin", "pins_pinreveal", "pins_incident"]


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


@pytest.mark.parametrize(("module", "place"), [(page_of_reveal, "guest_message"), (shown_once, "render_to_string")])
def test_a_fault_while_the_page_is_made_does_not_leak_the_code(
    house: House, monkeypatch: pytest.MonkeyPatch, module: ModuleType, place: str
) -> None:
    """What Django would mail to the operators: every frame with its variables."""
    booking = ready_stay(house)

    def broken(*args: object) -> str:
        raise RuntimeError("broken")

    monkeypatch.setattr(module, place, broken)
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
    assert AccessGrant.objects.get().disclosed_at == NOW  # to be safe: somebody may have read it


def test_a_shown_code_is_in_no_repr() -> None:
    assert "482913" not in repr(page_of_reveal.Revealed("482913", "Your code is 482913", ()))


# -- at the same time as an exchange ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_disclosure_waits_for_a_rotation_under_way_and_returns_the_new_value() -> None:
    house = House()
    booking = house.stay(house.flat(house.lock()), 2 * DAY, 5 * DAY)
    grant, user = AccessGrant.objects.get(), User.objects.create_superuser("root")
    before, written, has_seen = grant.code, threading.Event(), threading.Event()

    def exchange() -> None:
        try:
            with transaction.atomic():
                grants.rotate(grant.pk, NOW)
                written.set()
                has_seen.wait(0.5)  # a disclosure that waits for our commit, as it should, cannot set this
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
def test_disclosures_and_rotations_at_once_never_return_a_value_that_is_gone() -> None:
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
