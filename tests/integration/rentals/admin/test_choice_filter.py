"""A filter by one of many properties: links while they are few, a list to choose from when they are many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rentals.admin.choice_filter import MOST_LINKS
from rentals.models import Booking, Property

pytestmark = pytest.mark.django_db

LIST = "/admin/rentals/booking/"
ARRIVAL = datetime(2030, 3, 1, 15, tzinfo=UTC)


def flats(count: int) -> list[Property]:
    made = [Property.objects.create(name=f"Flat {number:03d}", timezone="UTC") for number in range(count)]
    for one in made:
        Booking.objects.create(
            property=one, guest_name=f"Guest of {one}", check_in=ARRIVAL, check_out=ARRIVAL + timedelta(days=2)
        )
    return made


class Form(HTMLParser):
    """What the filter's form sends, by name; of the list the chosen value."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.inside = False
        self.name = ""
        self.sent: dict[str, str] = {}
        self.options: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("class") == "tk-filter"
        if not self.inside:
            return
        if tag == "input":
            self.sent[str(given["name"])] = str(given["value"])
        elif tag == "select":
            self.name = str(given["name"])
        elif tag == "option":
            self.options.append(str(given["value"]))
            if "selected" in given:
                self.sent[self.name] = str(given["value"])


def test_few_are_links(host: Client) -> None:
    first = flats(MOST_LINKS)[0]
    page = host.get(LIST).content.decode()
    assert f"?property__id__exact={first.pk}" in page
    assert "tk-filter" not in page


def test_many_are_a_list_that_keeps_what_else_was_chosen(host: Client) -> None:
    made = flats(MOST_LINKS + 1)
    form = Form(host.get(LIST, {"stay": "all", "status": "confirmed", "q": "Guest", "p": "1"}).content.decode())
    assert form.options == ["", *(str(one.pk) for one in made)]
    assert form.sent == {"stay": "all", "status": "confirmed", "q": "Guest"}
    answer = host.get(LIST, {**form.sent, form.name: str(made[3].pk)})
    assert [one.property for one in answer.context["cl"].result_list] == [made[3]]
    assert Form(answer.content.decode()).sent[form.name] == str(made[3].pk)


def test_all_of_many_is_all(host: Client) -> None:
    flats(MOST_LINKS + 1)
    answer = host.get(LIST, {"property__id__exact": ""})
    assert answer.status_code == 200
    assert answer.context["cl"].result_count == MOST_LINKS + 1


def test_counts_of_many_are_not_asked_one_by_one(host: Client) -> None:
    flats(MOST_LINKS + 1)
    with CaptureQueriesContext(connection) as queries:
        page = host.get(LIST, {"_facets": "True"}).content.decode()
    assert "tk-filter" in page
    assert all(one["sql"].count("COUNT(") < MOST_LINKS for one in queries.captured_queries)


@pytest.mark.parametrize("nonsense", ["x", "-1", "99999999999999999999", "\x00"])
def test_nonsense_is_no_error(host: Client, nonsense: str) -> None:
    flats(MOST_LINKS + 1)
    assert host.get(LIST, {"property__id__exact": nonsense}, follow=True).status_code == 200
