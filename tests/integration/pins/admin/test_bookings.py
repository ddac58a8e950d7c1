"""The booking form and list as a host uses them: wall times, clock changes, messages, codes that only go in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from pins.core.pin_state import State
from pins.desired import code_overrides
from pins.models import AccessGrant, Pin
from rentals.models import Booking, Property
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ADD = "/admin/rentals/booking/add/"
LIST = "/admin/rentals/booking/"
CODE = "480261"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def host(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("host"))
    return client


@pytest.fixture
def house() -> House:
    return House()


def page(booking: Booking) -> str:
    return f"/admin/rentals/booking/{booking.pk}/change/"


def typed(flat: Property | None, **changes: str) -> dict[str, str]:
    return {
        "property": str(flat.pk) if flat else "",
        "guest_name": "Anna Nowak",
        "status": "confirmed",
        "arrival_date": "2027-03-03",
        "arrival_time": "",
        "departure_date": "2027-03-08",
        "departure_time": "",
        "own_code": "",
        **changes,
    }


def stay_in(flat: Property, days: int = 2, lasts: int = 5) -> Booking:
    """A stay that uses the property's times."""
    first = (NOW + days * DAY).date()
    return Booking.objects.create(
        property=flat,
        guest_name="Anna Nowak",
        check_in=flat.check_in_on(first),
        check_out=flat.check_out_on(first + lasts * DAY),
        follows_property_times=True,
    )


def as_shown(host: Client, booking: Booking) -> dict[str, str]:
    """What a browser would send back from an untouched page."""
    form = host.get(page(booking)).context["adminform"].form
    data = {}
    for name in form.fields:
        value = form[name].value()
        data[name] = "" if value is None else f"{value:%H:%M}" if isinstance(value, time) else str(value)
    return data


def told(response: Any) -> str:
    return "\n".join(f"{one.level_tag}: {one.message}" for one in get_messages(response.wsgi_request))


def text(response: Any) -> str:
    return str(response.content.decode())


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    found: dict[str, list[str]] = response.context["adminform"].form.errors
    return found


def test_empty_times_mean_the_propertys_times_and_follow_them(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    response = host.post(ADD, typed(flat))
    assert response.status_code == 302
    booking = Booking.objects.get()
    assert booking.follows_property_times
    assert (booking.check_in, booking.check_out) == (
        datetime(2027, 3, 3, 14, tzinfo=UTC),
        datetime(2027, 3, 8, 10, tzinfo=UTC),
    )
    house.settle()
    assert Pin.objects.get().state == State.SET


def test_own_times_are_wall_times_of_the_property(host: Client, house: House) -> None:
    flat = house.flat(house.lock(), timezone="America/New_York")
    host.post(ADD, typed(flat, arrival_time="22:30", departure_time="09:15"))
    booking = Booking.objects.get()
    assert not booking.follows_property_times
    assert booking.check_in == datetime(2027, 3, 4, 3, 30, tzinfo=UTC)
    assert booking.check_out == datetime(2027, 3, 8, 14, 15, tzinfo=UTC)
    shown = as_shown(host, booking)
    assert (shown["arrival_date"], shown["arrival_time"], shown["departure_time"]) == ("2027-03-03", "22:30", "09:15")
    assert "America/New_York time" in text(host.get(page(booking)))


def test_one_given_time_makes_both_the_bookings_own(host: Client, house: House) -> None:
    host.post(ADD, typed(house.flat(house.lock()), arrival_time="18:00"))
    booking = Booking.objects.get()
    assert not booking.follows_property_times
    assert booking.check_out == datetime(2027, 3, 8, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "at", "instant", "message"),
    [
        ("2027-03-28", "02:30", datetime(2027, 3, 28, 1, 30, tzinfo=UTC), "The clocks skip 02:30"),
        ("2027-10-31", "02:30", datetime(2027, 10, 31, 0, 30, tzinfo=UTC), "twice on the day of the arrival"),
        ("2027-03-27", "15:00", datetime(2027, 3, 27, 14, tzinfo=UTC), ""),
        ("2027-03-29", "15:00", datetime(2027, 3, 29, 13, tzinfo=UTC), ""),
    ],
)
def test_times_are_right_at_both_clock_changes(
    host: Client, house: House, day: str, at: str, instant: datetime, message: str
) -> None:
    response = host.post(
        ADD, typed(house.flat(house.lock()), arrival_date=day, arrival_time=at, departure_date="2027-11-05")
    )
    assert Booking.objects.get().check_in == instant
    if message:
        assert message in told(response)
    else:
        assert "clocks" not in told(response)


def test_saving_an_untouched_page_moves_nothing_to_the_second(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    second_half_past_two = datetime(2027, 10, 31, 1, 30, 7, tzinfo=UTC)  # 02:30:07 CET, the second one that night
    booking = house.stay(flat, second_half_past_two, 3 * DAY)
    host.post(page(booking), {**as_shown(host, booking), "guest_name": "Bea"})
    booking.refresh_from_db()
    assert (booking.guest_name, booking.check_in) == ("Bea", second_half_past_two)
    assert booking.check_out == second_half_past_two + 3 * DAY


def test_moved_to_a_property_in_another_zone_the_wall_times_stay(host: Client, house: House) -> None:
    booking = stay_in(house.flat(house.lock()))
    other = house.flat(house.lock("Other"), name="Hut", timezone="Pacific/Auckland")
    host.post(page(booking), {**as_shown(host, booking), "property": str(other.pk)})
    booking.refresh_from_db()
    assert booking.check_in.astimezone(other.zone).strftime("%d %H:%M") == "03 15:00"


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"departure_date": "2027-03-01"}, "departure_date", "before the arrival"),
        ({"departure_date": "2027-03-03"}, "departure_date", "would end at 11:00"),
        ({"arrival_date": "nonsense"}, "arrival_date", "Enter a day such as"),
        ({"arrival_date": "20277-03-03"}, "arrival_date", "Enter a day such as"),
        ({"arrival_date": "9999-12-31"}, "arrival_date", "between 2000 and 2099"),
        ({"departure_date": "0001-01-01"}, "departure_date", "between 2000 and 2099"),
        ({"arrival_date": ""}, "arrival_date", "Choose a day"),
        ({"arrival_time": "half past"}, "arrival_time", "Enter a time such as 15:00"),
        ({"property": ""}, "property", "Choose a property"),
        ({"property": "999999999999999999999"}, "property", "valid choice"),
        ({"status": "maybe"}, "status", "valid choice"),
        ({"own_code": "12345"}, "own_code", "must not only rise"),
        ({"own_code": "11111111111111111111111111"}, "own_code", "at most 20"),
        ({"own_code": "12a45"}, "own_code", "only the digits"),
        ({"own_code": CODE, "status": "tentative"}, "own_code", "Only a confirmed stay"),
        ({"own_code": CODE, "arrival_date": "2027-02-01", "departure_date": "2027-02-03"}, "own_code", "is over"),
    ],
)
def test_wrong_input_is_explained_and_what_was_typed_stays_except_the_code(
    host: Client, house: House, changes: dict[str, str], field: str, message: str
) -> None:
    flat = house.flat(house.lock())
    response = host.post(ADD, typed(flat, **changes))
    assert message in " ".join(errors(response)[field])
    assert 'value="Anna Nowak"' in text(response)
    if field not in ("own_code", "property", "status"):
        assert f'value="{changes[field]}"' in text(response) or not changes[field]
    if code := changes.get("own_code"):
        assert code not in text(response)
    assert not Booking.objects.exists()


def test_a_stay_may_begin_and_end_on_one_day_with_times(host: Client, house: House) -> None:
    response = host.post(
        ADD,
        typed(house.flat(house.lock()), departure_date="2027-03-03", arrival_time="09:00", departure_time="17:00"),
    )
    assert response.status_code == 302


def test_a_running_stay_can_be_extended(host: Client, house: House) -> None:
    door = house.lock()
    booking = stay_in(house.flat(door), days=-2)
    house.settle()
    code = AccessGrant.objects.get().code
    response = host.post(page(booking), {**as_shown(host, booking), "departure_date": "2027-03-06"})
    assert response.status_code == 302
    house.settle()
    (remote,) = house.ours(door)
    assert (remote.value, remote.body.end) == (code, datetime(2027, 3, 6, 10, tzinfo=UTC))


def test_what_a_host_should_know_is_told_and_not_forbidden(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    stay_in(flat)
    assert "Overlaps with another stay here: Anna Nowak, 3 Mar to 8 Mar 2027" in told(host.post(ADD, typed(flat)))
    bare = house.flat(name="Bare")
    assert "This property has no locks" in told(host.post(ADD, typed(bare)))
    closed = house.flat(house.lock("C"), name="Closed", is_active=False)
    assert "is switched off, so this stay gets no code" in told(host.post(ADD, typed(closed)))
    past = typed(flat, arrival_date="2027-01-03", departure_date="2027-01-05")
    assert "This stay is over" in told(host.post(ADD, past))
    later = typed(flat, arrival_date="2027-06-10", departure_date="2027-06-12")
    assert "The code will be put on the locks on Tue 11 May 2027, 15:00 CEST" in told(host.post(ADD, later))
    mute = house.lock("Mute")
    mute.has_keypad = mute.has_bridge = False
    mute.save()
    deaf = told(host.post(ADD, typed(house.flat(mute, name="Deaf"))))
    assert "“Mute” has no keypad" in deaf
    assert "“Mute” has no bridge" in deaf
    host.get(LIST)  # shows and so forgets what was told
    assert "warning" not in told(host.post(ADD, typed(flat, status="cancelled")))


def test_an_own_code_goes_onto_the_locks_and_is_never_shown_again(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door)
    response = host.post(ADD, typed(flat, own_code=CODE))
    assert "Your own code is set" in told(response)
    house.settle()
    booking = Booking.objects.get()
    assert [pin.value for pin in house.ours(door)] == [CODE]
    grant = AccessGrant.objects.get()
    assert grant.disclosed_at == NOW
    for url in (page(booking), LIST, f"{page(booking)[:-7]}history/", f"/admin/pins/accessgrant/{grant.pk}/change/"):
        assert CODE not in text(host.get(url))
    assert CODE not in told(response) + " ".join(LogEntry.objects.values_list("change_message", flat=True))


def test_an_own_code_may_be_chosen_long_before_the_stay(host: Client, house: House) -> None:
    door = house.lock()
    later = typed(house.flat(door), arrival_date="2027-06-10", departure_date="2027-06-12", own_code=CODE)
    host.post(ADD, later)
    house.settle()
    grant = AccessGrant.objects.get()
    assert (grant.code, grant.issue_at) == (CODE, datetime(2027, 5, 11, 13, tzinfo=UTC))
    assert Pin.objects.get().state == State.SCHEDULED
    assert house.ours(door) == []
    with time_machine.travel(grant.issue_at, tick=False):
        house.settle()
        assert [pin.value for pin in house.ours(door)] == [CODE]


def test_an_own_code_may_be_chosen_before_the_property_has_locks(host: Client, house: House) -> None:
    flat = house.flat()
    host.post(ADD, typed(flat, own_code=CODE))
    door = house.lock()
    flat.locks.add(door)
    house.settle()
    assert [pin.value for pin in house.ours(door)] == [CODE]


def test_an_own_code_that_another_guest_has_on_a_lock_is_refused(host: Client, house: House) -> None:
    entrance = house.lock("Entrance")
    host.post(ADD, typed(house.flat(entrance, name="A"), own_code=CODE))
    neighbour = house.flat(entrance, house.lock("B"), name="B")
    response = host.post(ADD, typed(neighbour, own_code=CODE))
    assert "Another guest has this code" in " ".join(errors(response)["own_code"])
    assert CODE not in text(response)
    elsewhere = house.flat(house.lock("C"), name="C")
    assert host.post(ADD, typed(elsewhere, own_code=CODE)).status_code == 302


def test_an_own_code_is_replaced_only_after_it_was_revoked(host: Client, house: House) -> None:
    door = house.lock()
    host.post(ADD, typed(house.flat(door), own_code=CODE))
    house.settle()
    booking = Booking.objects.get()
    assert host.post(page(booking), {**as_shown(host, booking), "own_code": CODE}).status_code == 302  # the same
    refused = host.post(page(booking), {**as_shown(host, booking), "own_code": "736154"})
    assert "Press “Revoke” above first" in " ".join(errors(refused)["own_code"])

    host.post(f"/admin/rentals/booking/{booking.pk}/revoke/")
    house.settle()
    assert house.ours(door) == []
    host.post(page(booking), {**as_shown(host, booking), "own_code": "736154"})
    house.settle()
    assert [pin.value for pin in house.ours(door)] == ["736154"]


def test_a_code_taken_between_the_form_and_the_save_leaves_the_booking_saved_and_says_so(
    host: Client, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    entrance = house.lock()
    flat = house.flat(entrance)
    stay_in(flat)
    first = AccessGrant.objects.get()
    code_overrides.set_code(first.pk, CODE, NOW)
    # The form looked a moment before the other guest's claim.
    monkeypatch.setattr("pins.desired.claims.held_by_another", lambda *_: False)
    response = host.post(ADD, typed(flat, own_code=CODE))
    assert "The booking was saved, but your own code was not used." in told(response)
    assert Booking.objects.count() == 2
    assert AccessGrant.objects.exclude(pk=first.pk).get().code not in ("", CODE)


def test_the_page_tells_per_lock_the_state_the_reason_and_the_next_try(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    entrance, door = house.lock("Entrance"), house.lock("Door")
    booking = stay_in(house.flat(entrance, door))
    house.cloud.set_connected(door.device_id, False)
    house.settle()

    shown = text(host.get(page(booking)))
    assert re.search(r"Entrance</strong>.*?Ready.*?comes off the lock Mon 8 Mar 2027, 11:00 CET", shown, re.S)
    assert re.search(
        r"Door</strong>.*?Trying again.*?The lock is offline \(since 10:00 CET\)\..*?next try 10:00", shown, re.S
    )
    assert AccessGrant.objects.get().code not in shown
    assert "••••••" in shown
    assert "Trying again: Door" in text(host.get(LIST))


def test_the_page_says_why_there_is_no_code(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    cases = {
        "cancelled": "The booking is cancelled",
        "tentative": "gets a code as soon as it is confirmed",
    }
    for status, words in cases.items():
        booking = Booking.objects.create(property=flat, check_in=NOW + DAY, check_out=NOW + 2 * DAY, status=status)
        assert words in text(host.get(page(booking)))
    over = house.stay(flat, -5 * DAY, DAY)
    assert "The stay is over." in text(host.get(page(over)))
    for address in (page(over), f"/stays/{over.pk}/"):
        assert "Try again now" not in text(host.get(address))
    far = text(host.get(page(house.stay(flat, 90 * DAY, DAY))))
    assert "The code goes onto the locks on Fri 30 Apr 2027, 11:00 CEST." in far
    bare = text(host.get(page(house.stay(house.flat(name="Bare"), DAY, DAY))))
    assert "The property has no active lock" in bare


def test_try_again_now_ends_the_wait(host: Client, house: House) -> None:
    door = house.lock()
    booking = stay_in(house.flat(door))
    house.cloud.set_connected(door.device_id, False)
    house.settle()
    house.cloud.set_connected(door.device_id, True)
    assert house.ours(door) == []
    response = host.post(f"/admin/rentals/booking/{booking.pk}/try-again/")
    assert "trying 1 lock again now" in told(response)
    house.settle()
    assert len(house.ours(door)) == 1
    assert "every lock is as it should be" in told(host.post(f"/admin/rentals/booking/{booking.pk}/try-again/"))


def test_new_code_and_revoke_on_the_page(host: Client, house: House) -> None:
    door = house.lock()
    booking = stay_in(house.flat(door))
    house.settle()
    before = AccessGrant.objects.get().code
    assert "a new code was chosen" in told(host.post(f"/admin/rentals/booking/{booking.pk}/new-code/"))
    house.settle()
    (remote,) = house.ours(door)
    assert remote.value != before

    AccessGrant.objects.update(disclosed_at=NOW)
    assert "Revoke it first" in told(host.post(f"/admin/rentals/booking/{booking.pk}/new-code/"))
    assert "comes off 1 lock" in told(host.post(f"/admin/rentals/booking/{booking.pk}/revoke/"))
    house.settle()
    assert house.ours(door) == []
    assert "Revoked on" in text(host.get(page(booking)))
    host.post(f"/admin/rentals/booking/{booking.pk}/new-code/")
    house.settle()
    assert len(house.ours(door)) == 1
    assert "Revoke" in " ".join(LogEntry.objects.values_list("change_message", flat=True))


def test_actions_need_post_the_token_and_the_permission(house: House) -> None:
    booking = stay_in(house.flat(house.lock()))
    url = f"/admin/rentals/booking/{booking.pk}/revoke/"
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("host"))
    assert strict.get(url).status_code == 405
    assert strict.post(url).status_code == 403

    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_booking"))
    looking = Client()
    looking.force_login(viewer)
    assert looking.post(url).status_code == 403
    shown = text(looking.get(page(booking)))
    assert "Wed 3 Mar 2027, 15:00 CET" in shown
    assert "own_code" not in shown
    assert "Try again now" not in shown
    assert "New code" not in text(looking.get(LIST))
    assert not AccessGrant.objects.exclude(revoked_at=None).exists()
    assert Client().post(url).status_code == 302  # to the login page


def test_actions_in_bulk_say_what_came_of_them(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door)
    stays = [stay_in(flat, days=2 + 7 * n) for n in range(2)]
    far = stay_in(flat, days=90)
    house.settle()
    chosen = {"_selected_action": [str(one.pk) for one in (*stays, far)]}

    codes = {grant.code for grant in AccessGrant.objects.all()}
    asked = host.post(LIST, {"action": "new_code", **chosen})
    assert "Yes, choose 3 new codes" in text(asked)
    assert {grant.code for grant in AccessGrant.objects.all()} == codes
    told_new = told(host.post(LIST, {"action": "new_code", "confirmed": "yes", **chosen}))
    assert "New code chosen: 2 stays." in told_new
    assert f"{far}: it has no code yet" in told_new

    asked = host.post(LIST, {"action": "revoke", **chosen})
    assert "These codes stop working" in text(asked)
    assert not AccessGrant.objects.exclude(revoked_at=None).exists()
    told_revoked = told(host.post(LIST, {"action": "revoke", "confirmed": "yes", **chosen}))
    assert "Code revoked: 2 stays." in told_revoked
    house.settle()
    assert house.ours(door) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("action", "yes", "done"), [("revoke", "confirmed", "Code revoked: 3"), ("delete_selected", "post", "deleted 3")]
)
def test_one_request_waits_once_for_a_broker_that_is_out_of_reach(
    host: Client, house: House, caplog: pytest.LogCaptureFixture, action: str, yes: str, done: str
) -> None:
    flat = house.flat(house.lock(), house.lock())
    stays = [stay_in(flat, days=2 + 7 * n) for n in range(3)]
    house.settle()
    caplog.clear()
    chosen = {"action": action, yes: "yes", "_selected_action": [str(one.pk) for one in stays]}
    assert done in told(host.post(LIST, chosen))
    assert caplog.text.count("broker_unreachable") == 1


def test_deleting_bookings_takes_their_codes_off(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door)
    one, two, three = (stay_in(flat, days=2 + 7 * n, lasts=3) for n in range(3))
    house.settle()
    assert len(house.ours(door)) == 3
    host.post(f"/admin/rentals/booking/{one.pk}/delete/", {"post": "yes"})
    chosen = [str(two.pk), str(three.pk)]
    host.post(LIST, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    assert not Booking.objects.exists()
    house.settle()
    assert house.ours(door) == []


def test_the_list_answers_a_hosts_questions(host: Client, house: House) -> None:
    flat, hut = house.flat(house.lock()), house.flat(name="Hut", timezone="Pacific/Auckland")

    def names(query: str) -> set[str]:
        return {one.guest_name for one in host.get(f"{LIST}?{query}").context["cl"].result_list}

    def stay(name: str, prop: Property, day: str, lasts: int = 2, at: str = "15:00", **more: object) -> Booking:
        begins = datetime.fromisoformat(f"{day}T{at}").replace(tzinfo=prop.zone)
        return Booking.objects.create(
            property=prop, guest_name=name, check_in=begins, check_out=begins + lasts * DAY, **more
        )

    stay("today", flat, "2027-03-01")
    stay("late tonight", flat, "2027-03-01", at="23:30")  # still the first of March in Warsaw
    stay("today in the hut", hut, "2027-03-01", at="21:30")  # 22:00 there now, and in UTC the first since 11 hours
    stay("this week", flat, "2027-03-06")
    stay("later", flat, "2027-04-06", status="tentative")
    stay("gone", flat, "2027-01-06")
    house.settle()

    assert names("") == {"today", "late tonight", "today in the hut", "this week", "later"}
    assert names("stay=arriving_today") == {"today", "late tonight", "today in the hut"}
    assert names("stay=arriving_week") == {"today", "late tonight", "today in the hut", "this week"}
    assert names("stay=past") == {"gone"}
    assert names("q=gone") == {"gone"}
    assert names("status__exact=tentative") == {"later"}
    assert names("overlapping=yes") == {"today", "late tonight"}
    assert names("attention=yes") == {"today in the hut"}  # a property without locks
    assert names(f"property__id__exact={hut.pk}") == {"today in the hut"}
    reference = AccessGrant.objects.get(booking__guest_name="today").reference
    assert names(f"q=%23{reference}") == {"today"}
    assert "overlaps" in text(host.get(LIST))
    for strange in (
        "stay=nonsense",
        "attention=maybe",
        "overlapping=x",
        "check_in__year=2027&check_in__month=3",
        "p=7",
    ):
        assert host.get(f"{LIST}?{strange}").status_code in (200, 302)


def test_a_code_that_is_late_or_left_over_needs_attention(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    flat = house.flat(door)
    soon, later = stay_in(flat, days=0, lasts=1), stay_in(flat, days=9)
    house.cloud.set_connected(door.device_id, False)
    house.settle()

    def needing() -> list[int]:
        return [one.pk for one in host.get(f"{LIST}?attention=yes").context["cl"].result_list]

    assert needing() == [soon.pk]
    house.cloud.set_connected(door.device_id, True)
    clock.shift(timedelta(minutes=10))
    house.settle()
    assert needing() == []
    assert pin_of(later, door).state == State.SET

    house.cloud.set_connected(door.device_id, False)
    clock.move_to(soon.check_out + timedelta(minutes=11))
    house.settle()
    assert needing() == [soon.pk]


def test_a_stay_on_a_lock_that_only_a_person_can_open_up_needs_attention_weeks_ahead(
    host: Client, house: House
) -> None:
    door = house.lock()
    booking = stay_in(house.flat(door), days=20)
    house.cloud.set_forbidden(door.device_id, True)
    house.settle()
    shown = host.get(f"{LIST}?attention=yes")
    assert [one.pk for one in shown.context["cl"].result_list] == [booking.pk]
    assert "Needs you: Door" in text(shown)
    assert "let the account's user manage this lock" in text(host.get(page(booking))).replace("&#x27;", "'")


def test_the_list_costs_the_same_number_of_queries_for_one_and_for_forty_stays(host: Client, house: House) -> None:
    flat = house.flat(house.lock("A"), house.lock("B"))

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            assert host.get(LIST).status_code == 200
        return len(counted)

    stay_in(flat)
    host.get(LIST)
    few = queries()
    for n in range(1, 40):
        stay_in(flat, days=2 + n, lasts=1)
    assert queries() == few <= 20
