"""Only watching: everything is worked out and shown, nothing is written to a lock, whatever is tried."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from pins import tasks
from pins.actions import stays
from pins.board.headline import answer
from pins.core.pin_state import State
from pins.desired import code_overrides, drift
from pins.incidents import sweep_checks
from pins.models import AccessGrant, LockState, Pin, PinAttempt, RateBudget
from pins.reconcile import inventory, run, sweep
from pins.simulator.messages import Request
from pins.simulator.transport import CloudTransport
from rentals.models import Booking, Lock, LockAccount, Property
from rentals.wording import Tone
from tests.support.booking_actions import cancel, change, open_incidents
from tests.support.house import KEY, House, pin_of
from tests.support.machine import World

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def house() -> House:
    """Its account is only watched."""
    house = House()
    watch(house.account)
    return house


@pytest.fixture
def host(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("host"))
    return client


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The locks for which a run was asked for, in order."""
    asked: list[int] = []
    monkeypatch.setattr(tasks.run_lock, "delay", lambda *, lock_id: asked.append(lock_id))
    return asked


def watch(account: LockAccount, *, only: bool = True) -> None:
    account.observe_only = only
    account.save()


def writes(house: House) -> list[str]:
    """Requests that would change a lock, as they reached the cloud, refused ones too."""
    return [one.method for one in house.cloud.journal.requests if one.method != "GET"]


def text(response: Any) -> str:
    return str(response.content.decode())


def told(response: Any) -> str:
    return " ".join(str(one.message) for one in get_messages(response.wsgi_request))


# -- nothing is written ------------------------------------------------------------------------------------------------


def test_a_stay_is_worked_out_and_nothing_is_written(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    stay = house.stay(house.flat(door), HOUR, 2 * DAY)
    house.settle()
    pin = pin_of(stay, door)
    assert len(pin.grant.code) == 6
    assert (pin.wanted, pin.admitted, pin.remote_id, pin.op) == (True, True, None, "")
    for _ in range(20):
        clock.shift(timedelta(minutes=17))
        drift.repair(datetime.now(UTC))
        house.settle()
        sweep_checks.review(datetime.now(UTC))
    clock.shift(3 * DAY)
    house.settle()
    assert pin_of(stay, door).state == State.REMOVED
    assert writes(house) == []
    assert not PinAttempt.objects.exists()
    assert open_incidents() == []


def test_what_a_person_does_writes_nothing_either(house: House, clock: time_machine.Traveller) -> None:
    entrance, door = house.lock("Entrance"), house.lock("Door")
    flat, other = house.flat(entrance, door), house.flat(entrance, name="Other")
    stay = house.stay(flat, HOUR, 2 * DAY)
    house.settle()
    for act in (
        lambda: stays.try_again(stay, NOW),
        lambda: stays.new_code(stay, NOW),
        lambda: stays.revoke(stay, NOW),
        lambda: stays.try_again(stay, NOW),
        lambda: stays.new_code(stay, NOW),
        lambda: code_overrides.set_code(AccessGrant.objects.get().pk, "735125", NOW),
        lambda: change(stay, check_out=stay.check_out + DAY),
        lambda: change(stay, property=other),
        lambda: run.try_now(list(Pin.objects.values_list("pk", flat=True)), NOW),
        lambda: flat.locks.remove(door),
        lambda: cancel(stay),
        stay.delete,
    ):
        act()
        house.settle()
        for lock in Lock.objects.all():
            house.run(lock)
        clock.shift(timedelta(minutes=6))
    assert writes(house) == []


def test_reading_is_allowed(house: House) -> None:
    house.lock("Known")
    house.cloud.add_lock("New")
    found = inventory.fetch(house.account, NOW, clients=house.client)
    assert len(found.found) == 2
    assert writes(house) == []


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_twenty_random_edits_and_all_that_follows_write_nothing(seed: int) -> None:
    world = World(seed=seed)
    try:
        account = LockAccount.objects.get()
        watch(account)
        chance = random.Random(seed)
        names = [*world.edits.STAYS, *world.edits.CODES, *world.edits.PLACES]
        for _ in range(4):
            world.edits.apply("book", chance.randrange(6), chance.randrange(7200))
        for _ in range(20):
            world.edits.apply(chance.choice(names), chance.randrange(6), chance.randrange(-7200, 90_000))
            world.work()
            for lock in world.locks():
                world.run(lock)
            world.pass_time(timedelta(seconds=chance.randrange(4000)))
            drift.repair(world.now)
        assert any(grant.code for grant in AccessGrant.objects.all())
        assert writes(world.house) == []

        watch(account, only=False)  # and then everything comes right
        world.come_to_rest()
    finally:
        world.close()


# -- two accounts ------------------------------------------------------------------------------------------------------


def test_a_shared_entrance_of_a_watched_account_leaves_the_other_doors_to_the_other_account(house: House) -> None:
    entrance, door = house.lock("Entrance"), house.lock("Door")
    Lock.objects.filter(pk=door.pk).update(
        account=LockAccount.objects.create(name="Home", kind="personal_key", secret=KEY)
    )
    stay = house.stay(house.flat(entrance, door), HOUR, DAY)
    house.settle()
    assert pin_of(stay, door).state == State.SET
    assert pin_of(stay, entrance).remote_id is None
    assert [change.lock_id for change in house.cloud.journal.changes] == [door.device_id]
    grant = AccessGrant.objects.get()
    (there,) = house.ours(door)
    assert there.value == grant.code


def test_work_that_is_only_watched_takes_no_ration_from_others(house: House, settings: Any) -> None:
    settings.TEDEE_RATE_LIMIT = 3
    settings.TEDEE_RATE_WINDOW = 3600
    LockAccount.objects.update(rate_group="one")
    doors = [house.lock(f"Door {number}") for number in range(6)]
    house.flat(*doors)
    house.stay(Property.objects.get(), HOUR, DAY)
    RateBudget.objects.create(key="group:one")
    sweep.ration(NOW)
    assert RateBudget.objects.get().cutoff_at is None


# -- switching ---------------------------------------------------------------------------------------------------------


def test_switched_off_it_begins_at_once(
    house: House, woken: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    late, soon, idle = house.lock("Late"), house.lock("Soon"), house.lock("Idle")
    house.stay(house.flat(late), 9 * HOUR, DAY)
    house.stay(house.flat(soon), HOUR, DAY)
    house.settle()
    assert sweep.due_locks(NOW) == []  # it rests, and costs nothing
    woken.clear()
    with django_capture_on_commit_callbacks(execute=True):
        watch(house.account, only=False)
        assert woken == []
    assert woken == [soon.pk, late.pk]
    LockState.objects.update(dispatched_at=None)  # nothing was really sent
    house.settle()
    assert set(Pin.objects.values_list("state", flat=True)) == {State.SET}
    assert house.ours(idle) == []


def test_switched_off_by_an_update_it_begins_with_the_next_sweep(house: House) -> None:
    stay = house.stay(house.flat(door := house.lock()), HOUR, DAY)
    house.settle()
    LockAccount.objects.update(observe_only=False)
    assert sweep.due_locks(NOW) == [door.pk]
    house.settle()
    assert pin_of(stay, door).state == State.SET


def test_a_lock_that_goes_over_to_an_account_that_writes_is_written_to(house: House) -> None:
    stay = house.stay(house.flat(door := house.lock()), HOUR, DAY)
    house.settle()
    door.account = LockAccount.objects.create(name="Home", secret=KEY)
    door.save()
    house.settle()
    assert pin_of(stay, door).state == State.SET


def test_saving_something_else_wakes_nobody(
    house: House, woken: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    house.stay(house.flat(house.lock()), HOUR, DAY)
    woken.clear()
    with django_capture_on_commit_callbacks(execute=True):
        house.account.name = "Another"
        house.account.save()
        house.account.observe_only = False
        house.account.save(update_fields=["name"])
        deferred = LockAccount.objects.defer("observe_only", "secret", "webhook_token").get()
        deferred.name = "Once more"
        deferred.save()
    assert woken == []
    assert LockAccount.objects.get().observe_only


class Switch(CloudTransport):
    """Switches the account to watching while the first request that writes is on its way."""

    def __init__(self, house: House) -> None:
        super().__init__(house.cloud, on_send=self._switch)

    def _switch(self, asked: Request) -> None:
        if asked.method != "GET":
            LockAccount.objects.update(observe_only=True)


def test_switched_on_the_request_in_flight_lands_and_no_other_follows() -> None:
    house = House()
    door = house.lock()
    flat = house.flat(door)
    first, second = house.stay(flat, HOUR, DAY), house.stay(flat, 3 * DAY, DAY)
    house.transport = Switch(house)
    house.settle()
    assert pin_of(first, door).state == State.SET
    assert pin_of(second, door).remote_id is None
    assert writes(house) == ["POST"]


def test_a_code_that_is_there_stays_and_is_seen_to_expire(clock: time_machine.Traveller) -> None:
    house = House()
    stay = house.stay(house.flat(door := house.lock()), HOUR, DAY)
    house.settle()
    watch(house.account)
    change(stay, check_out=stay.check_out + DAY)
    house.settle()
    assert pin_of(stay, door).state == State.CHANGING
    change(stay, check_out=stay.check_out)
    house.settle()
    assert pin_of(stay, door).state == State.SET
    house.live(clock, 2 * DAY)
    assert pin_of(stay, door).state == State.REMOVED  # a look told
    assert writes(house) == ["POST"]


@pytest.mark.parametrize(("answer_of_cloud", "state"), [("timeout_applied", State.SET), ("drop_lost", State.SETTING)])
def test_a_lost_answer_is_looked_for_and_nothing_is_sent_again(
    answer_of_cloud: str, state: State, clock: time_machine.Traveller
) -> None:
    house = House()
    stay = house.stay(house.flat(door := house.lock()), HOUR, DAY)
    house.cloud.script(door.device_id, [f"POST:{answer_of_cloud}"])
    house.transport = Switch(house)
    house.live(clock, timedelta(minutes=20))
    assert writes(house) == ["POST"]
    assert "GET" in [one.method for one in house.cloud.journal.requests]
    assert pin_of(stay, door).state == state


def test_a_revoked_code_that_stays_is_told(house: House, clock: time_machine.Traveller, host: Client) -> None:
    watch(house.account, only=False)
    stay = house.stay(house.flat(door := house.lock()), HOUR, DAY)
    house.settle()
    watch(house.account)
    said = stays.revoke(stay, NOW)
    assert "Turnkey only watches 1 lock and changes nothing there" in said.text
    house.settle()
    assert len(house.ours(door)) == 1
    page = text(host.get(f"/stays/{stay.pk}/"))
    assert "Not removed" in page
    assert "the code stays on it until it ends by itself" in page
    clock.shift(HOUR + timedelta(minutes=20))  # before it begins the lock lets nobody in with it
    sweep_checks.review(datetime.now(UTC))
    assert open_incidents() == ["code_stays"]
    assert "may still work" in text(host.get("/"))


# -- what people read --------------------------------------------------------------------------------------------------


def test_every_page_says_that_nothing_is_written(house: House, host: Client, clock: time_machine.Traveller) -> None:
    door = house.lock("Front door")
    stay = house.stay(house.flat(door), HOUR, DAY)
    planned = house.stay(Property.objects.get(), 60 * DAY, DAY)
    house.settle()
    clock.shift(timedelta(minutes=30))
    sweep_checks.review(datetime.now(UTC))
    sentence = "Turnkey only watches “Front door”"
    for page in (
        f"/stays/{stay.pk}/",
        f"/admin/rentals/booking/{stay.pk}/change/",
        f"/stays/{planned.pk}/",
        f"/locks/{door.pk}/",
        f"/admin/rentals/lock/{door.pk}/change/",
    ):
        assert sentence in text(host.get(page)).replace("&quot;", '"'), page
    for page in (f"/stays/{stay.pk}/", f"/locks/{door.pk}/", "/", "/timeline/", "/admin/rentals/booking/"):
        shown = text(host.get(page))
        assert "Watching only" in shown, page
        assert "On its way" not in shown, page
    assert "would go onto the locks" in text(host.get(f"/stays/{planned.pk}/"))
    assert "Watching only" in text(host.get("/admin/rentals/lockaccount/"))
    board = text(host.get("/"))
    assert "Turnkey only watches “" in board
    assert "can get in" not in board
    assert "locked out" not in board
    assert "Nothing to mend" in board
    assert "0 results" in text(host.get("/admin/rentals/booking/?attention=yes")).replace("0 bookings", "0 results")


def test_what_a_person_is_told_after_a_action(house: House, host: Client) -> None:
    stay = house.stay(house.flat(door := house.lock("Front door")), HOUR, DAY)
    house.settle()
    assert "nothing was tried" in told(host.post(f"/stays/{stay.pk}/try_again/")).lower()
    assert "a new code was chosen. Turnkey only watches 1 lock" in stays.new_code(stay, NOW).text
    assert "changes nothing" in told(host.post(f"/locks/{door.pk}/try-again/"))
    shown = text(host.post(f"/admin/rentals/booking/{stay.pk}/reveal/"))
    assert "It does not open Front door" in shown
    stay.refresh_from_db()
    later = {"hours": "1", "seen": f"{stay.check_in.isoformat()} {stay.check_out.isoformat()}"}
    moved = told(host.post(f"/stays/{stay.pk}/late_check_out/", later))
    assert "The same code would work from" in moved
    assert "Turnkey only watches 1 lock and changes nothing there." in moved
    assert "being told" not in moved
    assert "goes on by itself" not in shown
    assert writes(house) == []


@pytest.mark.parametrize(
    ("arrivals", "watched", "words", "tone"),
    [
        ((), 2, "Turnkey only watches for 2 guests who arrive in the next 24 hours and puts no code", Tone.WAITING),
        (
            (Tone.READY,),
            1,
            "A guest who arrives in the next 24 hours can get in, and no code of Turnkey",
            Tone.WAITING,
        ),
        ((Tone.BUSY, Tone.READY), 1, "A guest who arrives in the next 24 hours cannot get in yet, but", Tone.BUSY),
        ((Tone.READY, Tone.READY), 0, "Both guests who arrive in the next 24 hours can get in, and no", Tone.READY),
    ],
)
def test_the_answer_speaks_for_written_codes_alone(
    arrivals: tuple[Tone, ...], watched: int, words: str, tone: Tone
) -> None:
    said = answer(arrivals, 0, 0, watched=watched, watching=True)
    assert said.words.startswith(words)
    assert said.tone is tone
    assert ("only watches" in said.words) is bool(watched)


# -- connecting an account by hand -------------------------------------------------------------------------------------


def checked(page: str) -> bool:
    (box,) = re.findall(r'<input[^>]*name="observe_only"[^>]*>', page)
    return "checked" in box


def test_the_first_account_connected_by_hand_is_offered_to_be_watched(host: Client) -> None:
    page = text(host.get("/admin/rentals/lockaccount/add/"))
    assert checked(page)
    assert "Try Turnkey without touching a lock" in page
    form = {"name": "Office", "kind": "personal_key", "secret": KEY, "rate_group": ""}
    response = host.post("/admin/rentals/lockaccount/add/", form | {"observe_only": "on"})
    account = LockAccount.objects.get()
    assert account.observe_only
    assert "only observes this account" in told(response)
    assert not checked(text(host.get("/admin/rentals/lockaccount/add/")))
    assert checked(text(host.get(f"/admin/rentals/lockaccount/{account.pk}/change/")))
    response = host.post(f"/admin/rentals/lockaccount/{account.pk}/change/", {**form, "secret": ""})
    assert not LockAccount.objects.get().observe_only
    assert "all that is due on them is being done now" in told(response)


def test_an_account_made_by_code_writes(house: House) -> None:
    assert not LockAccount.objects.create(name="Second", secret=KEY).observe_only
    assert not LockAccount(name="Third").observe_only


def test_the_board_costs_as_many_queries_as_before(
    house: House, host: Client, django_assert_max_num_queries: Any
) -> None:
    counts = []
    for number in range(3):
        house.stay(house.flat(house.lock(f"Door {number}")), HOUR, DAY)
        house.settle()
        with django_assert_max_num_queries(60) as found:
            host.get("/")
        counts.append(len(found))
    assert counts[0] == counts[1] == counts[2]
    assert Booking.objects.count() == 3
