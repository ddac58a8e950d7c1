"""The console's pages: who may see them, what they say, how little they ask of the database."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.db.models.signals import post_init
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.board import loading
from pins.models import AccessGrant, Heartbeat, Incident, LockState
from pins.reconcile import connectivity
from rentals.access import EVERYTHING
from rentals.models import Booking, CalendarFeed, FeedState, Lock, Property, PropertyAccess
from tests.support.calendars import day
from tests.support.house import House, pin_of
from tests.support.people import operator, staff, viewer

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def host(client: Client, clock: time_machine.Traveller) -> Client:
    client.force_login(operator())
    return client


def text(response: Any) -> str:
    assert response.status_code == 200, response
    return str(response.content.decode())


def words(response: Any) -> str:
    """What a person reads, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text(response)))


def addresses(booking: Booking) -> list[str]:
    lock = booking.property.locks.get()
    return ["/", "/timeline/", f"/stays/{booking.pk}/", f"/locks/{lock.pk}/"]


# -- who may see what --------------------------------------------------------------------------------------------------


def test_a_stranger_is_asked_to_log_in(client: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    for address in addresses(booking):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={address}")
    for address in (f"/stays/{booking.pk}/revoke/", "/locks/1/try-again/", "/locks/1/compare/"):
        assert client.post(address)["Location"].startswith("/admin/login/")


def test_a_customer_without_staff_rights_gets_nowhere(client: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    client.force_login(User.objects.create_user("customer"))
    assert all(client.get(one).status_code == 302 for one in addresses(booking))


def test_staff_without_the_permission_is_refused(client: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    client.force_login(staff("bookkeeper", "view_property"))
    assert [client.get(one).status_code for one in addresses(booking)] == [403] * 4
    client.force_login(staff("receptionist", "view_booking"))
    assert [client.get(one).status_code for one in addresses(booking)] == [200, 200, 200, 403]


def test_a_viewer_sees_no_buttons_and_is_refused_what_they_do(client: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    house.settle()
    client.force_login(viewer())
    for address in addresses(booking):
        posted = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', text(client.get(address)))
        assert posted == ["/admin/logout/"]
    lock = booking.property.locks.get()
    actions = ("try_again", "new_code", "revoke", "looks_right", "follow_calendar", "late_check_out", "change_days")
    for address in (
        *(f"/stays/{booking.pk}/{action}/" for action in actions),
        f"/locks/{lock.pk}/try-again/",
        f"/locks/{lock.pk}/compare/",
    ):
        assert client.post(address).status_code == 403
    assert AccessGrant.objects.get().revoked_at is None


def test_an_operator_has_the_buttons_and_they_work(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    house.settle()
    page = text(host.get(f"/stays/{booking.pk}/"))
    assert all(word in page for word in ("Try again now", "New code", "Revoke …", "Change the days"))
    answer = host.post(f"/stays/{booking.pk}/revoke/", follow=True)
    assert "The code is revoked and comes off 1 lock." in words(answer)
    assert "Try again now" in text(host.get(f"/locks/{booking.property.locks.get().pk}/"))


def test_actions_want_a_post_and_a_token(client: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator())
    assert strict.get(f"/stays/{booking.pk}/revoke/").status_code == 405
    assert strict.post(f"/stays/{booking.pk}/revoke/").status_code == 403
    assert strict.post(f"/stays/{booking.pk}/late_check_out/", {"hours": "1"}).status_code == 403


@pytest.mark.parametrize("address", ["/stays/99999/", "/locks/99999/", "/stays/abc/", "/locks/-1/"])
def test_what_does_not_exist_is_404(host: Client, address: str) -> None:
    assert host.get(address).status_code == 404


def test_unknown_actions_are_404(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    assert host.post(f"/stays/{booking.pk}/explode/").status_code == 404
    assert host.post("/stays/99999/revoke/").status_code == 404
    assert host.post("/stays/99999/late_check_out/").status_code == 404
    assert host.post("/locks/99999/try-again/").status_code == 404


def test_no_page_is_kept_by_a_browser_and_none_shows_a_code(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    house.settle()
    code = AccessGrant.objects.get().code
    for address in addresses(booking):
        answer = host.get(address)
        assert "no-store" in answer["Cache-Control"]
        assert code not in text(answer)


# -- what the board says -----------------------------------------------------------------------------------------------


def test_a_newcomer_is_told_the_next_steps(host: Client) -> None:
    page = words(host.get("/"))
    assert "Nobody is expected: there is no booking yet." in page
    assert "Connect your Tedee account" in page
    assert "There is no property yet." in words(host.get("/timeline/"))


def test_an_empty_installation_claims_nothing_about_locks_and_calendars(host: Client) -> None:
    page = words(host.get("/"))
    assert "No lock is known yet." in page
    assert "No calendar is read yet." in page


def test_trouble_that_waits_for_nobody_is_not_called_nothing(host: Client, house: House) -> None:
    house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    assert "Nothing to fix so far, Turnkey goes on trying." in words(host.get("/"))
    house.settle()
    assert "Nothing to fix. As of" in words(host.get("/"))


def test_a_board_on_which_nobody_works_any_more_says_so(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    """Whoever opens incidents is down, too: nothing else would ever tell."""
    house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    house.settle()
    Heartbeat.objects.create(name="sweep", at=timezone.now())
    clock.shift(timedelta(minutes=2))
    assert "stood still" not in words(host.get("/"))
    clock.shift(timedelta(minutes=2))
    page = words(host.get("/"))
    assert "✕ Turnkey has stood still since Mon 1 Mar, 10:00 CET." in page
    assert "can get in" in page  # as far as is known
    assert "Nothing to fix." not in page
    assert "manage.py doctor" in page
    Heartbeat.objects.update(at=timezone.now())
    assert "stood still" not in words(host.get("/"))


def part(page: Any, key: str) -> str:
    """What a list of the board says; empty where it is not shown."""
    found = re.findall(rf'id="{key}".*?</section>', text(page), re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])) if found else ""


def test_whom_the_sentence_fears_for_is_named_from_the_first_moment(host: Client, house: House) -> None:
    """Also who came days ago and leaves in days, and before any incident opens."""
    flat = house.flat(door := house.lock(), name="River room")
    house.cloud.set_connected(door.device_id, False)
    house.stay(flat, -2 * DAY, 9 * DAY, "Ben Ode")
    house.settle()
    page = host.get("/")
    assert "A guest who is due may stand before a closed door." in words(page)
    assert "Nothing to fix." not in words(page)
    said = part(page, "outside")
    assert "Ben Ode River room" in said
    assert "here since Sat 27 Feb, 10:00 CET" in said
    assert "Trying again: Door" in said
    assert part(host.get("/", {"q": "somebody else"}), "outside") == ""
    assert "Ben Ode" in part(host.get("/", {"show": "open"}), "outside")
    house.cloud.set_connected(door.device_id, True)
    LockState.objects.update(paused_until=None)
    house.settle()
    assert part(host.get("/"), "outside") == ""


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("off", "The property is switched off, and a guest is expected"),
        ("revoked", "The code is revoked, and its guest is expected"),
    ],
)
def test_who_arrives_without_a_code_is_something_to_mend_and_not_ready(
    host: Client, house: House, why: str, said: str
) -> None:
    flat = house.flat(house.lock(), is_active=why != "off")
    booking = house.stay(flat, 3 * HOUR, DAY, "Ben Ode")
    house.settle()
    if why == "revoked":
        host.post(f"/stays/{booking.pk}/revoke/", {"sure": "yes"})
        house.settle()
    page = host.get("/", {"show": "open"})
    assert "The guest who arrives in the next 24 hours cannot get in yet" in words(page)
    assert "1 thing to fix" in words(page)
    assert said in part(page, "issues")
    assert "Ben Ode" in part(page, "arrivals-today")


def test_what_to_mend_names_a_lock_that_is_called_like_its_property_once(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door, name="Attic")
    door.name = "Attic"
    door.save()
    booking = house.stay(flat, 3 * HOUR, DAY, "Anna")
    house.settle()
    Incident.open(Incident.Kind.CODE_LATE, timezone.now(), about=pin_of(booking, door))
    page = words(host.get("/"))
    assert "Anna at Attic" in page
    assert "Anna at Attic, Attic" not in page


def test_a_stay_that_was_cancelled_offers_nothing_to_try(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 40 * DAY, DAY)
    assert "Try again now" in text(host.get(f"/stays/{booking.pk}/"))
    booking.status = Booking.Status.CANCELLED
    booking.save()
    assert "Try again now" not in text(host.get(f"/stays/{booking.pk}/"))


def test_the_answer_follows_the_doors(host: Client, house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 3 * HOUR, DAY)
    assert "cannot get in yet" in words(host.get("/"))
    house.settle()
    assert "The guest who arrives in the next 24 hours can get in" in words(host.get("/"))
    Incident.open(Incident.Kind.CODE_LATE, timezone.now(), about=pin_of(booking, door))
    page = words(host.get("/"))
    assert "1 thing to fix" in page
    assert f'href="/stays/{booking.pk}/"' in text(host.get("/"))


@pytest.mark.parametrize("begins", [3 * HOUR, -5 * DAY])
def test_no_code_opens_a_lock_without_a_keypad(host: Client, house: House, begins: timedelta) -> None:
    """The code is on the lock, and there is nothing to enter it on: nobody is promised a way in."""
    door = house.lock()
    booking = house.stay(house.flat(door), begins, 9 * DAY)
    house.settle()
    Lock.objects.update(has_keypad=False)
    page = words(host.get("/"))
    assert ("cannot get in yet" if begins > DAY * 0 else "may stand before a closed door") in page
    stay = words(host.get(f"/stays/{booking.pk}/"))
    assert "No keypad: Door" in stay
    assert "Door ✕ No keypad The lock has no keypad" in stay  # and not that it is ready
    assert "✕ No keypad" in part(host.get("/"), "outside" if begins < DAY * 0 else "arrivals-today")
    assert "Ready" not in words(host.get(f"/locks/{door.pk}/"))
    listed = host.get("/admin/rentals/booking/?attention=yes").context["cl"].result_list
    assert [one.pk for one in listed] == [booking.pk]


def test_a_guest_who_is_due_and_has_no_code_at_all_is_not_passed_over(host: Client, house: House) -> None:
    """Whatever kept the code from being chosen: nothing is on the lock."""
    house.stay(house.flat(house.lock()), -HOUR, DAY)
    AccessGrant.objects.all().delete()
    assert "A guest who is due may stand before a closed door." in words(host.get("/"))


def test_a_code_that_the_lock_still_lets_in_is_said_at_once(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    """A removal may take ten minutes before somebody is alarmed; until it is done nobody is called locked out."""
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    house.settle()
    clock.shift(5 * HOUR)
    booking.status = Booking.Status.CANCELLED
    booking.save()
    assert "the code of a guest who left may still work" in words(host.get("/"))
    house.settle()
    assert "every guest who left is locked out" in words(host.get("/"))


def test_a_code_that_ended_by_itself_is_not_said_to_work(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    house.settle()
    clock.shift(DAY + 3 * HOUR + timedelta(minutes=1))
    assert "every guest who left is locked out" in words(host.get("/"))


def test_a_search_narrows_the_lists_and_leaves_the_answer(host: Client, house: House) -> None:
    flat, other = house.flat(house.lock(), name="River room"), house.flat(house.lock(), name="Attic")
    house.stay(flat, 3 * HOUR, DAY, "Anna Nowak")
    house.stay(other, 3 * HOUR, DAY, "Ben Ode")
    house.settle()
    for query, shown, hidden in (("ANNA", "Anna Nowak", "Ben Ode"), ("attic ben", "Ben Ode", "Anna Nowak")):
        page = words(host.get("/", {"q": query}))
        assert shown in page
        assert hidden not in page
        assert "Both guests who arrive" in page
    assert "Nobody found." in words(host.get("/", {"q": "nobody of this name"}))
    assert "River room" not in words(host.get("/timeline/", {"q": "ben"}))


def test_filters_narrow_the_lists_to_what_asks_for_something(host: Client, house: House) -> None:
    ready, waiting = house.flat(house.lock(), name="River room"), house.flat(door := house.lock(), name="Attic")
    told = house.stay(ready, 3 * HOUR, HOUR, "Anna Nowak")
    house.stay(ready, 5 * HOUR, HOUR, "Cleo Roe")
    house.cloud.set_connected(door.device_id, False)
    house.stay(waiting, 3 * HOUR, DAY, "Ben Ode")
    house.settle()
    AccessGrant.objects.filter(booking=told).update(disclosed_at=timezone.now())
    names = {"Anna Nowak", "Ben Ode", "Cleo Roe"}

    def listed(show: str) -> set[str]:
        (part,) = re.findall(r'id="arrivals-today".*?</section>', text(host.get("/", {"show": show})), re.DOTALL)
        return {name for name in names if name in part}

    assert listed("") == listed("nonsense") == names
    assert listed("open") == {"Ben Ode"}
    assert listed("untold") == {"Cleo Roe"}
    page = host.get("/", {"show": "open", "q": "ode"})
    assert "1 of 3 guests who arrive" in words(page)  # the answer is about all of them
    assert 'href="/?show=untold&amp;q=ode"' in text(page)
    assert 'name="show" value="open"' in text(page)


def test_long_lists_are_cut_and_shown_whole_on_request(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    for number in range(28):
        house.stay(flat, 3 * HOUR, DAY, f"Guest{number:02}")
    assert "Show 3 more" in words(host.get("/"))
    whole = host.get("/", {"all": "arrivals-today"})
    assert all(f"Guest{number:02}" in text(whole) for number in range(28))
    assert "Show" not in re.findall(r'id="arrivals-today".*?</section>', text(whole), re.DOTALL)[0]
    assert "Show 3 more" in words(host.get("/", {"all": "nonsense"}))


def test_htmx_gets_the_part_that_changes_and_nothing_else(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    for address in addresses(booking):
        part = host.get(address, headers={"HX-Request": "true"})
        assert "<html" not in text(part)
        assert text(part).strip() in text(host.get(address))
        assert "<html" in text(host.get(address, headers={"HX-Request": "true", "HX-Boosted": "true"}))


@pytest.mark.parametrize("who", ["nobody", "a customer", "a bookkeeper"])
def test_whoever_may_not_look_any_more_gets_no_part_but_is_sent_where_the_page_says_why(
    client: Client, house: House, who: str
) -> None:
    """htmx would follow a redirect and put the form to log in into the middle of the page."""
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    if who == "a customer":
        client.force_login(User.objects.create_user("customer"))
    elif who == "a bookkeeper":
        client.force_login(staff("bookkeeper", "view_property"))
    for address in addresses(booking):
        part = client.get(address, headers={"HX-Request": "true"})
        assert (part.status_code, part.get("HX-Refresh"), part.content) == (204, "true", b"")
        assert "no-store" in part["Cache-Control"]
        assert client.get(address).status_code in (302, 403)


def test_the_part_of_what_is_gone_sends_to_the_page_that_says_so(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    address = f"/stays/{booking.pk}/"
    booking.delete()
    assert host.get(address, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert host.get(address).status_code == 404


def test_the_board_asks_as_much_for_many_as_for_few(host: Client, house: House) -> None:
    def cost(address: str) -> int:
        host.get(address)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            host.get(address)
        return len(asked)

    def furnish(first: int, last: int) -> None:
        for number in range(first, last):
            flat = house.flat(house.lock(), house.lock(), name=f"Flat {number:02}")
            house.stay(flat, 3 * HOUR, DAY, f"Guest{number}")
            house.stay(flat, -DAY, DAY + 2 * HOUR, f"Former{number}")
        house.settle()

    furnish(0, 2)
    few = [cost("/"), cost("/timeline/")]
    furnish(2, 9)
    assert [cost("/"), cost("/timeline/")] == few


def test_the_board_says_the_time_of_its_properties(host: Client, house: House) -> None:
    house.flat(house.lock())
    assert "As of 10:00 CET ." in words(host.get("/"))
    assert "data-local" not in text(host.get("/"))
    tokyo = house.flat(house.lock(), timezone="Asia/Tokyo")
    assert "As of 09:00 UTC ." in words(host.get("/"))
    assert '<time datetime="2027-03-01T09:00:00+00:00" data-local>' in text(host.get("/"))
    restricted = operator("tokyo")
    PropertyAccess.objects.create(user=restricted).properties.set([tokyo])
    host.force_login(restricted)
    assert "As of 18:00 JST ." in words(host.get("/"))


@pytest.mark.parametrize("observe_only", [False, True])
def test_a_lock_that_was_offline_once_is_not_said_to_be_so_now(
    host: Client, house: House, clock: time_machine.Traveller, observe_only: bool
) -> None:
    """Nobody asks for the connection of a lock that nobody needs; where it is asked for, observing goes on too."""
    door = house.lock()
    house.flat(door)
    Lock.objects.update(is_connected=False)
    house.account.observe_only = observe_only
    house.account.save()
    assert "Door offline when last looked at" in words(host.get("/"))
    assert connectivity.locks_back_online(timezone.now(), house.client) == set()
    assert "Door offline when last looked at" in words(host.get("/"))

    LockState.objects.update_or_create(lock=door, defaults={"offline_since": timezone.now()})
    assert "Door offline Requests to Tedee" in words(host.get("/"))
    assert connectivity.locks_back_online(timezone.now(), house.client) == {door.pk}
    assert "None is known to be offline or low on battery." in words(host.get("/"))


def test_a_board_loads_each_lock_and_each_grant_once(house: House) -> None:
    """What is loaded anew for every code took most of the time of a board with many."""
    entrance = house.lock()
    for number in range(3):
        flat = house.flat(entrance, house.lock())
        for begins in (2, 5):
            house.stay(flat, (begins + number) * HOUR, DAY)
    house.settle()
    made: Counter[str] = Counter()

    def count(sender: type[Model], **more: Any) -> None:
        made[sender.__name__] += 1

    post_init.connect(count)
    try:
        loading.load(timezone.now(), scope=EVERYTHING)
    finally:
        post_init.disconnect(count)
    assert made["Pin"] == 12
    assert (made["Lock"], made["AccessGrant"], made["Booking"], made["Property"]) == (4, 6, 6, 6)
    assert made["LockAccount"] == 2  # of the codes, and of the requests to Tedee


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Warsaw"])
@pytest.mark.parametrize("today", [datetime(2027, 3, 1, 9, tzinfo=UTC), datetime(2027, 10, 30, 21, tzinfo=UTC)])
def test_today_and_tomorrow_are_listed_from_the_first_minute_to_the_last(
    host: Client, house: House, clock: time_machine.Traveller, zone: str, today: datetime
) -> None:
    """Also across the night in which clocks are put back, and beside a property at the other end of the world."""
    clock.move_to(today)
    host.force_login(operator("who works then"))
    there = ZoneInfo(zone)
    flat = house.flat(house.lock(), timezone=zone)
    house.flat(house.lock(), timezone="Asia/Tokyo")
    midnight = datetime.combine(today.astimezone(there).date(), time(), there)
    late = timedelta(days=1, hours=23, minutes=59)  # by the clock on the wall
    house.stay(flat, midnight.astimezone(UTC), timedelta(minutes=5), "First")
    house.stay(flat, (midnight + late).astimezone(UTC), 5 * DAY, "Last")
    house.stay(flat, (midnight - 5 * DAY).astimezone(UTC), 5 * DAY - timedelta(minutes=1), "Before")
    house.stay(flat, (midnight + 2 * DAY).astimezone(UTC), 5 * DAY, "After")
    house.stay(flat, (midnight - 9 * DAY).astimezone(UTC), (midnight + late) - (midnight - 9 * DAY), "Leaves")
    lists = {one.key: [row.guest for row in one.rows] for one in host.get("/").context["board"].lists}
    assert lists == {
        "arrivals-today": ["First"],
        "departures-today": ["First"],
        "arrivals-tomorrow": ["Last"],
        "departures-tomorrow": ["Leaves"],
    }


# -- the timeline ------------------------------------------------------------------------------------------------------


def test_the_timeline_shows_turnovers_overlaps_and_who_stays(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    for arrives, leaves, name in ((1, 3, "Anna"), (3, 5, "Ben"), (4, 6, "Cleo")):
        Booking.objects.create(
            property=flat,
            guest_name=name,
            check_in=flat.check_in_on(day(3, arrives)),
            check_out=flat.check_out_on(day(3, leaves)),
        )
    Booking.objects.create(
        property=flat,
        guest_name="Gone",
        status="cancelled",
        check_in=flat.check_in_on(day(3, 8)),
        check_out=flat.check_out_on(day(3, 9)),
    )
    page = words(host.get("/timeline/"))
    assert all(name in page for name in ("Anna", "Ben", "Cleo"))
    assert "Gone" not in page
    assert page.count("overlaps another stay") == 2
    shown = host.get("/timeline/", {"from": "2027-03-05"}).context["timeline"]
    assert [bar.bar.label for bar in shown.lines[0].bars] == ["Ben", "Cleo"]


def test_today_on_the_timeline_is_said_and_where_it_differs_row_by_row(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    house.flat(house.lock(), name="Attic")
    tokyo = house.flat(house.lock(), name="Bay", timezone="Asia/Tokyo")
    page = host.get("/timeline/")
    assert [one.day for one in page.context["timeline"].columns if one.is_today] == [date(2027, 3, 1)]
    assert words(page).count("today") == 1
    assert "Mon 1 Mar today" in words(page)

    clock.shift(8 * HOUR)  # 18:00 in Warsaw, and two in the night in Tokyo
    page = host.get("/timeline/")
    shown = page.context["timeline"]
    assert [one.day for one in shown.columns if one.is_today] == [date(2027, 3, 1), date(2027, 3, 2)]
    assert shown.first == date(2027, 2, 28)
    assert "Today is not the same day at all of these properties" in words(page)
    assert "Attic Mon 1 Mar, 18:00 CET" in words(page)
    assert "Bay Tue 2 Mar, 02:00 JST" in words(page)
    assert "Mon 1 Mar today at some Tue 2 today at some Wed 3" in words(page)
    restricted = operator("tokyo")
    PropertyAccess.objects.create(user=restricted).properties.set([tokyo])
    host.force_login(restricted)
    page = host.get("/timeline/")
    assert "Tue 2 today Wed 3" in words(page)
    assert "Tue 2 Mar" not in words(page)


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "yesterday"},
        {"from": "0001-01-01"},
        {"from": "9999-12-31"},
        {"from": "2027-02-30"},
        {"page": "-1"},
        {"page": "abc"},
        {"page": "²"},
        {"page": "99999"},
        {"page": "9" * 400},
        {"q": "%' OR 1=1 --"},
        {"q": "<script>alert(1)</script>"},
        {"q": "\x00"},
        {"q": "x" * 10_000},
        {"q": " \t "},
        {"all": "\x00"},
        {"show": "\x00"},
    ],
)
@pytest.mark.parametrize("address", ["/", "/timeline/"])
def test_nonsense_in_the_address_is_taken_for_nothing(
    host: Client, house: House, address: str, asked: dict[str, str]
) -> None:
    house.stay(house.flat(house.lock()), 3 * HOUR, DAY)
    page = text(host.get(address, asked))
    assert "<script>alert" not in page
    assert "\x00" not in page


def test_pages_of_the_timeline(host: Client) -> None:
    Property.objects.bulk_create(Property(name=f"Flat {number:02}") for number in range(23))
    assert "Page 1 of 2" in words(host.get("/timeline/"))
    assert "Flat 22" in words(host.get("/timeline/", {"page": "2"}))


# -- one stay, one lock ------------------------------------------------------------------------------------------------


def test_a_look_that_is_due_soon_is_not_called_the_end_of_a_code(host: Client, house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 3 * HOUR, 2 * DAY)
    house.settle()
    said = re.search(r"Comes off the lock [^.]+", words(host.get(f"/stays/{booking.pk}/")))
    assert said
    pin = pin_of(booking, door)
    pin.next_try_at = timezone.now() + timedelta(seconds=30)
    pin.save()
    assert said[0] in words(host.get(f"/stays/{booking.pk}/"))


def test_a_lock_that_is_offline_says_what_to_do(host: Client, house: House) -> None:
    door = house.lock()
    house.flat(door)
    assert "Check the bridge" not in words(host.get(f"/locks/{door.pk}/"))
    door.is_connected = False
    door.save()
    assert "The lock is offline. Check the bridge and its Wi-Fi" in words(host.get(f"/locks/{door.pk}/"))


def test_a_lock_that_just_refused_as_offline_is_nowhere_called_connected(host: Client, house: House) -> None:
    """What Tedee said of its connection is older than what the request met with."""
    flat = house.flat(door := house.lock())
    Lock.objects.update(is_connected=True)
    house.cloud.set_connected(door.device_id, False)
    house.stay(flat, 3 * HOUR, DAY)
    house.settle()
    page = words(host.get(f"/locks/{door.pk}/"))
    assert "Device ! Offline The lock is offline. Next try" in page
    assert "Connected no" in page
    assert "Door offline" in words(host.get("/"))


def test_a_calendar_that_was_not_read_is_not_said_to_be_read(host: Client, house: House) -> None:
    feed = CalendarFeed.objects.create(property=house.flat(), name="Airbnb", url="https://cal.test/a.ics")
    assert "1 calendar is read regularly." in words(host.get("/"))
    FeedState.objects.filter(feed=feed).update(failures=1, last_error="no_host")
    assert "1 calendar is read regularly, 1 could not be read the last time." in words(host.get("/"))


def test_a_lock_page_tells_ours_from_what_is_missing(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door)
    house.stay(flat, 3 * HOUR, DAY, "Anna")
    house.settle()
    house.stay(flat, 2 * DAY, DAY, "Ben")
    house.stay(flat, 60 * DAY, DAY, "Later")
    page = words(host.get(f"/locks/{door.pk}/"))
    assert "Set, Anna: Done" in page
    assert page.index("Expected, not there yet") < page.index("Ben") < page.index("Ours") < page.index("Anna")
    assert "Later" not in page
