"""Relations of hidden objects: no look-up of a list tells of them, and no request for a search fails."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from tests.support.restricted import Village

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def lists() -> list[Any]:
    return [model for model in admin.site._registry if model._meta.app_label in ("rentals", "pins", "auth", "admin")]


def url_of(model: Any) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def relations(model: Any) -> list[str]:
    """What rows name a row of this model, or are named by many of them."""
    return [
        field.name
        for field in model._meta.get_fields()
        if field.is_relation and (field.auto_created or field.many_to_many) and field.name != "groups"  # offered
    ]


@pytest.mark.parametrize("model", lists(), ids=lambda model: model.__name__)
def test_no_list_is_filtered_by_what_names_its_rows(model: Any, client: Client, village: Village) -> None:
    for name in relations(model):
        for look_up in (f"{name}__id__exact", f"{name}__exact", name, f"{name}__id__in", f"{name}__isnull"):
            response = client.get(url_of(model), {look_up: str(village.other.pk)})
            assert response.status_code in (302, 400, 403), (look_up, response.status_code)
            if response.status_code == 302:  # Django's answer to a look-up that cannot be made
                assert response["Location"].endswith("?e=1"), look_up


def test_a_shared_lock_does_not_say_which_hidden_property_uses_it(client: Client, village: Village) -> None:
    answers = [
        client.get("/admin/rentals/lock/", {"properties__id__exact": pk}).status_code
        for pk in (village.own.pk, village.other.pk, 999_999)
    ]
    assert answers == [400, 400, 400]


def test_links_of_our_own_pages_still_work(admin_client: Client, village: Village, admin_user: User) -> None:
    feed = village.own.feeds.get()
    for url in (
        f"/admin/rentals/feeditem/?feed__id__exact={feed.pk}",
        f"/admin/rentals/lock/?account__id__exact={village.entrance.account_id}",
        f"/admin/admin/logentry/?user__id__exact={admin_user.pk}",
        "/admin/rentals/booking/?check_in__year=2027",
        "/admin/pins/incident/?severity__exact=warning",
    ):
        assert admin_client.get(url).status_code == 200, url


def test_a_search_answers_whatever_field_is_named(client: Client, village: Village) -> None:
    names = {"", "nonsense", "pk", "id", "\x00", "__", "property__name", "x" * 3000}
    for model in apps.get_models():
        meta = model._meta
        for name in names | {field.name for field in meta.get_fields()}:
            asked = {"app_label": meta.app_label, "model_name": meta.model_name or "", "field_name": name, "term": "a"}
            status = client.get("/admin/autocomplete/", asked).status_code
            assert status in (200, 403, 404), (meta.label, name, status)


@pytest.mark.parametrize(
    "more",
    [
        {"term": "\x00"},
        {"term": "x" * 5000},
        {"page": "nonsense"},
        {"page": "-1"},
        {"page": "9" * 30},
        {"page": "\x00"},
        {"app_label": "\x00"},
        {"model_name": "\x00"},
    ],
)
def test_a_search_answers_whatever_is_asked(client: Client, village: Village, more: dict[str, str]) -> None:
    asked = {"app_label": "rentals", "model_name": "booking", "field_name": "property", "term": "a", **more}
    assert client.get("/admin/autocomplete/", asked).status_code in (200, 400, 403, 404)
