"""The four groups: made once, only ever added to, and what each may see and do in the admin and the console."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.apps.registry import Apps
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db.models.signals import post_migrate
from django.test import Client
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from config import roles
from rentals.models import Booking, CalendarFeed, LockAccount, PublishedCalendar
from tests.support.house import House
from tests.support.people import staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOOKING = ("viewer", "operator", "administrator")


def person(*groups: str) -> Client:
    user = User.objects.create_user("-".join(groups) or "nobody", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=groups))
    assert user.groups.count() == len(groups)
    client = Client()
    client.force_login(user)
    return client


def rights(name: str) -> set[str]:
    found = Group.objects.get(name=name).permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in found}


def migrated() -> None:
    post_migrate.send(
        sender=apps.get_app_config("pins"), app_config=apps.get_app_config("pins"), apps=apps, using="default"
    )


class World:
    """One of each thing that a page is about."""

    def __init__(self) -> None:
        house = House()
        self.lock = house.lock("Front door")
        self.flat = house.flat(self.lock)
        self.stay = house.stay(self.flat, HOUR, DAY)
        house.settle()
        self.feed = CalendarFeed.objects.create(property=self.flat, name="Airbnb")
        self.calendar = PublishedCalendar.objects.create(property=self.flat, name="Cleaners")
        self.account = LockAccount.objects.get()


@pytest.fixture
def world() -> World:
    return World()


# -- the groups --------------------------------------------------------------------------------------------------------


def test_migrate_made_the_groups_with_their_permissions() -> None:
    assert rights("viewer") == {
        f"{model._meta.app_label}.view_{model._meta.model_name}"
        for app in ("rentals", "pins")
        for model in apps.get_app_config(app).get_models()
    }
    assert rights("operator") - rights("viewer") == {
        "rentals.add_booking",
        "rentals.change_booking",
        "rentals.delete_booking",
        "rentals.change_calendarfeed",
        "rentals.change_property",
        "rentals.change_lock",
        "pins.add_staffaccess",
        "pins.change_staffaccess",
        "pins.delete_staffaccess",
    }
    assert rights("code-reveal") == {"pins.reveal_code"}
    all_of_them = Permission.objects.filter(content_type__app_label__in=["rentals", "pins", "django_celery_beat"])
    assert rights("administrator") - {f"{one.content_type.app_label}.{one.codename}" for one in all_of_them} == {
        "admin.view_logentry",
        *(f"auth.{verb}_{model}" for verb in ("add", "change", "delete", "view") for model in ("user", "group")),
    }
    assert len(rights("administrator")) == all_of_them.count() + 9


def test_migrating_again_adds_what_is_missing_and_takes_nothing_away() -> None:
    before = {name: rights(name) for name in roles.ROLES}
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.add(Permission.objects.get(codename="reveal_code"))
    viewer.permissions.remove(Permission.objects.get(codename="view_lock"))
    Group.objects.get(name="operator").delete()
    own = Group.objects.create(name="cleaners")
    call_command("migrate", verbosity=0)
    migrated()
    assert rights("viewer") == before["viewer"] | {"pins.reveal_code"}
    assert rights("operator") == before["operator"]
    assert Group.objects.filter(pk=own.pk, permissions=None).exists()
    assert Group.objects.count() == 5


def test_without_the_tables_of_people_nothing_happens() -> None:
    Group.objects.all().delete()
    roles.keep_roles(Apps(), "default")
    assert not Group.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_flush_leaves_the_groups() -> None:
    Group.objects.all().delete()
    call_command("flush", interactive=False, verbosity=0)
    assert set(Group.objects.values_list("name", flat=True)) == set(roles.ROLES)


def test_migrating_when_all_is_there_writes_nothing(django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(30) as found:
        migrated()
    assert not [one for one in found.captured_queries if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


# -- what each sees ----------------------------------------------------------------------------------------------------

_CONSOLE: list[Callable[[World], str]] = [
    lambda _: "/",
    lambda _: "/timeline/",
    lambda world: f"/stays/{world.stay.pk}/",
    lambda world: f"/locks/{world.lock.pk}/",
]
_ADMIN: list[Callable[[World], str]] = [
    lambda _: "/admin/rentals/booking/",
    lambda world: f"/admin/rentals/booking/{world.stay.pk}/change/",
    lambda world: f"/admin/rentals/property/{world.flat.pk}/change/",
    lambda world: f"/admin/rentals/lock/{world.lock.pk}/change/",
    lambda world: f"/admin/rentals/calendarfeed/{world.feed.pk}/change/",
    lambda world: f"/admin/rentals/lockaccount/{world.account.pk}/change/",
    lambda world: f"/admin/rentals/publishedcalendar/{world.calendar.pk}/change/",
    lambda _: "/admin/rentals/feeditem/",
    lambda _: "/admin/pins/incident/",
    lambda _: "/admin/pins/accessgrant/",
    lambda _: "/admin/pins/pin/",
    lambda _: "/admin/pins/pinreveal/",
]


@pytest.mark.parametrize("role", LOOKING)
def test_who_may_look_sees_every_page_of_the_business(role: str, world: World) -> None:
    someone = person(role)
    for page in (*_CONSOLE, *_ADMIN):
        assert someone.get(page(world)).status_code == 200, page(world)


def test_who_may_look_only_finds_no_secret(world: World) -> None:
    viewer = person("viewer")
    secrets = (world.account.secret, world.account.webhook_token, world.feed.token, world.calendar.token)
    code = Booking.objects.get().grants.get().code
    for page in (*_CONSOLE, *_ADMIN):
        shown = viewer.get(page(world)).content.decode()
        assert not [one for one in (*secrets, code) if one in shown], page(world)


@pytest.mark.parametrize("groups", [(), ("code-reveal",)])
def test_others_are_refused_everywhere(groups: tuple[str, ...], world: World) -> None:
    someone = person(*groups)
    for page in (*_CONSOLE, *_ADMIN):
        assert someone.get(page(world)).status_code == 403, page(world)


@pytest.mark.parametrize("role", ["viewer", "operator"])
@pytest.mark.parametrize("page", ["/admin/auth/user/", "/admin/auth/group/", "/admin/django_celery_beat/periodictask/"])
def test_people_and_schedule_are_the_administrators(role: str, page: str) -> None:
    assert person(role).get(page).status_code == 403
    assert person("administrator").get(page).status_code == 200


# -- what each may do --------------------------------------------------------------------------------------------------

_WORK: list[Callable[[World], str]] = [
    *(
        lambda world, action=action: f"/stays/{world.stay.pk}/{action}/"
        for action in ("try_again", "new_code", "revoke", "looks_right", "follow_calendar")
    ),
    *(
        lambda world, action=action: f"/admin/rentals/booking/{world.stay.pk}/{action}/"
        for action in ("try-again", "new-code", "revoke", "looks-right", "follow-calendar")
    ),
    lambda world: f"/locks/{world.lock.pk}/try-again/",
    *(
        lambda world, action=action: f"/admin/rentals/calendarfeed/{world.feed.pk}/{action}/"
        for action in ("fetch", "preview", "apply", "approve", "dismiss", "decide", "push", "new-address")
    ),
]
_RUN: list[Callable[[World], str]] = [
    lambda world: f"/admin/rentals/publishedcalendar/{world.calendar.pk}/new-link/",
    lambda world: f"/admin/rentals/publishedcalendar/{world.calendar.pk}/delete/",
    lambda world: f"/admin/rentals/calendarfeed/{world.feed.pk}/delete/",
]


@pytest.mark.parametrize(
    ("role", "works", "runs"),
    [("viewer", False, False), ("operator", True, False), ("administrator", True, True), ("code-reveal", False, False)],
)
def test_actions_are_for_those_who_may_act(role: str, works: bool, runs: bool, world: World) -> None:
    someone = person(role)
    for allowed, pages in ((works, _WORK), (runs, _RUN)):
        for page in pages:
            status = someone.post(page(world), {"post": "yes"}).status_code
            assert status in ((200, 302) if allowed else (403,)), page(world)


@pytest.mark.parametrize("model", ["property", "lock", "lockaccount", "calendarfeed", "publishedcalendar"])
def test_only_an_administrator_adds_what_is_not_a_booking(model: str) -> None:
    page = f"/admin/rentals/{model}/add/"
    statuses = [person(role).get(page).status_code for role in ("viewer", "operator", "administrator")]
    assert statuses == [403, 403, 200]


def test_an_operator_adds_changes_and_deletes_bookings(world: World) -> None:
    operator = person("operator")
    days = {"arrival_date": "2027-04-03", "arrival_time": "", "departure_date": "2027-04-05", "departure_time": ""}
    form = {"property": world.flat.pk, "guest_name": "Marek", "status": "confirmed", "own_code": "", **days}
    assert operator.post("/admin/rentals/booking/add/", form).status_code == 302
    made = Booking.objects.get(guest_name="Marek")
    operator.post(f"/admin/rentals/booking/{made.pk}/change/", {**form, "guest_name": "Marek W"})
    made.refresh_from_db()
    assert made.guest_name == "Marek W"
    assert operator.post(f"/admin/rentals/booking/{world.stay.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Booking.objects.filter(pk=world.stay.pk).exists()  # the grant stays, and the codes go


def test_a_viewer_is_offered_no_button(world: World) -> None:
    viewer = person("viewer")
    for page in (f"/stays/{world.stay.pk}/", f"/locks/{world.lock.pk}/"):
        shown = viewer.get(page).content.decode()
        for word in ("Try again now", "New code", "Revoke", "Show the code", "Change the"):
            assert word not in shown, (page, word)
    assert viewer.get("/admin/rentals/booking/add/").status_code == 403
    assert "Show the code" not in person("operator").get(f"/stays/{world.stay.pk}/").content.decode()


@pytest.mark.parametrize(
    ("groups", "status"),
    [
        (("viewer",), 403),
        (("operator",), 403),
        (("code-reveal",), 403),
        (("viewer", "code-reveal"), 200),
        (("operator", "code-reveal"), 200),
        (("administrator",), 200),
    ],
)
def test_a_code_is_shown_to_who_has_both_rights(groups: tuple[str, ...], status: int, world: World) -> None:
    answer = person(*groups).post(f"/admin/rentals/booking/{world.stay.pk}/reveal/")
    assert answer.status_code == status
    assert (Booking.objects.get().grants.get().code in answer.content.decode()) is (status == 200)


def test_who_may_only_look_at_the_timetable_runs_no_task(client: Client) -> None:
    client.force_login(staff("watcher", "view_periodictask"))
    task = PeriodicTask.objects.create(
        name="A task", task="pins.tasks.sweep", interval=IntervalSchedule.objects.create(every=1, period="days")
    )
    listed = "/admin/django_celery_beat/periodictask/"
    assert client.get(listed).status_code == 200
    for action in ("run_tasks", "disable_tasks", "toggle_tasks", "delete_selected"):
        client.post(listed, {"action": action, "_selected_action": [str(task.pk)], "post": "yes"})
    task.refresh_from_db()
    assert task.enabled
