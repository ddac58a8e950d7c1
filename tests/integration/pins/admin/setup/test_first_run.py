"""The first run, from an empty database to a code on a lock, and what may go wrong on the way. Nothing that was entered
is lost, and each step is done when the cloud, the calendar or the worker says so."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from pins.admin.setup import facts
from pins.admin.setup.steps import Key, current, judge
from pins.models import AccessGrant, Heartbeat, Incident, LockState
from pins.reconcile import by_hand, run, sweep
from pins.simulator.cloud import Cloud
from pins.simulator.server import SimulatorServer
from pins.stack.checkup.findings import Health
from pins.stack.checkup.first_run import first_run
from rentals.models import Booking, CalendarFeed, Lock, LockAccount, Property
from tests.support.calendars import airbnb, calendar
from tests.support.feeds import FeedServer
from tests.support.house import KEY, House
from tests.support.pages import content, text
from tests.support.people import operator, staff
from tests.support.real_cloud import close_clients

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

ACCOUNT = {"name": "Office", "secret": KEY}
FLAT = {"name": "Garden", "timezone": "warsaw", "check_in_time": "15:00", "check_out_time": "11:00"}


@pytest.fixture
def cloud(settings: Settings) -> Iterator[Cloud]:
    """A simulated cloud behind a socket, with one lock."""
    cloud = Cloud(key=KEY)
    cloud.add_lock("Front door", "S-1")
    with SimulatorServer(cloud, "127.0.0.1", 0) as server:
        settings.TEDEE_API_URL = server.api_url
        yield cloud
        close_clients()


def here() -> Key | None:
    step = current(judge(facts.load(timezone.now())))
    return step.key if step is not None else None


def words(response: Any) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", content(response))))


def press(host: Client, step: str, **typed: Any) -> Any:
    return host.post(f"/setup/{step}/", typed, follow=True)


def work() -> None:
    """What worker and beat would do meanwhile."""
    Heartbeat.objects.update_or_create(name="sweep", defaults={"at": timezone.now()})
    while due := sweep.due_locks(timezone.now()):
        for lock in due:
            run.reconcile_lock(lock)


def booking(flat: Property, **typed: str) -> dict[str, str]:
    day = timezone.now().date()
    usual = {"arrival_date": f"{day}", "arrival_time": "12:00", "departure_date": f"{day + timedelta(days=2)}"}
    return {"property": str(flat.pk), "guest_name": "Ada First", "departure_time": "", **usual, **typed}


def with_flat(host: Client) -> Property:
    if not LockAccount.objects.exists():
        press(host, "account", **ACCOUNT)
    press(host, "flats", **FLAT, locks=[str(one) for one in Lock.objects.values_list("pk", flat=True)])
    return Property.objects.get()


def test_from_an_empty_database_to_a_code_on_the_lock(host: Client, cloud: Cloud) -> None:
    (door,) = cloud.locks()
    cloud.add_foreign_pin(door.id, "07/24 Brian xNSAgd")
    assert host.get("/")["Location"] == "/setup/"
    assert "No Tedee account is connected yet." in words(host.get("/setup/", follow=True))

    tested = words(press(host, "account", **ACCOUNT))
    assert "1 lock of 1 can take a code." in tested
    assert "being read" in tested
    assert LockAccount.objects.get().observe_only
    key = words(host.get("/setup/key/"))
    assert "Tedee accepts the key." in key
    assert "it may read locks and change codes" in key
    work()
    locks = words(host.get("/setup/locks/"))
    assert "1 by Airbnb" in locks
    assert "Disconnect the lock in the listing at Airbnb" in locks
    assert here() is Key.FLATS

    saved = words(press(host, "flats", **FLAT, locks=[str(Lock.objects.get().pk)]))
    assert "Garden: saved." in saved
    assert Property.objects.get().timezone == "Europe/Warsaw"
    assert here() is Key.CALENDAR
    press(host, "stay", **booking(Property.objects.get()))
    assert here() is Key.BEGIN
    assert "Observe only" in words(host.get("/setup/watch/"))
    work()
    assert not [one for one in cloud.pins(door.id) if one.alias.startswith("Ada")]

    assert "1 code goes onto their locks at once" in words(host.get("/setup/begin/"))
    kept = words(press(host, "begin", observe_only="on"))
    assert "goes on observing" in kept
    assert LockAccount.objects.get().observe_only
    press(host, "begin")
    assert here() is Key.BEGIN
    assert "being put on its locks" in words(host.get("/setup/begin/"))
    work()
    assert here() is None
    done = words(host.get("/setup/", follow=True))
    assert "The first code is on 1 lock, and Tedee has confirmed it." in done
    (made,) = [one for one in cloud.pins(door.id) if one.alias.startswith("Ada")]
    assert made.value == AccessGrant.objects.get().code
    assert made.value not in done
    assert host.get("/").status_code == 200


def test_a_wrong_key_is_said_and_another_one_takes_its_place(host: Client, cloud: Cloud) -> None:
    refused = press(host, "account", name="Office", secret="SECRET-canary")
    assert "Tedee refuses the key of “Office”" in words(refused)
    assert "canary" not in content(refused)
    assert here() is Key.KEY
    assert "This is not an access key" in words(press(host, "key", secret="not a kéy"))
    close_clients()  # the product leaves that of the former key to whoever still uses it
    put_right = words(press(host, "key", secret=KEY))
    assert "1 lock of 1 can take a code." in put_right
    assert LockAccount.objects.get().name == "Office"


def test_a_cloud_out_of_reach_loses_neither_account_nor_key(host: Client, settings: Settings) -> None:
    settings.TEDEE_API_URL = "http://127.0.0.1:9/api/v37"
    said = words(press(host, "account", **ACCOUNT))
    assert "The Tedee cloud cannot be reached" in said
    assert "is not tested yet" in said
    assert LockAccount.objects.get().secret == KEY
    close_clients()


def test_a_key_that_may_only_read_is_found_before_a_guest_arrives(host: Client, cloud: Cloud) -> None:
    cloud.set_key_writes("demo", False)
    assert "may read locks and put no code on them" in words(press(host, "account", **ACCOUNT))
    assert here() is Key.KEY
    cloud.set_key_writes("demo", True)
    press(host, "key", test="yes")
    assert here() is Key.FLATS


def test_an_account_without_locks_and_locks_without_keypads_are_told_with_what_to_do(
    host: Client, settings: Settings
) -> None:
    cloud = Cloud(key=KEY)
    with SimulatorServer(cloud, "127.0.0.1", 0) as server:
        settings.TEDEE_API_URL = server.api_url
        assert "The account shows no lock." in words(press(host, "account", **ACCOUNT))
        cloud.add_lock("Cellar", "S-2", keypad=None)
        said = words(press(host, "locks"))
        assert "No lock can take a code." in said
        assert "Cellar: no keypad: guests cannot enter a code. Pair one in the Tedee app." in said
        assert here() is Key.LOCKS
        close_clients()


def test_a_flat_needs_a_zone_and_a_lock_and_keeps_what_was_typed(host: Client, cloud: Cloud) -> None:
    press(host, "account", **ACCOUNT)
    answer = press(host, "flats", **{**FLAT, "timezone": ""})
    assert answer.status_code == 422
    assert "Choose at least one lock" in words(answer)
    assert 'value="Garden"' in content(answer)
    assert not Property.objects.exists()


class TestCalendar:
    @pytest.fixture
    def feeds(self, settings: Settings) -> Iterator[FeedServer]:
        settings.FEEDS_ALLOW_PRIVATE_HOSTS = True
        with FeedServer() as feeds:
            yield feeds

    def enter(self, host: Client, url: str, **typed: str) -> Any:
        flat = Property.objects.get()
        return press(host, "calendar", **{"name": "Airbnb", "property": str(flat.pk), "url": url, **typed})

    def test_is_shown_before_it_is_taken_over(self, host: Client, cloud: Cloud, feeds: FeedServer) -> None:
        with_flat(host)
        url = feeds.put("/secret-canary.ics", calendar(airbnb("a", date(2027, 3, 1), date(2027, 3, 4), "HMABCDEFGH")))
        shown = self.enter(host, url)
        assert "What “Airbnb” would bring" in words(shown)
        assert "canary" not in content(shown)
        assert not Booking.objects.exists()
        assert not CalendarFeed.objects.get().is_active
        assert here() is Key.CALENDAR
        carried = re.search(r'name="carried" value="([^"]+)"', content(shown))
        assert carried is not None
        taken = words(press(host, "calendar", carried=carried[1]))
        assert "taken over" in taken
        assert CalendarFeed.objects.get().is_active
        assert Booking.objects.count() == 1
        assert here() is Key.WATCH

    def test_that_is_none_is_said_and_corrected_with_nothing_typed_twice(
        self, host: Client, cloud: Cloud, feeds: FeedServer
    ) -> None:
        with_flat(host)
        said = self.enter(host, feeds.put("/page", b"<html>Log in</html>"))
        assert said.status_code == 422
        assert "Your entries are kept." in words(said)
        assert 'value="Airbnb"' in content(said)
        assert "An address on 127.0.0.1 is stored." in words(said)
        good = feeds.put("/good.ics", calendar(airbnb("a", date(2027, 3, 1), date(2027, 3, 4), "HMABCDEFGH")))
        assert "would bring" in words(self.enter(host, good))
        assert CalendarFeed.objects.count() == 1

    def test_needs_an_address(self, host: Client, cloud: Cloud) -> None:
        with_flat(host)
        assert "Paste the calendar's export link here." in words(self.enter(host, ""))
        assert not CalendarFeed.objects.exists()

    def test_with_a_preview_that_was_altered_brings_nothing(
        self, host: Client, cloud: Cloud, feeds: FeedServer
    ) -> None:
        with_flat(host)
        self.enter(host, feeds.put("/a.ics", calendar()))
        assert "too old or damaged" in words(press(host, "calendar", carried="altered"))
        assert not CalendarFeed.objects.get().is_active


def test_a_booking_in_the_past_is_refused_and_one_far_ahead_says_when_its_code_comes(
    host: Client, cloud: Cloud
) -> None:
    flat = with_flat(host)
    past = press(host, "stay", **booking(flat, arrival_date="2027-02-01", departure_date="2027-02-03"))
    assert past.status_code == 422
    assert "so it would get no code. Choose a departure that is still to come." in words(past)
    assert 'value="Ada First"' in content(past)
    assert not Booking.objects.exists()
    press(host, "stay", **booking(flat, arrival_date="2027-08-01", departure_date="2027-08-03"))
    assert "goes onto the locks on Fri 2 Jul 2027" in words(host.get("/setup/stay/"))


def test_work_that_stands_still_is_said_instead_of_a_code_that_never_comes(host: Client, cloud: Cloud) -> None:
    press(host, "stay", **booking(with_flat(host)))
    assert "Turnkey has not begun to work." in words(host.get("/setup/watch/"))
    work()
    assert here() is Key.BEGIN
    Heartbeat.objects.update(at=timezone.now() - timedelta(hours=1))
    assert "Turnkey has stood still for a while." in words(host.get("/setup/watch/"))


def test_only_administrators_of_everything_get_in_and_others_are_told_whom_to_ask(client: Client) -> None:
    assert client.get("/setup/").status_code == 302
    client.force_login(operator())
    refused = client.get("/setup/account/")
    assert refused.status_code == 403
    assert "Ask one to do it" in words(refused)
    assert client.post("/setup/account/", ACCOUNT).status_code == 403
    assert not LockAccount.objects.exists()
    assert client.get("/").status_code == 200
    part = client.get("/setup/watch/", headers={"HX-Request": "true"})
    assert (part.status_code, part["HX-Refresh"]) == (204, "true")
    client.force_login(staff("nobody"))
    assert client.get("/setup/").status_code == 403


def test_what_a_person_must_fix_is_shown_before_the_first_run(host: Client) -> None:
    assert host.get("/").status_code == 302
    Incident.open(Incident.Kind.LOGINS_FAIL, timezone.now(), about=None)
    board = words(host.get("/"))
    assert "Somebody tries many passwords" in board
    assert "Go on with the first run" in board


def test_an_unknown_step_is_not_there_and_a_part_renews_itself(host: Client, cloud: Cloud) -> None:
    assert host.get("/setup/nothing/").status_code == 404
    press(host, "stay", **booking(with_flat(host)))
    part = text(host.get("/setup/watch/", headers={"HX-Request": "true"}))
    assert "<html" not in part
    assert "Ada First" in part


def test_doctor_says_the_words_of_the_pages(host: Client, cloud: Cloud) -> None:
    def said() -> tuple[Health, str]:
        *done, last = first_run()
        assert all(one.health is Health.OK for one in done)
        return last.health, last.text

    def page_says(what: str) -> bool:
        return what in words(host.get("/setup/", follow=True))

    def judged() -> None:
        close_clients()
        health, what = said()
        assert health is Health.WARN
        assert page_says(what)

    judged()
    press(host, "account", name="Office", secret="wrong-key")
    judged()
    press(host, "key", secret=KEY)
    judged()
    with_flat(host)
    judged()
    press(host, "stay", **booking(Property.objects.get()))
    press(host, "begin")
    work()
    assert said() == (Health.OK, "done")


def test_locks_without_codes_are_read_when_asked_and_no_others(house: House) -> None:
    read, unread, useless = house.lock("Read"), house.lock("Unread"), house.lock("Useless")
    Lock.objects.filter(pk=useless.pk).update(has_keypad=False)
    LockState.objects.filter(lock=read).update(looked_at=timezone.now())
    every = [read.pk, unread.pk, useless.pk]
    assert by_hand.first_look(every, timezone.now()) == {unread.pk}
    house.cloud.add_foreign_pin(unread.device_id, "Cleaner")
    house.settle()
    state = LockState.objects.get(lock=unread)
    assert (state.foreign_pins, state.looked_at) == (1, timezone.now())
    assert house.requests == 1
    assert by_hand.first_look(every, timezone.now()) == set()


@pytest.mark.parametrize("step", list(Key))
def test_every_step_can_be_opened_at_any_time(host: Client, step: Key) -> None:
    assert text(host.get(f"/setup/{step.value}/"))
