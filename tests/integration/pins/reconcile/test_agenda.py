"""Which request of a lock comes next, what is seen meanwhile, and what is decided without a request."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.core.pin_state import Blocked
from pins.core.plan import Block, Create, Look, Rotate, next_step
from pins.core.posts import Post
from pins.models import AccessGrant, Incident, Pin, ValueClaim
from pins.reconcile.agenda import Agenda, Choice, decide_without_request
from tests.support.booking_actions import open_incidents
from tests.support.due_codes import due_codes
from tests.support.house import House
from tests.support.statements import statements

pytestmark = pytest.mark.django_db

MICROSECOND, SECOND, DAY = timedelta(microseconds=1), timedelta(seconds=1), timedelta(days=1)
#: So long, and for so many codes, a look is believed.
FRESH, TOGETHER = 5 * SECOND, 200


def taken(agenda: Agenda, *, reads_only: bool = False) -> list[Choice]:
    """All that is handed out at this moment."""
    found: list[Choice] = []
    while (choice := agenda.next(reads_only=reads_only)) is not None:
        found.append(choice)
    return found


def pins_of(choices: list[Choice]) -> list[int]:
    return [choice.pin.pk for choice in choices]


# -- the order ---------------------------------------------------------------------------------------------------


def test_the_most_urgent_codes_come_first_and_the_others_when_these_are_done(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    by_deadline = due_codes(door, TOGETHER + 3)
    agenda = Agenda(door, timezone.now)
    at_once = taken(agenda)
    assert pins_of(at_once) == by_deadline[:TOGETHER]
    assert {choice.step for choice in at_once} == {Create()}

    Pin.objects.filter(pk__in=pins_of(at_once)).update(next_try_at=None)
    clock.shift(FRESH)
    assert pins_of(taken(agenda)) == by_deadline[TOGETHER:]


def test_with_each_request_come_the_deadlines_of_the_next_four(house: House) -> None:
    """So many can be paid together with it: see the budget's block of five."""
    door = house.lock()
    due_codes(door, 7)
    choices = taken(Agenda(door, timezone.now))
    deadlines = [choice.due for choice in choices]
    assert deadlines == [timezone.now() + n * DAY for n in range(1, 8)]
    assert [list(choice.later) for choice in choices] == [deadlines[n + 1 : n + 5] for n in range(7)]


def test_only_reads_are_handed_out_where_nothing_may_be_changed_and_changes_are_kept_for_later(house: House) -> None:
    door = house.lock()
    urgent, later, doubtful = due_codes(door, 3)
    Pin.objects.filter(pk=doubtful).update(must_look=True)
    agenda = Agenda(door, timezone.now)
    assert [(one.pin.pk, one.step) for one in taken(agenda, reads_only=True)] == [(doubtful, Look())]
    assert pins_of(taken(agenda)) == [urgent, later]


def test_what_is_due_later_or_on_another_lock_is_no_work_of_this_one(house: House) -> None:
    door, other = house.lock("Door"), house.lock("Other")
    due_codes(other, 1, first=5)
    now_due, soon_due, done = due_codes(door, 3)
    Pin.objects.filter(pk=soon_due).update(next_try_at=timezone.now() + MICROSECOND)
    Pin.objects.filter(pk=done).update(next_try_at=None)
    assert pins_of(taken(Agenda(door, timezone.now))) == [now_due]


def test_a_choice_knows_its_code_and_how_many_values_it_holds_on_its_lock(house: House) -> None:
    other, door = house.lock("Other"), house.lock("Door")
    by_deadline = due_codes(door, 3)
    busy, third = (AccessGrant.objects.get(pins=pin) for pin in by_deadline[1:])
    released = timezone.now()
    values = [(door, busy, None), (door, busy, None), (door, busy, released), (other, busy, None), (door, third, None)]
    for number, (lock, grant, over) in enumerate(values):
        digest = ValueClaim.digest_of(str(number))
        ValueClaim.objects.create(lock=lock, grant=grant, digest=digest, released_at=over)
    choices = taken(Agenda(door, timezone.now))
    assert [one.pin.claims_held for one in choices] == [0, 2, 1]
    with CaptureQueriesContext(connection) as captured:
        assert choices[1].pin.grant.code == busy.code
    assert not captured.captured_queries, "it was read together with the code on the lock"


# -- how long a look is believed ---------------------------------------------------------------------------------


def test_a_more_urgent_wish_waits_no_longer_than_five_seconds(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    far = due_codes(door, 3, first=10)
    agenda = Agenda(door, timezone.now)
    first = agenda.next(reads_only=False)
    assert first is not None
    assert first.pin.pk == far[0]
    Pin.objects.filter(pk=far[0]).update(next_try_at=None)
    (near,) = due_codes(door, 1)

    clock.shift(FRESH - MICROSECOND)
    second = agenda.next(reads_only=False)
    assert second is not None
    assert second.pin.pk == far[1]
    clock.shift(MICROSECOND)
    assert pins_of(taken(agenda)) == [near, *far[1:]]


def test_after_something_that_concerns_several_codes_all_are_looked_at_again(house: House) -> None:
    door = house.lock()
    far = due_codes(door, 2, first=10)
    agenda = Agenda(door, timezone.now)
    agenda.next(reads_only=False)
    (near,) = due_codes(door, 1)
    agenda.changed()
    assert pins_of(taken(agenda)) == [near, *far]


def test_a_look_of_a_clock_that_has_stepped_back_is_not_believed(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    clock.shift(SECOND)
    agenda = Agenda(door, timezone.now)
    assert taken(agenda) == []
    clock.shift(-SECOND)
    due = due_codes(door, 1)
    assert pins_of(taken(agenda)) == due


@pytest.mark.parametrize(("later", "again"), [(timedelta(0), True), (-SECOND, True), (SECOND, False), (None, False)])
def test_a_code_that_is_due_again_after_its_answer_is_handed_out_again(
    house: House, later: timedelta | None, again: bool
) -> None:
    door = house.lock()
    due_codes(door, 1)
    agenda = Agenda(door, timezone.now)
    (choice,) = taken(agenda)
    answered = choice.pin
    answered.must_look = True
    answered.next_try_at = timezone.now() + later if later is not None else None
    agenda.follow_up(answered)
    assert [(one.pin, one.step) for one in taken(agenda)] == ([(answered, Look())] if again else [])


# -- without a request -------------------------------------------------------------------------------------------


def stuck(pin: int, now: datetime, reason: Blocked) -> None:
    """The code whose next step is to stop for this reason."""
    posts = [Post(now, None, now + 9 * DAY).to_json()] * 4
    facts: dict[Blocked, dict[str, Any]] = {
        Blocked.VALUE_TAKEN: {"exists": True, "refusals": 5, "tried_rev": 1},
        Blocked.VALUE_REFUSED: {"refused": True, "refusals": 2, "tried_rev": 1},
        Blocked.CREATED_OFTEN: {"posts": posts, "listed_at": now},
    }
    Pin.objects.filter(pk=pin).update(**facts[reason])


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (Blocked.VALUE_TAKEN, Incident.Kind.VALUE_TAKEN),
        (Blocked.VALUE_REFUSED, Incident.Kind.VALUE_REFUSED),
        (Blocked.CREATED_OFTEN, Incident.Kind.CREATED_OFTEN),
    ],
)
@pytest.mark.parametrize("is_spare", [False, True])
def test_a_code_that_stops_is_told_with_its_reason_unless_nobody_waits_for_it(
    house: House, reason: Blocked, kind: Incident.Kind, is_spare: bool
) -> None:
    door = house.lock()
    (pk,) = due_codes(door, 1)
    if is_spare:
        AccessGrant.objects.update(kind=AccessGrant.Kind.BACKUP)
    stuck(pk, timezone.now(), reason)
    assert taken(Agenda(door, timezone.now)) == []
    pin = Pin.objects.get()
    assert (pin.blocked, pin.blocked_rev, pin.state) == (reason, pin.desired_rev, "blocked")
    assert pin.next_try_at is not None
    assert pin.next_try_at > timezone.now()
    assert open_incidents() == ([] if is_spare else [kind])
    assert list(Incident.objects.values_list("pin", flat=True)) == ([] if is_spare else [pk])


@pytest.mark.parametrize("reads_only", [False, True])
def test_what_was_decided_on_the_way_makes_the_next_request_come_at_once(house: House, reads_only: bool) -> None:
    """The lock has the value of another code: with a new one it is due in the same moment, if it may be sent."""
    door = house.lock()
    (pk,) = due_codes(door, 1)
    code = AccessGrant.objects.get().code
    Pin.objects.update(exists=True, tried_rev=1)
    choices = taken(Agenda(door, timezone.now), reads_only=reads_only)
    assert [(choice.pin.pk, choice.step) for choice in choices] == ([] if reads_only else [(pk, Create())])
    fresh = Pin.objects.get()
    assert (fresh.exists, fresh.refusals, fresh.grant.code == code) == (False, 1, False)


def test_a_code_that_only_waits_gets_its_next_moment(house: House) -> None:
    door = house.lock()
    (pk,) = due_codes(door, 1)
    later = timezone.now() + DAY
    AccessGrant.objects.update(issue_at=later)
    assert taken(Agenda(door, timezone.now)) == []
    assert Pin.objects.get(pk=pk).next_try_at == later


@pytest.mark.parametrize("step", [Block(Blocked.VALUE_TAKEN), Rotate()], ids=["stop", "another value"])
def test_a_decision_that_came_too_late_changes_nothing(house: House, step: Block | Rotate) -> None:
    """Between the look and the decision the code became one that may simply be set."""
    (pk,) = due_codes(house.lock(), 1)
    before = Pin.objects.values().get(), AccessGrant.objects.values().get()
    decide_without_request(pk, step, timezone.now())
    assert (Pin.objects.values().get(), AccessGrant.objects.values().get()) == before
    assert open_incidents() == []


def test_for_another_value_the_grant_is_locked_before_its_codes(house: House) -> None:
    """As everywhere: whoever locks them in another order waits for ever for somebody who waits for them."""
    (pk,) = due_codes(house.lock(), 1)
    Pin.objects.update(exists=True, tried_rev=1)
    assert next_step(Pin.objects.get().view, timezone.now()) == Rotate()
    with CaptureQueriesContext(connection) as captured:
        decide_without_request(pk, Rotate(), timezone.now())
    whole_rows = [sql for sql in statements(captured) if '"starts_at"' in sql or '"observed_rev"' in sql]
    assert 'FROM "pins_accessgrant"' in whole_rows[0]
    assert 'FROM "pins_pin"' in whole_rows[1]
