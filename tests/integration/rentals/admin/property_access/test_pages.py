"""Restricted people in the admin: no page tells of another property."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from pins.models import AccessGrant, Incident, Pin, PinReveal
from rentals.access import is_governed
from rentals.admin.scoped import ClosedToRestricted, Scoped
from rentals.models import (
    Booking,
    CalendarFeed,
    FeedItem,
    Lock,
    LockAccount,
    Property,
    PublishedCalendar,
)
from tests.support.pages import text
from tests.support.restricted import HIDDEN, Village, assert_nothing_hidden

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def url_of(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
def test_no_page_of_any_model_tells_of_another_property(model: type[Model], client: Client, village: Village) -> None:
    assert_nothing_hidden(client, url_of(model, "changelist"))
    for words in ("e", "a", "Nowak", "Zy", "door", "#", "flat"):
        assert_nothing_hidden(client, url_of(model, "changelist"), {"q": words})
    for choice in _filter_choices(client, model):
        assert_nothing_hidden(client, url_of(model, "changelist") + choice)
    assert_nothing_hidden(client, url_of(model, "add"))
    for one in model._base_manager.all():
        for page in ("change", "delete", "history"):
            assert_nothing_hidden(client, url_of(model, page, one.pk))
        assert_nothing_hidden(client, url_of(model, "change", one.pk), {"name": "x"}, posted=True)
    for action in [*_actions(client, model), "delete_selected"]:
        chosen = {"action": action, "_selected_action": [one.pk for one in model._base_manager.all()]}
        assert_nothing_hidden(client, url_of(model, "changelist"), chosen, posted=True)


def _filter_choices(client: Client, model: type[Model]) -> set[str]:
    """Every link that the list's filters offer, and those with the ids of what is hidden."""
    page = client.get(url_of(model, "changelist"), {"all": ""} if model is Incident else {})
    changelist = page.context.get("cl") if page.status_code == 200 and page.context else None
    found: set[str] = set()
    for spec in changelist.filter_specs if changelist else ():
        found |= {choice["query_string"] for choice in spec.choices(changelist)}
        found |= {f"?{name}={pk}" for name in spec.expected_parameters() for pk in (1, 2, 3)}
    return found


def _actions(client: Client, model: type[Model]) -> list[str]:
    page = client.get(url_of(model, "changelist"))
    form = page.context.get("action_form") if page.status_code == 200 and page.context else None
    return [name for name, _ in form.fields["action"].choices if name] if form else []


def test_the_walk_would_find_a_leak(village: Village) -> None:
    """What is looked for does stand on these pages, for who may see it."""
    seer = Client()
    seer.force_login(User.objects.create_superuser("host"))
    with_hidden = [model for model in MODELS if HIDDEN in text(seer.get(url_of(model, "changelist")))]
    assert {Property, Booking, CalendarFeed, FeedItem, Lock, PublishedCalendar} <= set(with_hidden)
    assert {AccessGrant, Incident, Pin, PinReveal} <= set(with_hidden)
    for page in ("/", "/timeline/", f"/locks/{village.entrance.pk}/"):
        assert HIDDEN in text(seer.get(page))


def test_every_page_of_ours_is_scoped_and_every_row_governed() -> None:
    for model, page in admin.site._registry.items():
        if model._meta.app_label in ("rentals", "pins"):
            assert isinstance(page, Scoped), model
            assert is_governed(model), model
            assert list(type(page).__mro__).index(Scoped) < list(type(page).__mro__).index(admin.ModelAdmin)
    assert all(isinstance(admin.site._registry[model], ClosedToRestricted) for model in (User, Group))
    timetable = [page for model, page in admin.site._registry.items() if model._meta.app_label == "django_celery_beat"]
    assert timetable
    assert all(isinstance(page, ClosedToRestricted) for page in timetable)


def test_the_timetable_of_all_properties_is_not_for_who_sees_some(client: Client, village: Village) -> None:
    seer = Client()
    seer.force_login(User.objects.create_superuser("host"))
    for page in ("periodictask/", "periodictask/add/", "intervalschedule/"):
        assert client.get(f"/admin/django_celery_beat/{page}").status_code == 403
        assert seer.get(f"/admin/django_celery_beat/{page}").status_code == 200


def test_other_pages_choices_offer_the_own_ones_only(client: Client, village: Village) -> None:
    for app, model, field in (
        ("rentals", "booking", "property"),
        ("rentals", "calendarfeed", "property"),
        ("rentals", "publishedcalendar", "property"),
        ("rentals", "lock", "account"),
        ("rentals", "feeditem", "booking"),
        ("rentals", "feeditem", "feed"),
        ("rentals", "property", "locks"),
        ("pins", "pin", "lock"),
        ("pins", "pin", "grant"),
        ("pins", "pinreveal", "user"),
    ):
        asked = {"app_label": app, "model_name": model, "field_name": field, "term": ""}
        assert_nothing_hidden(client, "/admin/autocomplete/", asked)


def test_what_is_not_offered_is_refused(client: Client, village: Village) -> None:
    days = {"arrival_date": "2027-04-03", "arrival_time": "", "departure_date": "2027-04-05", "departure_time": ""}
    form = {"property": village.other.pk, "guest_name": "Marek", "status": "confirmed", "own_code": "", **days}
    assert_nothing_hidden(client, "/admin/rentals/booking/add/", form, posted=True)
    assert not Booking.objects.filter(guest_name="Marek").exists()
    mine = village.own.bookings.first()
    assert mine is not None
    assert_nothing_hidden(client, f"/admin/rentals/booking/{mine.pk}/change/", form, posted=True)
    mine.refresh_from_db()
    assert mine.property == village.own
    for model in (CalendarFeed, PublishedCalendar):
        sent = {"property": village.other.pk, "name": "Slipped in", "channel": "auto", "poll_minutes": 15}
        assert_nothing_hidden(client, url_of(model, "add"), {**sent, "longest_stay_nights": 30}, posted=True)
        assert not model._default_manager.filter(name="Slipped in").exists()
    page = client.get(f"/admin/rentals/property/{village.own.pk}/change/")
    form = page.context["adminform"].form
    hidden = Lock.objects.get(name=f"{HIDDEN} door")
    sent = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    sent["locks"] = [village.entrance.pk, hidden.pk]
    assert_nothing_hidden(client, f"/admin/rentals/property/{village.own.pk}/change/", sent, posted=True)
    assert hidden not in village.own.locks.all()


def test_what_belongs_to_the_property_stays_when_its_page_is_saved(client: Client, village: Village) -> None:
    page = client.get(f"/admin/rentals/property/{village.own.pk}/change/")
    form = page.context["adminform"].form
    sent = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    sent |= {"name": "Own flat, renamed", "locks": [one.pk for one in village.own.locks.all()]}
    client.post(f"/admin/rentals/property/{village.own.pk}/change/", sent)
    village.own.refresh_from_db()
    assert village.own.name == "Own flat, renamed"
    assert village.own.locks.count() == 2


def test_a_shared_lock_is_changed_and_stays_the_same_device(client: Client, village: Village) -> None:
    page = client.get(f"/admin/rentals/lock/{village.entrance.pk}/change/")
    assert not {"account", "device_id", "serial_number"} & set(page.context["adminform"].form.fields)
    assert "Own flat" in text(page)
    spare = LockAccount.objects.get(name="Spare")
    sent = {"name": "Front", "is_active": "on", "account": spare.pk, "pin_capacity": 100}
    device_id = village.entrance.device_id
    sent |= {"device_id": 4711, "serial_number": "4711"}
    client.post(f"/admin/rentals/lock/{village.entrance.pk}/change/", sent)
    village.entrance.refresh_from_db()
    assert (village.entrance.name, village.entrance.account.name) == ("Front", "Office")
    assert village.entrance.device_id == device_id


def test_a_search_by_the_name_of_a_property_tells_nothing_of_a_shared_lock(client: Client, village: Village) -> None:
    assert client.get("/admin/rentals/lock/", {"q": HIDDEN}).context["cl"].result_count == 0
    assert client.get("/admin/rentals/lock/", {"q": "Entr"}).context["cl"].result_count == 1


@pytest.mark.parametrize("page", ["property/add", "lock/add", "lockaccount/add", "lockaccount"])
def test_what_is_for_all_properties_is_made_by_others(client: Client, page: str) -> None:
    assert client.get(f"/admin/rentals/{page}/").status_code == 403


def test_what_somebody_did_before_is_not_told(client: Client, village: Village) -> None:
    user = User.objects.get(username="keeper")
    LogEntry.objects.log_actions(user.pk, [village.other], CHANGE, "Changed", single_object=True)
    assert_nothing_hidden(client, "/admin/")
    seer = Client()
    seer.force_login(User.objects.create_superuser("host"))
    assert "Recent actions" in text(seer.get("/admin/"))
