"""A guest's data is erased on request, from every table, and no later import brings it back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from pins import tasks
from pins.models import AccessGrant, Delivery, GuestPage, Incident, NotificationChannel, Pin
from pins.notify import collecting
from pins.retention import forgetting
from rentals.models import Booking, CalendarFeed, FeedItem, Property
from tests.support.calendars import airbnb, day, event
from tests.support.house import House
from tests.support.imports import feed_of, take
from tests.support.pages import text
from tests.support.people import operator, staff

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST, LAST, RESERVATION = "Quentinus", "Wyrzykowska", "HMQ7WYRZ99"
NAME = f"{FIRST} {LAST}"


def rows_that_say(*words: str) -> list[str]:
    """Each column of each table in which one of the words stands, also behind encryption and in any case."""
    return sorted({place for model in apps.get_models() for place in _places(model, words)})


def _places(model: type[Model], words: tuple[str, ...]) -> Iterator[str]:
    for row in model._default_manager.all():
        for field in model._meta.concrete_fields:
            said = str(field.value_from_object(row)).casefold()
            if any(word.casefold() in said for word in words):
                yield f"{model._meta.label}.{field.name}"


def stay_event() -> str:
    url = f"Reservation URL: https://www.airbnb.com/hosting/reservations/details/{RESERVATION}"
    return event("one@example.com", day(3, 3), day(3, 6), NAME, description=f"{url}\\nPhone: 4477")


def lived_through(house: House, clock: time_machine.Traveller) -> tuple[Booking, CalendarFeed]:
    """A stay by a calendar, with everything that is ever written about a guest, two days after its end."""
    flat = house.flat(house.lock())
    NotificationChannel.objects.create(name="Host", target="host@example.com", events=["incident.opened", "code.ready"])
    feed = feed_of(flat)
    take(feed, [stay_event()])
    booking = Booking.objects.get()
    house.settle()
    Incident.open(Incident.Kind.STAYS_OVERLAP, timezone.now(), about=booking)
    Incident.open(Incident.Kind.CODE_LATE, timezone.now(), about=Pin.objects.get())
    clock.shift(timedelta(minutes=2))
    collecting.collect(timezone.now())
    person = User.objects.create_superuser("chief")
    for about in (booking, AccessGrant.objects.get(), Pin.objects.get()):
        LogEntry.objects.log_actions(person.pk, [about], CHANGE, "Try again now: done", single_object=True)
    LogEntry.objects.log_actions(person.pk, [booking], CHANGE, f"Wrote to {FIRST}", single_object=True)
    house.live(clock, 7 * DAY)
    booking.refresh_from_db()
    assert booking.guest_name == NAME
    assert Pin.objects.get().state == "removed"
    return booking, feed


def test_nothing_in_any_table_names_the_guest(house: House, clock: time_machine.Traveller) -> None:
    booking, _ = lived_through(house, clock)
    before = rows_that_say(FIRST, LAST, RESERVATION)
    assert len(before) >= 8, before  # the stay, its calendar row, its code, the code on the lock, messages, history
    assert Delivery.objects.exists()
    erased = forgetting.forget(booking.pk, timezone.now())
    assert rows_that_say(FIRST, LAST, RESERVATION) == []
    assert not erased.waits
    assert {word for word, number in erased.counts.items() if number} == {
        "stay",
        "calendar row",
        "code",
        "line of the history",
    }
    assert Booking.objects.filter(status="confirmed").count() == 1  # nights are still counted
    assert LogEntry.objects.filter(user__username="chief").count() == 4  # who did something is still known


def test_the_address_of_a_guest_goes_and_so_does_the_page(house: House, clock: time_machine.Traveller) -> None:
    flat = house.flat(house.lock())
    booking = house.stay(flat, HOUR, DAY)
    contact = {"guest_email": f"{LAST}@example.com", "guest_phone": "+48600123987", "guest_language": "pl"}
    Booking.objects.update(**contact)
    GuestPage.objects.create(booking=booking)
    clock.shift(2 * DAY)
    house.settle()
    erased = forgetting.forget(booking.pk, timezone.now())
    assert erased.counts["guest page"] == 1
    assert rows_that_say(LAST, "600123987") == []
    assert not GuestPage.objects.exists()


@pytest.mark.parametrize("moved", [0, 1], ids=["as it was", "with another name"])
def test_a_later_import_does_not_bring_the_name_back(house: House, clock: time_machine.Traveller, moved: int) -> None:
    booking, feed = lived_through(house, clock)
    forgetting.forget(booking.pk, timezone.now())
    again = stay_event().replace(FIRST, "Quentinus J." if moved else FIRST)
    take(feed, [again, airbnb("other", day(3, 20), day(3, 22), "HMOTHER111")])
    Property.objects.get().save()  # its times are read anew with every row
    house.settle()
    assert rows_that_say(FIRST, LAST, RESERVATION) == []
    assert Booking.objects.filter(status="confirmed").count() == 2


def test_a_guest_who_left_before_the_calendar_says_so_is_not_read_again(
    house: House, clock: time_machine.Traveller
) -> None:
    """The host ended the stay; its calendar lists it for another day, and under a new UID, too."""
    flat = house.flat(house.lock())
    feed = feed_of(flat)
    take(feed, [stay_event()])
    booking = Booking.objects.get()
    clock.move_to(booking.check_in + DAY)
    booking.check_out = timezone.now()
    booking.save()
    clock.shift(HOUR)
    house.settle()
    forgetting.forget(booking.pk, timezone.now())
    for uid in ("one@example.com", "another@example.com"):
        take(feed, [stay_event().replace("one@example.com", uid)])
        house.settle()
        assert rows_that_say(FIRST, LAST, RESERVATION) == []
        assert not Booking.objects.filter(check_out__gt=timezone.now()).exists()


def test_a_guest_who_stays_on_after_all_gets_a_code(house: House, clock: time_machine.Traveller) -> None:
    """Erasing must not lock anybody out: what the calendar lists for the coming days is a stay."""
    flat = house.flat(house.lock())
    feed = feed_of(flat)
    take(feed, [stay_event()])
    booking = Booking.objects.get()
    clock.move_to(booking.check_out + HOUR)
    house.settle()
    forgetting.forget(booking.pk, timezone.now())
    take(feed, [stay_event().replace("20270306", "20270308")])
    house.settle()
    again = Booking.objects.exclude(pk=booking.pk).get()
    assert again.guest_name == NAME
    assert Pin.objects.get(grant__booking=again).state == "set"


def test_a_stay_that_is_not_over_waits_for_its_end(house: House, clock: time_machine.Traveller) -> None:
    booking = house.stay(house.flat(house.lock()), HOUR, DAY, name=NAME)
    house.settle()
    erased = forgetting.forget(booking.pk, timezone.now())
    assert (erased.waits, sum(erased.counts.values())) == (True, 0)
    tasks.purge()
    booking.refresh_from_db()
    assert booking.guest_name == NAME
    house.live(clock, 2 * DAY)
    tasks.purge()
    assert rows_that_say(FIRST, LAST) == []
    assert not Booking.objects.filter(forget_guest=True).exists()


def test_the_name_in_the_lock_app_is_known_until_the_code_is_off(house: House, clock: time_machine.Traveller) -> None:
    """A removal whose answer was lost finds the code by that name."""
    booking = house.stay(house.flat(house.lock()), HOUR, DAY, name=NAME)
    house.settle()
    clock.shift(3 * DAY)  # the code could not be taken off
    erased = forgetting.forget(booking.pk, timezone.now())
    assert erased.waits
    assert set(rows_that_say(FIRST, LAST)) <= {"pins.Pin.alias", "pins.Pin.sent_alias"}
    assert FIRST in Pin.objects.get().alias
    house.settle()
    tasks.purge()
    assert rows_that_say(FIRST, LAST) == []


def test_the_name_of_a_second_code_goes_and_the_code_is_still_told(house: House, clock: time_machine.Traveller) -> None:
    booking = house.stay(house.flat(house.lock()), HOUR, DAY, name=NAME)
    house.settle()
    clock.shift(3 * DAY)
    house.settle()
    Pin.objects.update(twins=[[30, NAME]], suspected_at=timezone.now(), observed_rev=7)
    forgetting.forget(booking.pk, timezone.now())
    assert rows_that_say(FIRST, LAST) == []
    assert Pin.objects.get().twins == [[30, ""]]
    assert Pin.objects.get().observed_rev > 7  # a run that read the row before does not store the name again


def test_a_code_that_never_was_on_its_way_keeps_no_name(house: House, clock: time_machine.Traveller) -> None:
    """Its lock was out of use, and no run of it will ever come."""
    booking = house.stay(house.flat(house.lock()), HOUR, DAY, name=NAME)
    assert FIRST in Pin.objects.get().alias
    clock.shift(3 * DAY)
    assert not forgetting.forget(booking.pk, timezone.now()).waits
    assert rows_that_say(FIRST, LAST) == []


def test_names_go_by_age(house: House, clock: time_machine.Traveller, settings: Any) -> None:
    settings.GUEST_KEEP_DAYS = 30
    flat = house.flat(house.lock())
    house.stay(flat, HOUR, DAY, name=NAME)
    house.stay(flat, 20 * DAY, DAY, name="Anna Nowak")
    house.live(clock, 40 * DAY)
    tasks.purge()
    assert sorted(Booking.objects.values_list("guest_name", flat=True)) == ["", "Anna Nowak"]


# -- the command ----------------------------------------------------------------------------------------------------


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("forget_guest", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("which", [("--name", "QUENTINUS  wyrzykowska"), ("--reservation", RESERVATION.lower())])
def test_the_command_finds_the_guest_and_says_what_it_erased(
    house: House, clock: time_machine.Traveller, which: tuple[str, str]
) -> None:
    booking, _ = lived_through(house, clock)
    dry = run(*which, "--dry-run")
    assert "Would erase: 1 calendar row, 1 code, 1 stay and 2 lines of the history." in dry
    assert Booking.objects.get().guest_name == NAME
    said = run(*which, "--by", "chief")
    assert "Erased: 1 calendar row, 1 code, 1 stay and 2 lines of the history." in said
    assert NAME not in dry + said
    assert rows_that_say(FIRST, LAST, RESERVATION) == []
    line = LogEntry.objects.filter(object_id=str(booking.pk)).first()
    assert line is not None
    assert line.user.get_username() == "chief"
    assert "Erase the guest's data" in line.get_change_message()


def test_the_command_asks_which_of_several_and_who_has_it_done(house: House, clock: time_machine.Traveller) -> None:
    flat = house.flat(house.lock())
    for begins in (HOUR, 3 * DAY):
        house.stay(flat, begins, DAY, name=NAME)
    house.live(clock, 9 * DAY)
    User.objects.create_superuser("chief")
    for arguments, wanted in (
        (("--name", NAME, "--by", "chief"), "Several stays match"),
        (("--name", NAME), "--by USER"),
        (("--name", "...", "--by", "chief"), "letters"),
        (("--name", "Nobody Here", "--by", "chief"), "Nobody was found"),
        (("--stay", "999", "--by", "chief"), "Nobody was found"),
    ):
        with pytest.raises(CommandError, match=wanted):
            run(*arguments)
    assert Booking.objects.filter(guest_name=NAME).count() == 2
    run("--name", NAME, "--by", "chief", "--all")
    assert rows_that_say(FIRST, LAST) == []


def test_what_belongs_to_no_stay_any_more_is_erased_by_name(house: House, clock: time_machine.Traveller) -> None:
    booking, _ = lived_through(house, clock)
    booking.delete()
    assert rows_that_say(FIRST, LAST)  # the record of the code, and the history
    run("--name", NAME, "--by", "chief")
    assert rows_that_say(FIRST, LAST, RESERVATION) == []


def test_a_row_that_was_never_a_stay_is_erased_too(house: House, clock: time_machine.Traveller) -> None:
    feed = feed_of(house.flat(house.lock()))
    take(feed, [stay_event()])
    FeedItem.objects.update(booking=None)
    Booking.objects.all().delete()
    FeedItem.objects.update(guest_name=NAME, decision="")
    clock.shift(30 * DAY)
    User.objects.create_superuser("chief")
    run("--name", NAME, "--by", "chief")
    assert rows_that_say(FIRST, LAST, RESERVATION) == []


# -- the button -----------------------------------------------------------------------------------------------------


def test_the_button_asks_first_and_the_history_says_who(
    client: Client, house: House, clock: time_machine.Traveller
) -> None:
    booking, _ = lived_through(house, clock)
    person = staff("office", "view_booking", "forget_guest")
    client.force_login(person)
    address = f"/stays/{booking.pk}/forget/"
    assert address in text(client.get(f"/stays/{booking.pk}/"))
    asked = text(client.get(address))
    assert "1 calendar row, 1 code, 1 stay and 2 lines of the history" in asked
    assert Booking.objects.get().guest_name == NAME
    answer = text(client.post(address, follow=True))
    assert "data was erased" in answer
    client.logout()
    person.refresh_from_db()
    line = LogEntry.objects.get(user=person)
    assert "Erase the guest's data" in line.get_change_message()
    assert line.action_time == timezone.now()
    Session.objects.all().delete()
    assert rows_that_say(FIRST, LAST, RESERVATION) == []


def test_the_button_is_for_those_with_its_permission(client: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), HOUR, DAY, name=NAME)
    client.force_login(operator())
    address = f"/stays/{booking.pk}/forget/"
    assert address not in text(client.get(f"/stays/{booking.pk}/"))
    assert [client.get(address).status_code, client.post(address).status_code] == [403, 403]
    client.force_login(staff("office", "view_booking", "forget_guest"))
    assert client.get("/stays/999/forget/").status_code == 404
    client.post(address)
    booking.refresh_from_db()
    assert (booking.guest_name, booking.forget_guest) == (NAME, True)
    assert "will be erased in the night after the stay is over" in text(client.get(f"/stays/{booking.pk}/"))
