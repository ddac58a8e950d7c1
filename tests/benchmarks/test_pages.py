"""What the pages cost where there is much to show: queries and bytes as bounds, times as ratios within one run.

`make bench` measures with 500 properties, 1,000 locks and 20,000 bookings; the ordinary suite with fewer, since a query
that is made once a row shows with a few hundred rows, too. Figures go to `var/figures/`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Count, Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from pins.models import Pin
from pins.stack.portfolio.making import Size, make
from rentals.models import Booking, Lock, LockAccount
from tests.benchmarks import table
from tests.support.house import House
from tests.support.paths import FIGURES

pytestmark = [pytest.mark.django_db, pytest.mark.benchmark, pytest.mark.timeout(1800)]

SIZES = (
    (Size(properties=50, locks=100, bookings=2_000), Size(properties=500, locks=1_000, bookings=20_000))
    if table.FULL
    else (Size(properties=50, locks=100, bookings=2_000), Size(properties=100, locks=200, bookings=4_000))
)
MOST_QUERIES = 36
DAY = timedelta(days=1)
LARGEST_BOARD = 150_000
LISTS = (
    "rentals_booking",
    "rentals_property",
    "rentals_lock",
    "rentals_lockaccount",
    "rentals_calendarfeed",
    "rentals_feeditem",
    "rentals_publishedcalendar",
    "pins_incident",
    "pins_accessgrant",
    "pins_pin",
    "pins_pinreveal",
)


@dataclass(frozen=True)
class Cost:
    """One page of one portfolio."""

    queries: tuple[str, ...]
    size: int  # bytes
    seconds: float  # of processor time; for figures in full size the best of three


def _pages() -> dict[str, str]:
    """Every page by name. The stay with most doors, of those whose guest was told the code, and the lock with most
    codes stand for all of their kind."""
    told = Booking.objects.filter(grants__wanted=True, grants__disclosed_at__isnull=False)
    coming = told.filter(check_in__gt=timezone.now())
    stay = coming.annotate(doors=Count("grants__pins")).order_by("-doors", "pk")[0]
    on_it = Count("pins", filter=Q(pins__remote_id__isnull=False))
    lock = Lock.objects.annotate(codes=on_it).order_by("-codes", "pk")[0]
    place = stay.property.name.partition(",")[0]
    return {
        "board": reverse("home"),
        "board, one list in full": f"{reverse('home')}?all=arrivals-today",
        "board, search": f"{reverse('home')}?q={place}",
        "timeline": reverse("timeline"),
        "timeline, search": f"{reverse('timeline')}?q={place}",
        "stay": reverse("stay", args=[stay.pk]),
        "lock": reverse("lock", args=[lock.pk]),
        **{f"admin {name.partition('_')[2]}": reverse(f"admin:{name}_changelist") for name in LISTS},
        "admin booking, needs attention": f"{reverse('admin:rentals_booking_changelist')}?attention=yes",
        "admin booking, one": reverse("admin:rentals_booking_change", args=[stay.pk]),
        "admin lock, one": reverse("admin:rentals_lock_change", args=[lock.pk]),
        "admin pin, one": reverse("admin:pins_pin_change", args=[Pin.objects.filter(lock=lock)[0].pk]),
    }


def _seconds(act: Callable[[], object]) -> float:
    begin = time.process_time()
    act()
    return time.process_time() - begin


def _cost(client: Client, url: str) -> Cost:
    client.get(url)  # what is read once in the life of a process is no cost of a page
    with CaptureQueriesContext(connection) as queries:
        begin = time.process_time()
        answer = client.get(url)
        seconds = time.process_time() - begin
    asked = tuple(one["sql"] for one in queries.captured_queries)  # the next request empties the log
    assert answer.status_code == 200, url
    if table.FULL:
        seconds = min(_seconds(lambda: client.get(url)) for _ in range(3))
    return Cost(asked, len(answer.content), seconds)


def _costs(client: Client, size: Size) -> dict[str, Cost]:
    """Of every page with a portfolio of this size, which is gone afterwards."""
    with transaction.atomic():
        make(size, timezone.now(), seed=1)
        costs = {name: _cost(client, url) for name, url in _pages().items()}
        transaction.set_rollback(True)
    return costs


def test_pages_cost_the_same_queries_however_much_there_is(clock: time_machine.Traveller, client: Client) -> None:
    client.force_login(User.objects.create_superuser("host"))
    with transaction.atomic():
        LockAccount.objects.create(name="Tedee")  # with nothing at all the board leads to the first run
        empty = _cost(client, reverse("home"))
        transaction.set_rollback(True)
    small, large = (_costs(client, size) for size in SIZES)
    _record(empty, small, large)
    table.record(table.QUERIES, max(_number(large, name) for name in large), f"{len(large)} pages")
    table.record(table.BOARD, max(cost.size for name, cost in large.items() if name.startswith("board")) / 1000)
    too_many = {name: _number(large, name) for name in large if _number(large, name) > MOST_QUERIES}
    assert not too_many, too_many
    grown = [_side_by_side(name, small, large) for name in large if _number(small, name) != _number(large, name)]
    assert not grown, "\n\n".join(grown)
    boards = {name: cost.size for name, cost in large.items() if name.startswith("board")}
    assert max(boards.values()) < LARGEST_BOARD, boards


def test_a_stay_costs_the_same_queries_whatever_its_number_of_locks(
    house: House, clock: time_machine.Traveller, client: Client
) -> None:
    client.force_login(User.objects.create_superuser("host"))
    stays = [house.stay(house.flat(*(house.lock() for _ in range(number))), DAY, 3 * DAY) for number in (1, 6)]
    house.settle()
    few, many = (_cost(client, reverse("stay", args=[stay.pk])) for stay in stays)
    assert few.size < many.size
    assert len(few.queries) == len(many.queries)


def _number(costs: dict[str, Cost], name: str) -> int:
    return len(costs[name].queries)


def _side_by_side(name: str, small: dict[str, Cost], large: dict[str, Cost]) -> str:
    """The page with its queries on both sides, to be compared by eye."""
    said = [f"{name}: {_number(small, name)} and {_number(large, name)} queries"]
    for side in (small, large):
        said += ["", *(sql[:160] for sql in side[name].queries)]
    return "\n".join(said)


def _record(empty: Cost, small: dict[str, Cost], large: dict[str, Cost]) -> None:
    lines = [
        f"the board of an empty installation: 1.00 ({empty.seconds * 1000:.1f} ms of processor time)",
        "each page with "
        + ", and with ".join(f"{size.properties} properties, {size.bookings} stays" for size in SIZES),
    ]
    for name, cost in large.items():
        times = f"{small[name].seconds / empty.seconds:.1f} and {cost.seconds / empty.seconds:.1f} times"
        sizes = f"{small[name].size / 1000:.0f} and {cost.size / 1000:.0f} KB"
        lines.append(f"{name}: {len(cost.queries)} queries, {sizes}, {times}")
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / f"pages{'-full' if table.FULL else ''}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n" + "\n".join(lines))
