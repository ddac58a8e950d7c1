"""Which locks one tick reads, in which order, and who is left alone after a failure."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import parse_qs

import httpx
import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from pins.models import AccessGrant, AccountState, Incident, LockActivity, LockState, Pin, RateBudget
from pins.reconcile import activity, request_budget
from pins.simulator.messages import Request
from rentals.models import Booking, Lock, LockAccount, Property
from tests.support.activity import asked, set_cloud, tick
from tests.support.house import KEY, House

pytestmark = pytest.mark.django_db

DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
Kind = Incident.Kind


def here(house: House, lock: Lock) -> Booking:
    """A guest whose code works at this lock now; nothing else is due there."""
    booking = house.stay(house.flat(lock, name=lock.name), timedelta(), DAY)
    Pin.objects.filter(lock=lock).update(next_try_at=None)
    return booking


def doors(house: House, *names: str) -> list[Lock]:
    """Locks of an account whose activity is read, each with a guest."""
    LockAccount.objects.filter(pk=house.account.pk).update(reads_activity=True)
    locks = [house.lock(name) for name in names]
    for lock in locks:
        here(house, lock)
    return locks


def at_another_account(house: House, name: str = "Attic", *, reads_activity: bool = True) -> Lock:
    """The same cloud and key, another account."""
    account = LockAccount.objects.create(name="Other", secret=KEY, reads_activity=reads_activity)
    made = house.cloud.add_lock(name)
    lock = Lock.objects.create(account=account, device_id=made.id, name=name, serial_number=made.serial_number)
    here(house, lock)
    return lock


def order(house: House) -> list[int]:
    """Read what is due; returns the devices that were asked for, in order."""
    devices: list[int] = []

    def note(request: Request) -> None:
        devices.extend(int(one) for one in parse_qs(request.query)["deviceId"])

    house.transport.on_send = note
    tick(house)
    return devices


def told(lock: Lock) -> LockActivity:
    return LockActivity.objects.get(lock=lock)


def due(house: House) -> set[int]:
    return set(activity.due([house.account.pk], timezone.now()).values_list("pk", flat=True))


# -- which, and in which order -----------------------------------------------------------------------------------------


def test_those_never_read_come_first_and_then_those_that_wait_longest(house: House) -> None:
    locks = doors(house, "A", "B", "C", "D")
    now = timezone.now()
    for lock, waits in ((locks[0], MINUTE), (locks[1], HOUR)):
        LockActivity.objects.create(lock=lock, read_at=now, due_at=now - waits)
    by_turn = [locks[2], locks[3], locks[1], locks[0]]
    assert order(house) == [lock.device_id for lock in by_turn]


def test_a_lock_is_due_at_its_moment(house: House, clock: time_machine.Traveller) -> None:
    (door,) = doors(house, "Door")
    later = timezone.now() + MINUTE
    LockActivity.objects.create(lock=door, read_at=timezone.now(), due_at=later)
    assert due(house) == set()
    clock.move_to(later)
    assert due(house) == {door.pk}
    LockActivity.objects.update(rest_until=later + SECOND)
    assert due(house) == set()
    clock.shift(SECOND)
    assert due(house) == {door.pk}


def test_one_tick_reads_sixty_locks_and_the_next_one_the_others(house: House) -> None:
    LockAccount.objects.update(reads_activity=True)
    locks = [house.lock(f"Door {number}") for number in range(61)]
    house.stay(house.flat(*locks), timedelta(), DAY)
    Pin.objects.update(next_try_at=None)
    assert due(house) == {lock.pk for lock in locks[:60]}


def test_a_tick_ends_after_forty_seconds(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer takes eight."""
    doors(house, *"ABCDEFG")
    monkeypatch.setattr(activity, "time", SimpleNamespace(monotonic=lambda: timezone.now().timestamp()))
    house.transport.on_send = lambda _: clock.shift(8 * SECOND)
    assert tick(house) == 5
    house.transport.on_send = None
    assert tick(house) == 2


@pytest.mark.parametrize(
    "why",
    ["switched off", "in a run", "code is to go", "stay is off", "stay is over", "no guest's", "account asks not"],
)
def test_a_lock_that_no_guest_needs_is_not_read(house: House, why: str) -> None:
    door, gate = doors(house, "Door", "Gate")
    now, theirs = timezone.now(), AccessGrant.objects.filter(pins__lock=door)
    if why == "switched off":
        Lock.objects.filter(pk=door.pk).update(is_active=False)
    if why == "in a run":
        LockState.objects.filter(lock=door).update(lease_until=now + SECOND)
    if why == "code is to go":
        Pin.objects.filter(lock=door).update(wanted=False)
    if why == "stay is off":
        theirs.update(wanted=False)
    if why == "stay is over":
        theirs.update(starts_at=now - DAY, ends_at=now)
    if why == "no guest's":
        theirs.update(kind=AccessGrant.Kind.STAFF)
    if why == "account asks not":
        Lock.objects.filter(pk=door.pk).update(account=LockAccount.objects.create(name="Other", secret=KEY))
    assert due(house) == {gate.pk}


def test_a_rest_or_a_run_that_is_over_keeps_no_lock_from_being_read(house: House) -> None:
    (door,) = doors(house, "Door")
    now = timezone.now()
    LockState.objects.filter(lock=door).update(lease_until=now, paused_until=now)
    Pin.objects.filter(lock=door).update(next_try_at=now + SECOND)
    assert due(house) == {door.pk}


def test_while_a_lock_is_being_read_no_other_worker_reads_it(house: House) -> None:
    (door,) = doors(house, "Door")
    others: list[int] = []

    def meanwhile(_: Request) -> None:
        house.transport.on_send = None
        others.append(tick(house))
        assert told(door).rest_until == timezone.now() + 2 * MINUTE

    house.transport.on_send = meanwhile
    assert tick(house) == 1
    assert (others, asked(house)) == ([0], 1)


@pytest.mark.parametrize("why", ["the sweep rations", "codes of other doors are due"])
def test_whatever_is_due_at_doors_is_paid_before(house: House, settings: Settings, why: str) -> None:
    settings.TEDEE_RATE_LIMIT = 20
    (door,) = doors(house, "Door")
    now = timezone.now()
    if why == "the sweep rations":
        RateBudget.objects.create(key=house.account.budget_key, cutoff_at=now + 300 * DAY)
    else:
        house.stay(house.flat(*(house.lock(f"Far {number}") for number in range(10))), 20 * DAY, DAY)
    assert tick(house) == 0
    assert asked(house) == 0
    assert told(door).trouble == "budget"


@pytest.mark.parametrize("newer", ["entered", "came near", "neither"])
def test_a_stay_that_is_new_since_the_last_time_has_its_own_rhythm(
    house: House, flat: Property, clock: time_machine.Traveller, newer: str
) -> None:
    LockAccount.objects.update(reads_activity=True)
    door = flat.locks.get()
    now = timezone.now()
    house.stay(flat, {"entered": HOUR, "came near": 4 * HOUR, "neither": 4 * HOUR - SECOND}[newer], DAY)
    Pin.objects.update(next_try_at=None)
    created = now if newer == "entered" else now - DAY
    AccessGrant.objects.update(created_at=created)
    LockActivity.objects.create(lock=door, read_at=now - SECOND, due_at=now + 3 * HOUR)
    clock.shift(MINUTE)
    assert due(house) == (set() if newer == "neither" else {door.pk})


# -- after a failure ---------------------------------------------------------------------------------------------------


def test_one_refusal_leaves_its_account_alone_in_this_tick_and_no_other(house: House) -> None:
    closed, door = doors(house, "Closed", "Door")
    attic = at_another_account(house)
    house.cloud.lock(closed.device_id).forbidden = True
    assert order(house) == [closed.device_id, attic.device_id]
    assert told(attic).read_at == timezone.now()
    assert LockActivity.objects.filter(lock=door, read_at__isnull=False).count() == 0


def test_where_the_cloud_is_out_of_reach_nobody_else_waits_for_it(house: House) -> None:
    doors(house, "Door", "Gate")
    at_another_account(house)
    sent: list[str] = []

    def refuse(request: Request) -> None:
        sent.append(request.path)
        raise httpx.ConnectError("unreachable")

    house.transport.on_send = refuse
    assert tick(house) == 0
    assert len(sent) == 1


def test_an_account_that_rests_is_not_asked(house: House) -> None:
    doors(house, "Door", "Gate")
    attic = at_another_account(house)
    rests = {"paused_until": timezone.now() + MINUTE}
    AccountState.objects.update_or_create(account=house.account, defaults=rests)
    assert order(house) == [attic.device_id]


def test_a_stay_that_cannot_be_judged_keeps_its_lock_waiting_and_no_other(house: House) -> None:
    door, gate = doors(house, "Door", "Gate")
    now = timezone.now()
    AccessGrant.objects.filter(pins__lock=door).update(recurrence="now and then")
    assert tick(house) == 1
    assert [told(door).rest_until, told(gate).rest_until] == [now + 5 * MINUTE, None]


@pytest.mark.parametrize(
    ("status", "cause", "rest"),
    [(401, "unauthorized", HOUR), (403, "forbidden", HOUR), (404, "not_found", HOUR), (503, "server", 5 * MINUTE)],
)
def test_after_a_refusal_a_lock_rests_for_an_hour_and_after_another_failure_for_minutes(
    house: House, status: int, cause: str, rest: timedelta
) -> None:
    (door,) = doors(house, "Door")
    envelope = {"result": None, "success": False, "errorMessages": [""], "statusCode": status}
    house.transport.handle_request = lambda request: httpx.Response(status, json=envelope)  # type: ignore[method-assign]
    assert tick(house) == 0
    assert (told(door).trouble, told(door).rest_until) == (cause, timezone.now() + rest)
    assert Incident.objects.filter(kind=Kind.NO_ACTIVITY).count() == (rest == HOUR)


def test_an_account_that_may_read_no_lock_rests_as_a_whole(house: House) -> None:
    closed, door = doors(house, "Closed", "Door")
    attic = at_another_account(house)
    for lock in (door, attic):
        LockActivity.objects.create(lock=lock)
    house.cloud.lock(closed.device_id).forbidden = True
    tick(house)
    rest = timezone.now() + HOUR
    assert [(told(lock).trouble, told(lock).rest_until) for lock in (closed, door)] == [("forbidden", rest)] * 2
    assert (told(attic).trouble, told(attic).rest_until) == ("", None)
    incident = Incident.objects.get()
    assert (incident.account, incident.lock) == (house.account, None)


@pytest.mark.parametrize(
    ("read", "trouble", "is_of_the_lock"),
    [(DAY - SECOND, "", True), (DAY, "", False), (SECOND, "forbidden", False), (None, "", False)],
)
def test_a_refusal_is_the_locks_own_where_another_one_was_read_lately(
    house: House, read: timedelta | None, trouble: str, is_of_the_lock: bool
) -> None:
    closed, door = doors(house, "Closed", "Door")
    now = timezone.now()
    LockActivity.objects.create(lock=closed, read_at=now - HOUR)  # it was read itself, but that is over
    read_at = now - read if read is not None else None
    LockActivity.objects.create(lock=door, read_at=read_at, trouble=trouble, due_at=now + DAY)
    AccessGrant.objects.update(created_at=now - 9 * DAY, starts_at=now - 9 * DAY)
    house.cloud.lock(closed.device_id).forbidden = True
    tick(house)
    incident = Incident.objects.get()
    assert (incident.lock, incident.account) == ((closed, None) if is_of_the_lock else (None, house.account))
    assert told(closed).rest_until == now + HOUR
    assert told(door).rest_until == (None if is_of_the_lock else now + HOUR)


def test_a_limit_that_was_met_here_is_kept_everywhere(house: House, settings: Settings) -> None:
    doors(house, "Door")
    set_cloud(house, rate_limit=1)
    house.client(house.account).personal_keys()
    assert tick(house) == 0
    now = timezone.now()
    assert request_budget.requests_left(request_budget.locked_budget(house.account.budget_key), now) == 0


def test_without_a_request_to_spare_a_lock_waits_for_minutes_and_nothing_is_sent(
    house: House, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT = 1
    door, _ = doors(house, "Door", "Gate")
    assert tick(house) == 0
    assert asked(house) == 0
    assert (told(door).trouble, told(door).rest_until) == ("budget", timezone.now() + 5 * MINUTE)
    assert not LockActivity.objects.exclude(lock=door).exists(), "the account is left alone in this tick"


# -- when it works again -----------------------------------------------------------------------------------------------


def over_long_ago(lock: Lock) -> None:
    """There was the same incident before."""
    ended = timezone.now() - DAY
    Incident.objects.create(
        kind=Kind.NO_ACTIVITY, subject=f"lock:{lock.pk}", lock=lock, opened_at=ended - DAY, resolved_at=ended
    )


def test_a_lock_that_was_read_ends_what_was_told_of_it_and_of_its_account(house: House) -> None:
    door, gate = doors(house, "Door", "Gate")
    attic = at_another_account(house)
    now = timezone.now()
    for row in (gate, attic):
        LockActivity.objects.create(lock=row, due_at=now + HOUR, rest_until=now + HOUR, trouble="forbidden")
    LockActivity.objects.create(lock=door, trouble="forbidden")
    for about in (door, gate, attic, house.account, attic.account):
        Incident.open(Kind.NO_ACTIVITY, now, about=about)
    Incident.open(Kind.BATTERY_LOW, now, about=door)
    over_long_ago(door)
    assert tick(house) == 1
    assert (told(door).trouble, told(door).rest_until, told(door).due_at) == ("", None, now + 15 * MINUTE)
    assert told(gate).trouble == "forbidden"
    closed = Incident.objects.filter(resolved_at=now)
    assert [one.lock or one.account for one in closed.order_by("pk")] == [door, house.account]


def test_what_need_not_be_read_any_more_is_nobodys_concern(house: House) -> None:
    (door,) = doors(house, "Door")
    attic = at_another_account(house, reads_activity=False)
    now = timezone.now()
    LockState.objects.update(paused_until=now + DAY)  # nothing is read now
    for about in (door, attic, house.account, attic.account):
        Incident.open(Kind.NO_ACTIVITY, now, about=about)
    Incident.open(Kind.BATTERY_LOW, now, about=attic)
    over_long_ago(attic)
    tick(house)
    assert asked(house) == 0
    closed = Incident.objects.filter(resolved_at=now)
    assert [one.lock or one.account for one in closed.order_by("pk")] == [attic, attic.account]
    assert Incident.objects.filter(resolved_at=None).count() == 3
