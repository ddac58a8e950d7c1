"""What is done to many rows of a list at once: by whom, how many, asked before and told after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.messages import get_messages
from django.test import Client

from pins.models import AccessGrant, Incident, Pin
from rentals.admin import bulk_limits
from rentals.models import Booking, CalendarFeed, FeedItem, Lock, Property, PropertyAccess, PublishedCalendar
from tests.integration.conftest import START
from tests.support.house import House

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ADMIN = "/admin/rentals/"
BOOKINGS = f"{ADMIN}booking/"
GONE = "What you chose is not there any more"


def person(role: str, *only: Property) -> Client:
    user = User.objects.create_user(f"{role}-{len(only)}", is_staff=True)
    user.groups.set(Group.objects.filter(name=role))
    if only:
        PropertyAccess.objects.create(user=user).properties.set(only)
    client = Client()
    client.force_login(user)
    return client


def offered(someone: Client, kind: str) -> list[str]:
    page = someone.get(f"{ADMIN}{kind}/")
    if page.status_code == 403:
        return ["refused"]
    form = page.context.get("action_form")
    return [name for name, _ in form.fields["action"].choices if name] if form else []


def press(someone: Client, where: str, action: str, *ids: object, **more: str) -> Any:
    return someone.post(where, {"action": action, "_selected_action": [str(one) for one in ids], **more})


def told(answer: Any) -> list[str]:
    return [str(one) for one in get_messages(answer.wsgi_request)]


_STAYS, _DELETE = ["try_again", "new_code", "revoke"], ["delete_selected"]


@pytest.mark.parametrize(
    ("role", "some_only", "expected"),
    [
        ("viewer", False, ([], [], [], [], [], [])),
        ("operator", False, (_DELETE + _STAYS, [], [], [], ["fetch_chosen"], [])),
        ("code-reveal", False, (["refused"],) * 6),
        (
            "administrator",
            False,
            (
                *(_DELETE + _STAYS, _DELETE, _DELETE, [*_DELETE, "fetch_locks"]),
                *([*_DELETE, "fetch_chosen"], [*_DELETE, "revoke"]),
            ),
        ),
        ("operator", True, (_DELETE + _STAYS, [], [], ["refused"], ["fetch_chosen"], [])),
        (
            "administrator",
            True,
            (_DELETE + _STAYS, _DELETE, [], ["refused"], [*_DELETE, "fetch_chosen"], [*_DELETE, "revoke"]),
        ),
    ],
)
def test_each_is_offered_what_each_may_do_and_cannot_forge_the_rest(
    house: House, role: str, some_only: bool, expected: tuple[list[str], ...]
) -> None:
    flat = house.flat(house.lock())
    stay = house.stay(flat, DAY, DAY)
    house.settle()
    PublishedCalendar.objects.create(property=flat, name="Cleaners")
    feed = CalendarFeed.objects.create(property=flat, name="Airbnb")
    someone = person(role, *([flat] if some_only else []))
    kinds = ("booking", "property", "lock", "lockaccount", "calendarfeed", "publishedcalendar")
    assert tuple(offered(someone, one) for one in kinds) == expected
    if "revoke" not in expected[0]:
        press(someone, BOOKINGS, "revoke", stay.pk, confirmed="yes")
        press(someone, BOOKINGS, "delete_selected", stay.pk, post="yes")
        assert AccessGrant.objects.get(booking=stay).revoked_at is None
    if "delete_selected" not in expected[4]:
        press(someone, f"{ADMIN}calendarfeed/", "delete_selected", feed.pk, post="yes")
        assert CalendarFeed.objects.exists()


_ALL = [
    *(("booking", one) for one in _DELETE + _STAYS),
    *(("lockaccount", one) for one in ("delete_selected", "fetch_locks")),
    *(("calendarfeed", one) for one in ("delete_selected", "fetch_chosen")),
    *(("publishedcalendar", one) for one in ("delete_selected", "revoke")),
    *((kind, "delete_selected") for kind in ("property", "lock")),
]


@pytest.mark.parametrize("ids", [("999999",), ("abc",), ("9" * 40,), ("-1", "½", "")])
@pytest.mark.parametrize(("kind", "action"), _ALL)
def test_what_is_gone_or_nonsense_is_told(host: Client, kind: str, action: str, ids: tuple[str, ...]) -> None:
    for more in ({}, {"confirmed": "yes", "post": "yes"}, {"index": "0", "select_across": "0"}):
        answer = press(host, f"{ADMIN}{kind}/?q=", action, *ids, **more)
        assert answer.status_code == 302
        assert told(answer)[-1] == f"{GONE}. Nothing was done."


def test_without_a_choice_nothing_is_done_and_it_is_said(host: Client, house: House) -> None:
    house.stay(house.flat(house.lock()), DAY, DAY)
    for action in (*_STAYS, *_DELETE):
        shown = host.post(BOOKINGS, {"action": action, "index": "0", "select_across": "0"}, follow=True)
        assert "Items must be selected" in shown.content.decode()


def test_what_remains_of_a_choice_is_done_and_what_is_gone_is_told(host: Client, house: House) -> None:
    stay = house.stay(house.flat(house.lock()), DAY, DAY)
    house.settle()
    said = told(press(host, BOOKINGS, "try_again", stay.pk, 999999))
    assert said[0] == "1 of what you chose is not there any more."
    assert "nothing is open" in said[1]


def test_ids_outside_a_restriction_are_as_if_they_were_not(house: House) -> None:
    mine, other = house.flat(house.lock(), name="Mine"), house.flat(house.lock(), name="Other")
    own, foreign = house.stay(mine, DAY, DAY), house.stay(other, DAY, DAY)
    house.settle()
    someone = person("operator", mine)
    for action in (*_STAYS, *_DELETE):
        answer = press(someone, BOOKINGS, action, foreign.pk, confirmed="yes", post="yes")
        assert told(answer)[-1] == f"{GONE}. Nothing was done."
    page = press(someone, BOOKINGS, "revoke", own.pk, foreign.pk).content.decode()
    assert "Mine" in page
    assert "Other" not in page
    press(someone, BOOKINGS, "revoke", own.pk, foreign.pk, confirmed="yes")
    assert AccessGrant.objects.get(booking=own).revoked_at
    assert AccessGrant.objects.get(booking=foreign).revoked_at is None
    assert Booking.objects.count() == 2


@pytest.mark.parametrize("action", [*_STAYS, *_DELETE])
def test_more_than_can_be_done_at_once_is_refused_with_a_number(
    host: Client, house: House, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr(bulk_limits, "MOST_ROWS", 2)
    flat = house.flat(house.lock())
    stays = [house.stay(flat, DAY * n, HOUR, name=f"{who} Nowak") for n, who in enumerate(("Anna", "Ewa", "Ewa"), 1)]
    house.settle()
    every = {"index": "0", "select_across": "1"}
    for answer in (
        press(host, f"{BOOKINGS}?stay=all", action, stays[0].pk, **every),
        press(host, BOOKINGS, action, *(one.pk for one in stays), confirmed="yes", post="yes"),
    ):
        assert told(answer)[-1] == (
            "Nothing was done: you chose 3 bookings. Choose at most 2 at a time; search and filters help."
        )
    assert not AccessGrant.objects.exclude(revoked_at=None).exists()
    assert Booking.objects.count() == 3
    # Whoever chose all pages of two stays is asked about these two, and the answer carries them.
    page = press(host, f"{BOOKINGS}?q=ewa", action, stays[1].pk, **every)
    assert page.status_code in (200, 302)
    if action in ("revoke", "delete_selected"):
        assert page.content.decode().count('name="_selected_action"') == 2


def test_what_can_be_confirmed_fits_into_one_answer(settings: Any) -> None:
    """Django refuses a form with more fields than this."""
    assert settings.DATA_UPLOAD_MAX_NUMBER_FIELDS > bulk_limits.MOST_ROWS + 10


def test_revoking_names_what_happens_to_how_many(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    inside, coming = house.stay(flat, -HOUR, DAY, name="Inside"), house.stay(flat, 2 * DAY, DAY, name="Coming")
    far = house.stay(flat, 200 * DAY, DAY, name="Far away")
    revoked = house.stay(flat, 4 * DAY, DAY, name="Revoked")
    house.settle()
    press(host, BOOKINGS, "revoke", revoked.pk, confirmed="yes")
    everyone = [one.pk for one in (inside, coming, far, revoked)]
    page = press(host, BOOKINGS, "revoke", *everyone)
    shown = " ".join(page.content.decode().split())
    assert "Yes, revoke 2 codes" in shown
    assert "1 of these guests is in the house now and would be locked out." in shown
    assert "Nothing happens to 2 others:" in shown
    assert "there is no code to revoke." in shown
    assert "its code was revoked already." in shown
    assert "only watches" not in shown
    assert shown.count('name="_selected_action"') == 2
    assert "Code revoked: 2 stays." in told(press(host, BOOKINGS, "revoke", inside.pk, coming.pk, confirmed="yes"))
    # Where there is nothing to confirm, nobody is asked.
    answer = press(host, BOOKINGS, "revoke", *everyone)
    assert answer.status_code == 302
    assert not [one for one in told(answer) if one.startswith("Code revoked")][1:]


def test_revoking_says_what_stays_where_turnkey_only_observes(host: Client, house: House) -> None:
    stay = house.stay(house.flat(house.lock()), DAY, DAY)
    house.settle()
    house.account.observe_only = True
    house.account.save()
    shown = press(host, BOOKINGS, "revoke", stay.pk).content.decode()
    assert "On locks that Turnkey only observes nothing changes" in shown


def test_a_stay_with_incidents_can_be_deleted(house: House) -> None:
    """They are Turnkey's own, and nobody has the right to delete them by hand."""
    flat = house.flat(house.lock())
    stays = [house.stay(flat, DAY * n, HOUR) for n in (1, 2)]
    for one in stays:
        about = {"kind": Incident.Kind.STAYS_OVERLAP, "subject": f"booking:{one.pk}", "booking": one}
        Incident.objects.create(**about, opened_at=one.check_in)
    operator = person("operator")
    assert operator.post(f"{BOOKINGS}{stays[0].pk}/delete/", {"post": "yes"}).status_code == 302
    shown = press(operator, BOOKINGS, "delete_selected", stays[1].pk).content.decode()
    assert "permission" not in shown.partition('id="content"')[2]
    assert "Their codes come off the locks" in shown
    press(operator, BOOKINGS, "delete_selected", stays[1].pk, post="yes")
    assert not Booking.objects.exists()


def test_what_cannot_be_deleted_says_what_to_do_instead(host: Client, house: House) -> None:
    door = house.lock("Front door")
    flat = house.flat(door)
    stay = house.stay(flat, DAY, DAY)
    house.settle()
    for kind, pk, instead in (
        ("lock", door.pk, "clear “Active”"),
        ("property", flat.pk, "clear “Active”"),
        ("lockaccount", house.account.pk, "its locks to another account"),
    ):
        for shown in (
            host.get(f"{ADMIN}{kind}/{pk}/delete/").content.decode(),
            press(host, f"{ADMIN}{kind}/", "delete_selected", pk).content.decode(),
        ):
            assert "Cannot delete" in shown
            assert instead in shown
            assert "permission" not in shown.partition('id="content"')[2]
    assert Pin.objects.filter(grant__booking=stay).exists()


def test_a_property_goes_with_its_calendars_and_what_they_said(host: Client, house: House) -> None:
    flat = house.flat()
    feed = CalendarFeed.objects.create(property=flat, name="Airbnb")
    FeedItem.objects.create(feed=feed, uid="one", verdict="stay", first_seen_at=START, changed_at=START)
    shown = press(host, f"{ADMIN}property/", "delete_selected", flat.pk).content.decode()
    assert "permission" not in shown.partition('id="content"')[2]
    press(host, f"{ADMIN}property/", "delete_selected", flat.pk, post="yes")
    assert not Property.objects.exists()
    assert not Lock.objects.exists()
