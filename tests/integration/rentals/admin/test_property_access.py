"""People who see some properties only: of the others neither a name nor a guest comes to light, on any page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from pins.models import AccessGrant, Incident, LockState, Pin, PinAttempt, PinReveal
from rentals.access import EVERYTHING, NOTHING, Scope, is_governed, scope_of, visible
from rentals.admin.scoped import ClosedToRestricted, Scoped
from rentals.models import (
    Booking,
    CalendarFeed,
    FeedItem,
    Lock,
    LockAccount,
    Property,
    PropertyAccess,
    PublishedCalendar,
)
from tests.support.house import House

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: In every name that belongs to the other property, and nowhere else: long enough to be in no random token either.
HIDDEN = "Zyxwold"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


class Village:
    """Two properties with a shared entrance; each has everything that a property can have."""

    def __init__(self) -> None:
        self.house = House()
        self.entrance = self.house.lock("Entrance")
        self.own = self._property("Own", "Anna")
        self.other = self._property(HIDDEN, f"{HIDDEN}elda")
        self.house.settle()
        for prop, word in ((self.own, "Own"), (self.other, HIDDEN)):
            self._traces(prop, word)
        names = ["Cleaner", f"{HIDDEN}elda's sister"]
        LockState.objects.filter(lock=self.entrance).update(foreign_pins=2, foreign_names=names, looked_at=NOW)
        Lock.objects.update(is_connected=False, battery_level=5)  # the board lists those
        LockAccount.objects.create(name="Spare", secret="spare-key")
        apart = LockAccount.objects.create(name=f"{HIDDEN} account", secret="another-key", observe_only=True)
        Lock.objects.filter(name__startswith=HIDDEN).update(account=apart)
        Incident.open(Incident.Kind.DEAD_KEY, NOW, about=apart)

    def _property(self, word: str, guest: str) -> Property:
        prop = self.house.flat(self.entrance, self.house.lock(f"{word} door"), name=f"{word} flat")
        self.house.stay(prop, HOUR, 2 * DAY, f"{guest} Nowak")
        self.house.stay(prop, -DAY, DAY + HOUR / 2, f"{guest} Leaving")
        self.house.stay(prop, 60 * DAY, DAY, f"{guest} Later")
        return prop

    def _traces(self, prop: Property, word: str) -> None:
        feed = CalendarFeed.objects.create(property=prop, name=f"{word} Airbnb", channel="airbnb")
        PublishedCalendar.objects.create(property=prop, name=f"{word} cleaners")
        stay = prop.bookings.order_by("check_in")[1]
        period = {"starts_at": stay.check_in, "ends_at": stay.check_out}
        days = {"starts_on": stay.check_in.date(), "ends_on": stay.check_out.date()}
        kinds: tuple[dict[str, Any], ...] = ({"booking": stay}, {"awaits_approval": True, "booking": stay}, {})
        for number, more in enumerate(kinds):
            FeedItem.objects.create(
                feed=feed,
                uid=f"{word}-{number}",
                summary=f"{word} event",
                guest_name=f"{word} guest",
                verdict="stay" if more else "review",
                first_seen_at=NOW,
                changed_at=NOW,
                **period,
                **days,
                **more,
            )
        pin = Pin.objects.filter(grant__booking=stay).exclude(lock=self.entrance).get()
        shared = Pin.objects.get(grant__booking=stay, lock=self.entrance)
        for about in (pin, shared, pin.lock, feed):
            for kind in (Incident.Kind.CODE_LATE, Incident.Kind.NO_ROOM):
                Incident.open(kind, NOW, about=about)
        PinReveal.objects.create(grant=pin.grant, user_name="somebody")
        PinAttempt.objects.create(pin=shared, op="post", rev=1, outcome="refused", correlation_id=f"{word}-trace")


@pytest.fixture
def village() -> Village:
    return Village()


def keeper(*properties: Property, **more: Any) -> User:
    """May do everything, for these properties only."""
    user = User.objects.create_user("keeper", password="keeper-pass", is_staff=True, **more)
    user.user_permissions.set(Permission.objects.all())
    access = PropertyAccess.objects.create(user=user)
    access.properties.set(properties)
    return user


@pytest.fixture
def client(village: Village) -> Client:
    client = Client()
    client.force_login(keeper(village.own))
    return client


def text(response: Any) -> str:
    return str(response.content.decode())


def assert_nothing_hidden(client: Client, url: str, data: dict[str, Any] | None = None, *, posted: bool = False) -> Any:
    """Ask and look at what comes, where it leads to, and what is told there."""
    response = client.post(url, data or {}, follow=True) if posted else client.get(url, data or {}, follow=True)
    assert HIDDEN.lower() not in text(response).lower(), f"{url} {data or ''} tells of the other property"
    assert response.status_code < 500, url
    return response


# -- the pages of the admin --------------------------------------------------------------------------------------------

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


# -- actions by address -----------------------------------------------------------------------------------------------


def test_actions_about_others_find_nothing(client: Client, village: Village) -> None:
    user = User.objects.get(username="keeper")
    assert user.has_perm("pins.reveal_code")
    before = list(Pin.objects.order_by("pk").values_list("desired_rev", "state", "wanted"))
    for stay in village.other.bookings.all():
        for action in ("try_again", "new_code", "revoke", "looks_right", "follow_calendar"):
            assert client.post(f"/stays/{stay.pk}/{action}/").status_code == 404
            assert client.post(f"/admin/rentals/booking/{stay.pk}/{action.replace('_', '-')}/").status_code == 404
        assert client.post(f"/admin/rentals/booking/{stay.pk}/reveal/").status_code == 404
        assert client.get(f"/stays/{stay.pk}/").status_code == 404
    for feed in village.other.feeds.all():
        for action in (
            "fetch",
            "preview",
            "apply",
            "approve",
            "dismiss",
            "decide",
            "push",
            "new-address",
            "new-secret",
        ):
            assert client.post(f"/admin/rentals/calendarfeed/{feed.pk}/{action}/").status_code == 404
    for calendar in village.other.published_calendars.all():
        assert client.post(f"/admin/rentals/publishedcalendar/{calendar.pk}/new-link/").status_code == 404
    for lock in village.other.locks.exclude(pk=village.entrance.pk):
        assert client.get(f"/locks/{lock.pk}/").status_code == 404
        assert client.post(f"/locks/{lock.pk}/try-again/").status_code == 404
    for account in LockAccount.objects.all():
        assert client.post(f"/admin/rentals/lockaccount/{account.pk}/fetch-locks/").status_code in (403, 404)
    assert list(Pin.objects.order_by("pk").values_list("desired_rev", "state", "wanted")) == before
    assert not PinReveal.objects.filter(user=user).exists()


def test_actions_about_the_own_ones_are_done(client: Client, village: Village) -> None:
    stay = village.own.bookings.get(guest_name="Anna Nowak")
    assert_nothing_hidden(client, f"/admin/rentals/booking/{stay.pk}/reveal/", posted=True)
    for action in ("try_again", "new_code", "revoke"):
        assert_nothing_hidden(client, f"/stays/{stay.pk}/{action}/", posted=True)
    assert AccessGrant.objects.get(booking=stay).revoked_at == NOW
    assert_nothing_hidden(client, f"/locks/{village.entrance.pk}/try-again/", posted=True)
    feed = village.own.feeds.get()
    items = list(feed.items.values_list("pk", flat=True))
    for action in ("fetch", "preview", "approve", "dismiss", "decide", "push", "new-address"):
        sent = {"item": items, "decision": "stay"}
        assert_nothing_hidden(client, f"/admin/rentals/calendarfeed/{feed.pk}/{action}/", sent, posted=True)


# -- the console -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [timedelta(0), 2 * HOUR, 3 * DAY])
def test_no_page_of_the_console_tells_of_another_property(
    after: timedelta, client: Client, village: Village, clock: time_machine.Traveller
) -> None:
    clock.shift(after)
    headers = {"HX-Request": "true"}
    for page in ("/", "/timeline/"):
        for query in ("", "Nowak", "flat", "Zy", "e"):
            assert_nothing_hidden(client, page, {"q": query})
            assert HIDDEN not in text(client.get(page, {"q": query}, headers=headers))
        assert_nothing_hidden(client, page, {"all": "arrivals-today", "page": "2", "from": "2027-02-25"})
    for booking in Booking.objects.all():
        assert_nothing_hidden(client, f"/stays/{booking.pk}/")
    for lock in Lock.objects.all():
        assert_nothing_hidden(client, f"/locks/{lock.pk}/")
    shared = text(client.get(f"/locks/{village.entrance.pk}/"))
    assert "2 codes of other people. Turnkey never touches them." in shared
    assert "Cleaner" not in shared  # who gave it that name, and for which property?
    unrestricted = Client()
    unrestricted.force_login(User.objects.create_superuser("host"))
    assert f"{HIDDEN}elda&#x27;s sister" in text(unrestricted.get(f"/locks/{village.entrance.pk}/"))


def test_the_board_speaks_of_the_own_guests(client: Client, village: Village) -> None:
    board = text(client.get("/"))
    assert "Anna Nowak" in board
    assert "The guest who arrives in the next 24 hours can get in" in board
    assert "Your next steps" not in board
    assert "Own flat" in text(client.get("/timeline/"))


def test_somebody_without_any_property_sees_nothing(village: Village) -> None:
    client = Client()
    client.force_login(keeper())
    board = text(client.get("/"))
    assert "Nobody arrives" in board
    for page in ("/", "/timeline/", "/admin/rentals/booking/", "/admin/rentals/lock/"):
        shown = text(client.get(page))
        assert "Anna" not in shown
        assert HIDDEN not in shown


# -- stays that moved --------------------------------------------------------------------------------------------------


def test_a_stay_that_moved_here_tells_nothing_of_where_it_was(client: Client, village: Village) -> None:
    stay = village.other.bookings.get(guest_name=f"{HIDDEN}elda Nowak")
    Booking.objects.filter(pk=stay.pk).update(guest_name="Moved")
    AccessGrant.objects.filter(booking=stay).update(holder_name="Moved")
    FeedItem.objects.filter(booking=stay).update(feed=village.other.feeds.get())
    moved = Booking.objects.get(pk=stay.pk)
    moved.property = village.own
    moved.save()
    assert Pin.objects.filter(grant__booking=moved, lock__name=f"{HIDDEN} door").exists()
    Pin.objects.filter(grant__booking=moved).update(alias="Moved")
    for page in (f"/stays/{moved.pk}/", f"/admin/rentals/booking/{moved.pk}/change/", "/", "/admin/pins/pin/"):
        assert "Moved" in text(assert_nothing_hidden(client, page))


def test_a_stay_that_left_takes_its_guest_along(client: Client, village: Village) -> None:
    """The calendar of the own property still lists it."""
    stay = village.own.bookings.get(guest_name="Anna Nowak")
    stay.property, stay.guest_name = village.other, f"{HIDDEN}or"
    stay.save()
    feed = village.own.feeds.get()
    assert_nothing_hidden(client, f"/admin/rentals/calendarfeed/{feed.pk}/change/")
    assert_nothing_hidden(client, "/admin/rentals/feeditem/")
    items = list(feed.items.filter(booking=stay).values_list("pk", flat=True))
    sent = {"item": items, "confirmed": "yes"}
    assert_nothing_hidden(client, f"/admin/rentals/calendarfeed/{feed.pk}/approve/", sent, posted=True)
    stay.refresh_from_db()
    assert stay.status == Booking.Status.CONFIRMED


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


# -- cost --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page", ["/", "/timeline/", "/admin/rentals/booking/", "/admin/rentals/lock/", "/admin/pins/pin/", "/locks/1/"]
)
def test_as_many_queries_for_many_as_for_few(page: str, client: Client, village: Village, settings: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    page = page.replace("/1/", f"/{village.entrance.pk}/")
    counts = []
    for number in range(2):
        for _ in range(number * 4):
            village.house.stay(village.own, HOUR, DAY, "Another")
            village.own.locks.add(village.house.lock("One more"))
        village.house.settle()
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert client.get(page).status_code == 200
        counts.append(len(found))
    assert counts[0] == counts[1]


def test_all_models_of_a_property_are_governed() -> None:
    """A new model must say what it belongs to before a page may show it."""
    shown = {model for model in admin.site._registry if model._meta.app_label in ("rentals", "pins")}
    inside = {model for app in ("rentals", "pins") for model in apps.get_app_config(app).get_models()}
    facts = {"WebhookReceipt", "PropertyAccess", "ValueClaim", "LockState", "AccountState", "RateBudget", "Heartbeat"}
    left_out = {model.__name__ for model in inside if not is_governed(model)}
    assert shown <= inside
    assert left_out == facts | {"InstallationKey", "IncidentNotice", "StayNotice"}
