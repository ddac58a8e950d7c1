"""The calendars that we publish: what is in them, who gets them, and what never leaves."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest
import time_machine
from cryptography.fernet import Fernet
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from config.logging import redact
from rentals.admin.bulk_limits import MOST_ROWS
from rentals.models import Booking, Property, PublishedCalendar

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def flat() -> Property:
    return Property.objects.create(name="Attic", timezone="Europe/Warsaw")


def book(flat: Property, first: int, last: int, name: str = "Anna Nowak", **fields: Any) -> Booking:
    """A stay by days from today, at the property's times."""
    return Booking.objects.create(
        property=flat,
        guest_name=name,
        check_in=flat.check_in_on((NOW + first * DAY).date()),
        check_out=flat.check_out_on((NOW + last * DAY).date()),
        **fields,
    )


def publish(flat: Property, **fields: Any) -> PublishedCalendar:
    return PublishedCalendar.objects.create(property=flat, name="Cleaners", **fields)


def address(calendar: PublishedCalendar) -> str:
    return f"/calendars/{calendar.token}.ics"


def read(client: Client, calendar: PublishedCalendar) -> dict[str, icalendar.Event]:
    """The events by UID."""
    response = client.get(address(calendar))
    assert response.status_code == 200
    whole = icalendar.Calendar.from_ical(response.content)
    assert isinstance(whole, icalendar.Calendar)
    assert whole.errors == []
    return {str(event["UID"]): event for event in whole.events}


# -- what is in it -----------------------------------------------------------------------------------------------------


def test_a_stay_is_told_in_utc_with_a_uid_that_never_changes(client: Client, flat: Property) -> None:
    booking = book(flat, 2, 5)
    calendar = publish(flat)
    (event,) = read(client, calendar).values()
    assert event["UID"] == f"booking-{booking.pk}@turnkey"
    assert event["DTSTART"].to_ical() == b"20270303T140000Z"
    assert event["DTEND"].to_ical() == b"20270306T100000Z"
    assert (event["SUMMARY"], event["STATUS"], event["LOCATION"]) == ("Guest", "CONFIRMED", "Attic")
    booking.check_out += DAY
    booking.save()
    (moved,) = read(client, calendar).values()
    assert moved["UID"] == event["UID"]
    assert moved["DTEND"].to_ical() == b"20270307T100000Z"


def test_tentative_stays_are_marked_and_cancelled_ones_left_out(client: Client, flat: Property) -> None:
    tentative = book(flat, 2, 5, status="tentative")
    book(flat, 6, 9, status="cancelled")
    (event,) = read(client, publish(flat)).values()
    assert event["UID"] == f"booking-{tentative.pk}@turnkey"
    assert event["STATUS"] == "TENTATIVE"


def test_only_this_property_from_30_days_ago_to_2_years_ahead(client: Client, flat: Property) -> None:
    other = Property.objects.create(name="Cellar", timezone="Europe/Warsaw")
    book(other, 1, 3)
    book(flat, -40, -31)
    book(flat, 731, 735)
    shown = [book(flat, -33, -29), book(flat, 0, 2), book(flat, 729, 735)]
    events = read(client, publish(flat, shows_turnovers=False))
    assert set(events) == {f"booking-{one.pk}@turnkey" for one in shown}


def test_guest_names_are_told_only_where_the_host_wants_it(client: Client, flat: Property) -> None:
    book(flat, 2, 5, "Anna; Nowak, née\r\nDESCRIPTION:x \u202eevil")
    (hidden,) = read(client, publish(flat)).values()
    (shown,) = read(client, publish(flat, shows_guest_names=True)).values()
    assert hidden["SUMMARY"] == "Guest"
    assert shown["SUMMARY"] == "Anna; Nowak, née DESCRIPTION:x evil"
    assert "DESCRIPTION" not in shown


def test_turnovers_are_told_with_their_length(client: Client, flat: Property) -> None:
    book(flat, 1, 4)
    second, third, fourth = book(flat, 4, 6), book(flat, 8, 10), book(flat, 9, 12)
    events = read(client, publish(flat))
    texts = {uid: str(event["SUMMARY"]) for uid, event in events.items() if uid.startswith("turnover")}
    assert texts == {
        f"turnover-{second.pk}@turnkey": "Turnover, same day (4 h)",
        f"turnover-{third.pk}@turnkey": "Turnover (2 days 4 h)",
        f"turnover-{fourth.pk}@turnkey": "Two stays overlap",
    }
    same_day = events[f"turnover-{second.pk}@turnkey"]
    assert (same_day["DTSTART"].to_ical(), same_day["DTEND"].to_ical()) == (b"20270305T100000Z", b"20270305T140000Z")
    assert same_day["TRANSP"] == "TRANSPARENT"
    assert not [uid for uid in read(client, publish(flat, shows_turnovers=False)) if uid.startswith("turnover")]


def test_a_turnover_that_began_long_ago_is_still_told(client: Client, flat: Property) -> None:
    book(flat, -60, -50)
    arrival = book(flat, 3, 6)
    assert set(read(client, publish(flat))) == {f"booking-{arrival.pk}@turnkey", f"turnover-{arrival.pk}@turnkey"}


def test_a_turnover_of_no_length_is_an_instant(client: Client, flat: Property) -> None:
    first = book(flat, 1, 4)
    next_one = Booking.objects.create(property=flat, check_in=first.check_out, check_out=first.check_out + DAY)
    event = read(client, publish(flat))[f"turnover-{next_one.pk}@turnkey"]
    assert "DTEND" not in event
    assert event["SUMMARY"] == "Turnover, same day (no time)"


def test_an_empty_calendar_is_a_calendar(client: Client, flat: Property) -> None:
    body = client.get(address(publish(flat))).content
    assert body.startswith(b"BEGIN:VCALENDAR\r\n")
    assert b"PRODID:-//Turnkey//" in body
    assert body.endswith(b"END:VCALENDAR\r\n")


# -- who gets it -------------------------------------------------------------------------------------------------------


def test_the_answer_is_private_and_for_no_search_engine(client: Client, flat: Property) -> None:
    response = client.get(address(publish(flat)))
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert response["Cache-Control"] == "private, no-cache"
    assert "noindex" in response["X-Robots-Tag"]
    assert response["Referrer-Policy"] == "no-referrer"
    assert not response.cookies


def test_who_has_it_already_is_told_so_until_something_changes(
    client: Client, flat: Property, clock: time_machine.Traveller
) -> None:
    booking, calendar = book(flat, 2, 5), publish(flat)
    tag = client.get(address(calendar))["ETag"]
    clock.shift(3600)  # DTSTAMP is another by now, the stays are not
    unchanged = client.get(address(calendar), headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", tag)
    assert unchanged["Cache-Control"] == "private, no-cache"
    booking.status = "tentative"
    booking.save()
    assert client.get(address(calendar), headers={"If-None-Match": tag}).status_code == 200


def test_head_is_answered_and_nothing_can_be_sent(client: Client, flat: Property) -> None:
    calendar = publish(flat)
    assert client.head(address(calendar)).status_code == 200
    strict = Client(enforce_csrf_checks=True)
    for method in (strict.post, strict.put, strict.patch, strict.delete):
        assert method(address(calendar)).status_code == 405


@pytest.mark.parametrize("kind", ["unknown", "revoked", "replaced", "other case", "digest"])
def test_a_link_that_does_not_count_is_not_found(client: Client, flat: Property, kind: str) -> None:
    book(flat, 2, 5)
    calendar = publish(flat, is_active=kind != "revoked")
    token = {
        "unknown": "x" * 43,
        "other case": calendar.token.swapcase(),
        "digest": calendar.token_digest,
    }.get(kind, calendar.token)
    if kind == "replaced":
        calendar.token = "another-token"
        calendar.save(update_fields=["token"])
    response = client.get(f"/calendars/{token}.ics")
    assert (response.status_code, response["Content-Type"]) == (404, "text/plain")
    assert b"BEGIN" not in response.content
    assert "noindex" in response["X-Robots-Tag"]


def test_the_token_of_a_link_never_reaches_the_log(
    client: Client, flat: Property, caplog: pytest.LogCaptureFixture
) -> None:
    calendar = publish(flat, is_active=False)
    with caplog.at_level(logging.DEBUG):
        client.get(address(calendar))
        client.post(address(calendar))
    lines = [record.getMessage() for record in caplog.records]
    assert any("/calendars/" in line for line in lines), "Django names what was not found"
    assert not [line for line in lines if calendar.token in redact(line)]


def test_few_queries_however_many_stays(client: Client, flat: Property, django_assert_num_queries: Any) -> None:
    for number in range(20):
        book(flat, 3 * number, 3 * number + 2)
    calendar = publish(flat)
    with django_assert_num_queries(3):
        client.get(address(calendar))


# -- the admin ---------------------------------------------------------------------------------------------------------


def page(calendar: PublishedCalendar, action: str = "change") -> str:
    return f"/admin/rentals/publishedcalendar/{calendar.pk}/{action}/"


def test_a_link_is_made_in_the_admin_and_shown_on_its_own_page_alone(host: Client, flat: Property) -> None:
    form = {"property": flat.pk, "name": "Cleaners", "is_active": "on", "shows_turnovers": "on"}
    assert host.post("/admin/rentals/publishedcalendar/add/", form).status_code == 302
    calendar = PublishedCalendar.objects.get()
    response = host.get(page(calendar))
    assert f"http://testserver/calendars/{calendar.token}.ics" in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    for other in ("/admin/rentals/publishedcalendar/", "/admin/", page(calendar, "history"), page(calendar, "delete")):
        assert calendar.token not in host.get(other).content.decode()
    assert host.get(f"/calendars/{calendar.token}.ics").status_code == 200


def test_a_calendar_is_changed_without_changing_its_link(host: Client, flat: Property) -> None:
    calendar = publish(flat)
    assert host.post(page(calendar), {"property": flat.pk, "name": "Owner", "is_active": "on"}).status_code == 302
    changed = PublishedCalendar.objects.get()
    assert (changed.name, changed.shows_turnovers, changed.token) == ("Owner", False, calendar.token)


def test_a_new_link_replaces_the_former_one(host: Client, flat: Property) -> None:
    calendar = publish(flat)
    assert host.get(page(calendar, "new-link")).status_code == 405
    assert host.post(page(calendar, "new-link")).status_code == 302
    renewed = PublishedCalendar.objects.get()
    assert renewed.token != calendar.token
    assert host.get(address(calendar)).status_code == 404
    assert host.get(address(renewed)).status_code == 200
    history = host.get(page(calendar, "history")).content.decode()
    assert "Replaced the link." in history
    assert renewed.token not in history


def test_links_are_revoked_from_the_list(host: Client, flat: Property) -> None:
    calendar = publish(flat)
    chosen = {"action": "revoke", "_selected_action": [calendar.pk]}
    asked = host.post("/admin/rentals/publishedcalendar/", chosen)
    assert "Yes, revoke 1 link" in asked.content.decode()
    assert host.get(address(calendar)).status_code == 200
    assert host.post("/admin/rentals/publishedcalendar/", {**chosen, "confirmed": "yes"}).status_code == 302
    assert host.get(address(calendar)).status_code == 404
    again = host.post("/admin/rentals/publishedcalendar/", chosen, follow=True).content.decode()
    assert "1 link revoked." in again
    assert "Nothing was left to revoke" in again


def test_more_links_than_one_answer_can_name_are_not_asked_about(host: Client, flat: Property) -> None:
    calendars = [publish(flat) for _ in range(MOST_ROWS + 1)]
    chosen = {"action": "revoke", "select_across": "1", "_selected_action": [calendars[0].pk]}
    page = host.post("/admin/rentals/publishedcalendar/", chosen, follow=True).content.decode()
    assert "Nothing was done: you chose 201" in page
    assert PublishedCalendar.objects.filter(is_active=True).count() == len(calendars)


def test_who_may_only_look_sees_no_link_and_replaces_none(client: Client, flat: Property) -> None:
    calendar = publish(flat)
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_publishedcalendar"))
    client.force_login(viewer)
    response = client.get(page(calendar))
    assert response.status_code == 200
    assert calendar.token not in response.content.decode()
    assert client.post(page(calendar, "new-link")).status_code == 403
    assert PublishedCalendar.objects.get().token == calendar.token


def test_a_link_that_no_key_opens_can_be_revoked_and_replaced(host: Client, flat: Property, settings: Settings) -> None:
    calendar = publish(flat)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode("ascii")]
    assert "cannot be read with the configured keys" in host.get(page(calendar)).content.decode()
    assert host.get("/admin/rentals/publishedcalendar/").status_code == 200
    assert host.get(address(calendar)).status_code == 200
    assert host.post(page(calendar), {"property": flat.pk, "name": "Cleaners"}).status_code == 302
    assert host.get(address(calendar)).status_code == 404
    assert host.post(page(calendar, "new-link")).status_code == 302
    assert "/calendars/" in host.get(page(calendar)).content.decode()
