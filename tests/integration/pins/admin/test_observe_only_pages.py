"""Observe only on the pages: each says that nothing is written, and new accounts begin with it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from pins.actions import stays
from pins.board.headline import headline
from pins.incidents import sweep_checks
from rentals.models import Booking, LockAccount, Property
from rentals.wording import Tone
from tests.support.house import KEY, House
from tests.support.observe_only import observed_house, writes
from tests.support.pages import text, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def house(clock: time_machine.Traveller) -> House:
    return observed_house()


# -- what people read --------------------------------------------------------------------------------------------------


def test_every_page_says_that_nothing_is_written(house: House, host: Client, clock: time_machine.Traveller) -> None:
    door = house.lock("Front door")
    stay = house.stay(house.flat(door), HOUR, DAY)
    planned = house.stay(Property.objects.get(), 60 * DAY, DAY)
    house.settle()
    clock.shift(timedelta(minutes=30))
    sweep_checks.check(datetime.now(UTC))
    sentence = "Turnkey only observes “Front door”"
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
        assert "Observe only" in shown, page
        assert "On its way" not in shown, page
    assert "would go onto the locks" in text(host.get(f"/stays/{planned.pk}/"))
    assert "Observe only" in text(host.get("/admin/rentals/lockaccount/"))
    board = text(host.get("/"))
    assert "Turnkey only observes “" in board
    assert "can get in" not in board
    assert "locked out" not in board
    assert "Nothing to fix" in board
    assert "0 results" in text(host.get("/admin/rentals/booking/?attention=yes")).replace("0 bookings", "0 results")


def test_the_message_after_an_action_says_that_nothing_was_written(house: House, host: Client) -> None:
    stay = house.stay(house.flat(door := house.lock("Front door")), HOUR, DAY)
    house.settle()
    assert "nothing was tried" in told(host.post(f"/stays/{stay.pk}/try_again/")).lower()
    assert "a new code was chosen. Turnkey only observes 1 lock" in stays.new_code(stay, NOW).text
    assert "changes nothing" in told(host.post(f"/locks/{door.pk}/try-again/"))
    shown = text(host.post(f"/admin/rentals/booking/{stay.pk}/reveal/"))
    assert "It does not open Front door" in shown
    stay.refresh_from_db()
    later = {"hours": "1", "seen": f"{stay.check_in.isoformat()} {stay.check_out.isoformat()}"}
    moved = told(host.post(f"/stays/{stay.pk}/late_check_out/", later))
    assert "The same code would work from" in moved
    assert "Turnkey only observes 1 lock and changes nothing there." in moved
    assert "being told" not in moved
    assert "goes on by itself" not in shown
    assert writes(house) == []


@pytest.mark.parametrize(
    ("arrivals", "observed", "words", "tone"),
    [
        (
            (),
            2,
            "Turnkey only observes the locks of 2 guests who arrive in the next 24 hours and puts no code",
            Tone.WAITING,
        ),
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
    arrivals: tuple[Tone, ...], observed: int, words: str, tone: Tone
) -> None:
    said = headline(arrivals, 0, 0, observed=observed, observes=True)
    assert said.words.startswith(words)
    assert said.tone is tone
    assert ("only observes" in said.words) is bool(observed)


# -- connecting an account by hand -------------------------------------------------------------------------------------


def checked(page: str) -> bool:
    (box,) = re.findall(r'<input[^>]*name="observe_only"[^>]*>', page)
    return "checked" in box


def test_the_first_account_connected_by_hand_is_offered_as_observe_only(host: Client) -> None:
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
    host.get("/")  # the first page of a session notes that a person is there
    counts = []
    for number in range(3):
        house.stay(house.flat(house.lock(f"Door {number}")), HOUR, DAY)
        house.settle()
        with django_assert_max_num_queries(60) as found:
            host.get("/")
        counts.append(len(found))
    assert counts[0] == counts[1] == counts[2]
    assert Booking.objects.count() == 3
