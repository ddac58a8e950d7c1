"""Who is restricted, and how that is edited."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, Group, User
from django.test import Client

from pins.models import AccessGrant, Incident, Pin, PinAttempt
from rentals.access import EVERYTHING, NOTHING, Scope, is_governed, scope_of, visible
from rentals.models import (
    Booking,
    Lock,
    LockAccount,
    Property,
    PropertyAccess,
)
from tests.support.pages import text
from tests.support.restricted import Village, keeper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


# -- who is restricted -------------------------------------------------------------------------------------------------


def test_who_is_restricted_and_who_is_not(village: Village, django_assert_num_queries: Any) -> None:
    restricted = keeper(village.own)
    assert scope_of(restricted) == Scope(frozenset({village.own.pk}))
    with django_assert_num_queries(0):
        scope_of(restricted)
    assert scope_of(User.objects.create_user("free")) == EVERYTHING
    assert scope_of(AnonymousUser()) == NOTHING
    PropertyAccess.objects.all().delete()
    chief = User.objects.create_superuser("chief")
    PropertyAccess.objects.create(user=chief)
    with django_assert_num_queries(0):
        assert scope_of(chief) == EVERYTHING


def test_what_nobody_told_about_is_never_shown() -> None:
    with pytest.raises(LookupError):
        visible(User.objects.all(), EVERYTHING)


def test_what_is_visible_is_counted_once(village: Village) -> None:
    village.own.locks.add(*Lock.objects.all())
    everything = Scope(frozenset(Property.objects.values_list("pk", flat=True)))
    for model in (Lock, Pin, PinAttempt, Incident, Booking, AccessGrant, LockAccount):
        rows = visible(model._default_manager.all(), everything)
        assert rows.count() == len(set(rows.values_list("pk", flat=True)))


def test_a_deleted_property_or_person_takes_the_restriction_along(village: Village) -> None:
    user = keeper(Property.objects.create(name="Short-lived"))
    Property.objects.get(name="Short-lived").delete()
    assert scope_of(User.objects.get(pk=user.pk)) == NOTHING
    user.delete()
    assert not PropertyAccess.objects.exists()


# -- editing the restriction -------------------------------------------------------------------------------------------


def administrator() -> Client:
    user = User.objects.create_user("admin", is_staff=True)
    user.groups.add(Group.objects.get(name="administrator"))
    client = Client()
    client.force_login(user)
    return client


def person_form(page: Any, **changes: Any) -> dict[str, Any]:
    form = page.context["adminform"].form
    sent = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    sent = {name: value for name, value in sent.items() if value not in (None, False) and name != "password"}
    sent |= {"groups": [], "user_permissions": []}
    return {**sent, "property_access-INITIAL_FORMS": "0", **changes}


def test_the_restriction_is_edited_on_the_page_of_the_person(village: Village) -> None:
    client, user = administrator(), User.objects.create_user("cleaner", is_staff=True)
    url = f"/admin/auth/user/{user.pk}/change/"
    page = client.get(url)
    assert "restriction to some properties" in text(page).lower()
    new = {"property_access-TOTAL_FORMS": "1", "property_access-0-properties": [village.own.pk]}
    response = client.post(url, person_form(page, **new, **{"property_access-0-user": user.pk}))
    assert response.status_code == 302
    access = PropertyAccess.objects.get()
    assert (access.user, list(access.properties.all())) == (user, [village.own])
    lifted = {
        "property_access-TOTAL_FORMS": "1",
        "property_access-INITIAL_FORMS": "1",
        "property_access-0-id": access.pk,
        "property_access-0-user": user.pk,
        "property_access-0-properties": [village.own.pk],
        "property_access-0-DELETE": "on",
    }
    client.post(url, person_form(client.get(url), **lifted))
    assert scope_of(User.objects.get(pk=user.pk)) == EVERYTHING
    assert client.get("/admin/auth/user/add/").status_code == 200


def test_who_is_restricted_cannot_lift_it(client: Client, village: Village) -> None:
    user = User.objects.get(username="keeper")
    for page in ("/admin/auth/user/", f"/admin/auth/user/{user.pk}/change/", "/admin/auth/user/add/"):
        assert client.get(page).status_code == 403
    assert client.get(f"/admin/auth/user/{user.pk}/password/").status_code == 403
    assert client.get("/admin/auth/group/").status_code == 403
    assert client.post(f"/admin/auth/user/{user.pk}/change/", {"is_superuser": "on"}).status_code == 403
    assert scope_of(User.objects.get(pk=user.pk)).restricted


# -- completeness ------------------------------------------------------------------------------------------------------


def test_all_models_of_a_property_are_governed() -> None:
    """A new model must say what it belongs to before a page may show it."""
    shown = {model for model in admin.site._registry if model._meta.app_label in ("rentals", "pins")}
    inside = {model for app in ("rentals", "pins") for model in apps.get_app_config(app).get_models()}
    facts = {
        "WebhookReceipt",
        "PropertyAccess",
        "ValueClaim",
        "LockState",
        "AccountState",
        "AccountTokens",
        "RateBudget",
        "SparePool",
        "Heartbeat",
        "Tally",
        "ScanPosition",
        "BeatLease",
    }
    left_out = {model.__name__ for model in inside if not is_governed(model)}
    assert shown <= inside
    assert left_out == facts | {"InstallationKey", "IncidentNotice", "StayNotice"}
