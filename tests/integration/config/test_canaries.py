"""Secrets and guests' data after a day with everything in it: none of them is in any output.

The same for real processes, their logs, Redis and the raw database: `tests/chaos/test_secrets.py`.
"""

from __future__ import annotations

import io
import logging
from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from pytest_django import Settings

from config.logging import JsonFormatter, LineFormatter
from pins.models import AccessGrant, Incident
from pins.stack.checkup.locks import locks
from rentals.models import CalendarFeed, PublishedCalendar
from tests.chaos.traces import find
from tests.support import calendars
from tests.support.house import KEY, House
from tests.support.notifications import hook, letters, tell
from tests.support.polling import polled
from tests.support.pushes import send
from tests.support.scripted_server import Server, answer
from tests.support.tables import LOCKS, PROPERTIES, export

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FEED_USER, FEED_PATH = "canary-of-the-feed-user", "canary-of-the-feed-path"
PHONE = "600123987"
#: What stands on the page of what it belongs to, for who may change it: addresses to hand on to a channel, and the
#: guest's telephone.
COPIED_THERE = (
    "phone in parts in admin:rentals_booking change ",
    "event token in admin:rentals_lockaccount change ",
    "published token in admin:rentals_publishedcalendar change ",
)
LOCAL = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"}


@pytest.fixture
def day(
    house: House, clock: time_machine.Traveller, settings: Settings, caplog: pytest.LogCaptureFixture
) -> SimpleNamespace:
    """Stays, codes, a calendar that comes and breaks, incidents, messages to people and machines, refused requests."""
    caplog.set_level(logging.DEBUG)
    settings.EMAIL_HOST, settings.FEEDS_ALLOW_PRIVATE_HOSTS = "mail.example", True
    flat = house.flat(house.lock(), house.lock("Side door"))
    house.stay(flat, HOUR, DAY)
    published = PublishedCalendar.objects.create(property=flat, name="Cleaners", shows_guest_names=True)
    first = (timezone.now() + 3 * DAY).date()
    told = rf"Guest: Carla Rossi\nPhone: +48 {PHONE[:3]} {PHONE[3:6]} {PHONE[6:]}\nPhone Number: {PHONE}"
    event = calendars.event("a@example.com", first, first + DAY, "Carla Rossi", DESCRIPTION=told)
    good = answer(200, raw=calendars.calendar(event))
    with Server([good, answer(500, raw=b"broken"), answer(401)]) as channel:
        url = f"http://{FEED_USER}:pw@127.0.0.1:{channel.port}/{FEED_PATH}.ics?key={FEED_PATH}-key"
        feed = CalendarFeed.objects.create(property=flat, name="Airbnb", url=url)
        for _ in range(3):
            polled(feed)
            clock.shift(HOUR)
    polled(feed)  # nobody is there
    pushed = CalendarFeed.objects.create(property=flat, name="Pushed")
    assert send(pushed, calendars.calendar(event.replace("a@", "b@"))).status_code == 202
    send(pushed, b"no calendar: " + PHONE.encode())
    house.settle()
    for about in (house.account, feed, flat.locks.first()):
        for kind in (Incident.Kind.DEAD_KEY, Incident.Kind.NO_ROOM):
            Incident.open(kind, timezone.now(), about=about)
    with Server([answer(500, raw=b"canary-of-the-answer")] * 40) as robot:
        channel_ = hook(robot)
        letters()
        tell()
    clock.shift(HOUR)
    tell()  # nobody is there
    Client().get(f"/webhooks/ical/{pushed.token}x/")
    Client().post(f"/webhooks/tedee/{house.account.webhook_token}/", b"{", content_type="application/json")
    codes = {f"code {number}": one.code for number, one in enumerate(AccessGrant.objects.all()) if one.code}
    assert len(codes) >= 2
    assert mail.outbox
    assert robot.requests
    return SimpleNamespace(
        published=published,
        messages=b"\n".join(bytes(one.body) for one in robot.requests)
        + repr([one.body for one in mail.outbox]).encode(),
        canaries={
            **codes,
            "key": KEY,
            "feed user": FEED_USER,
            "feed path": FEED_PATH,
            "push token": pushed.token,
            "event token": house.account.webhook_token,
            "published token": published.token,
            "message path": channel_.target.rpartition("/")[2],
            "signing secret": channel_.signing_secret,
            "its answer": "canary-of-the-answer",
            "phone": PHONE,
            "phone in parts": f"{PHONE[:3]} {PHONE[3:6]} {PHONE[6:]}",
        },
    )


def logged(caplog: pytest.LogCaptureFixture) -> dict[str, bytes]:
    formatters = {"log lines": LineFormatter("%(message)s"), "log in JSON": JsonFormatter()}
    records = caplog.get_records("setup") + caplog.get_records("call")
    assert len(records) > 12
    return {
        name: "\n".join(formatter.format(one) for one in records).encode() for name, formatter in formatters.items()
    }


def pages(client: Client) -> dict[str, bytes]:
    """Every list and every row of the admin, and the console."""
    found = {name: client.get(name).content for name in ("/", "/timeline/", "/admin/")}
    for app, rows, kind in (("rentals", "booking", "stays"), ("rentals", "lock", "locks")):
        for one in apps.get_model(app, rows)._default_manager.all():
            found[f"/{kind}/{one.pk}/"] = client.get(f"/{kind}/{one.pk}/").content
    for model in admin.site._registry:
        where = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found[where] = client.get(reverse(f"{where}_changelist")).content
        for one in model._base_manager.all()[:6] if model._meta.app_label in ("rentals", "pins", "admin") else ():
            for page in ("change", "history", "delete"):
                try:
                    found[f"{where} {page} {one.pk}"] = client.get(reverse(f"{where}_{page}", args=[one.pk])).content
                except NoReverseMatch:
                    continue
    return found


def test_canaries_are_in_no_output(day: SimpleNamespace, caplog: pytest.LogCaptureFixture) -> None:
    dump = io.StringIO()
    call_command("dumpdata", stdout=dump, exclude=["sessions"])
    anybody = Client()
    host = Client()
    host.force_login(User.objects.create_superuser("host"))
    places = {
        **logged(caplog),
        "dump": dump.getvalue().encode(),
        "metrics": anybody.get("/metrics", **LOCAL).content,  # type: ignore[arg-type]
        "readyz": anybody.get("/readyz", **LOCAL).content,  # type: ignore[arg-type]
        "doctor": repr(list(locks())).encode(),
        "messages": day.messages,
        "published calendar": anybody.get(f"/calendars/{day.published.token}.ics").content,
        **{f"{where} {form}": export(host, where, form) for where in (PROPERTIES, LOCKS) for form in ("csv", "json")},
    }
    assert b"turnkey" in places["metrics"]
    assert b"BEGIN:VEVENT" in places["published calendar"]
    assert b"Carla Rossi" in places["published calendar"]
    assert find({"name": "Carla Rossi"}, {"dump": places["dump"]})  # a search sees what is there
    contacts = {"phone in dump in clear", "phone in parts in dump in clear"}  # as a guest's name: the stay holds it
    assert set(find(day.canaries, places)) <= contacts
    shown = find(day.canaries, pages(host))
    assert [one for one in shown if not one.startswith(COPIED_THERE)] == []
    assert len(shown) >= 3  # the search of pages sees what is there, too
