"""Several beats, one schedule: one sends, the others stand by, and whoever takes over doubles nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
import time_machine
from django.conf import settings
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from pytest_django.fixtures import Settings

from config import beat_lease, environment
from config.beat import LOOK_SECONDS, LeadingScheduler
from config.beat_lease import LEASE, RENEW_SECONDS, SURE_SECONDS, Held, Lease
from config.celery import app
from config.processes import this_process
from config.queues import QUEUES
from config.schedule import PREFIX
from pins.models import BeatLease

# The scheduler closes old connections, which would end the transaction around an ordinary test.
pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
SWEEP = "pins.tasks.sweep"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[time_machine.Traveller]:
    """One clock for the machine, its monotonic clock and the database."""
    monkeypatch.setattr(beat_lease, "database_now", timezone.now)
    monkeypatch.setattr(beat_lease, "monotonic", lambda: timezone.now().timestamp())
    with time_machine.travel(START, tick=False) as travelling:
        yield travelling


@pytest.fixture
def sent(redis_url: str, settings: Settings) -> Iterator[Callable[[], Counter[str]]]:
    """Names of the tasks that lie in the broker, and how often."""
    settings.CELERY_BROKER_URL = environment.broker(redis_url)
    forget_pools: Callable[[], None] = app._after_fork  # type: ignore[attr-defined]
    forget_pools()  # they lead to another broker
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()

        def look() -> Counter[str]:
            messages = [message for queue in QUEUES for message in client.lrange(queue.name, 0, -1)]
            return Counter(json.loads(message)["headers"]["task"] for message in messages)

        yield look
        client.flushall()
    forget_pools()


@pytest.fixture
def beats(sent: object) -> Iterator[Callable[[], LeadingScheduler]]:
    made: list[LeadingScheduler] = []

    def make() -> LeadingScheduler:
        made.append(LeadingScheduler(app=app))
        return made[-1]

    yield make
    for one in made:
        one.__dict__.pop("connection", None)


def tick(*beats: LeadingScheduler) -> list[float]:
    """Let each beat do all that is due at this moment; returns how long each wants to sleep then."""
    pauses = []
    for beat in beats:
        while not (pause := beat.tick()):
            pass
        pauses.append(pause)
    return pauses


def pass_seconds(clock: time_machine.Traveller, seconds: float, *beats: LeadingScheduler) -> None:
    for _ in range(int(seconds)):
        clock.shift(1)
        tick(*beats)


def test_only_one_of_two_sends(
    clock: time_machine.Traveller,
    beats: Callable[[], LeadingScheduler],
    sent: Callable[[], Counter[str]],
) -> None:
    first, second = beats(), beats()
    pass_seconds(clock, 5 * settings.SWEEP_SECONDS, first, second)
    assert 4 <= sent()[SWEEP] <= 5
    assert second._dirty == set()
    assert tick(second) == [LOOK_SECONDS]


def test_a_standby_takes_over_from_a_silent_beat_within_the_lease(
    clock: time_machine.Traveller,
    beats: Callable[[], LeadingScheduler],
    sent: Callable[[], Counter[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = beats(), beats()
    pass_seconds(clock, 2 * settings.SWEEP_SECONDS, first, second)
    before = sent()
    last_sent = PeriodicTask.objects.get(name=PREFIX + "sweep").last_run_at
    silent = 0
    while sent()[SWEEP] == before[SWEEP]:  # the first is dead: it ticks no more
        silent += 1
        assert silent <= LEASE.total_seconds() + LOOK_SECONDS
        pass_seconds(clock, 1, second)
    assert "beat_took_over" in caplog.text
    # What was sent shortly before the death is not sent again before its time has come.
    assert last_sent is not None
    assert timezone.now() - last_sent >= timedelta(seconds=settings.SWEEP_SECONDS)
    assert sent()["pins.tasks.check_drift"] == before["pins.tasks.check_drift"]


def test_a_beat_that_wakes_after_a_long_pause_sends_nothing(
    clock: time_machine.Traveller,
    beats: Callable[[], LeadingScheduler],
    sent: Callable[[], Counter[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = beats(), beats()
    tick(first)
    pass_seconds(clock, 60, second)
    so_far = sent()
    assert so_far[SWEEP]
    first_knows = PeriodicTask.objects.get(name=PREFIX + "sweep").total_run_count
    tick(first)
    assert sent() == so_far
    assert "beat_lost_its_lease" in caplog.text
    pass_seconds(clock, settings.SWEEP_SECONDS, first, second)
    assert sent()[SWEEP] == so_far[SWEEP] + 1
    assert PeriodicTask.objects.get(name=PREFIX + "sweep").total_run_count == first_knows + 1


def test_a_beat_that_slept_while_another_led_and_ended_repeats_nothing(
    clock: time_machine.Traveller,
    beats: Callable[[], LeadingScheduler],
    sent: Callable[[], Counter[str]],
) -> None:
    first, second = beats(), beats()
    tick(first)
    pass_seconds(clock, 2 * LEASE.total_seconds() + settings.SWEEP_SECONDS, second)
    second.close()
    so_far = sent()
    tick(first)
    assert first._leads
    assert sent() == so_far


def test_a_beat_that_was_held_up_while_it_sent_asks_again_before_the_message_leaves(
    clock: time_machine.Traveller,
    beats: Callable[[], LeadingScheduler],
    sent: Callable[[], Counter[str]],
) -> None:
    first, second = beats(), beats()
    tick(first)
    entry = first.schedule[PREFIX + "sweep"]
    pass_seconds(clock, 60, second)  # the first waits for a broker all the time
    so_far = sent()
    first.apply_entry(entry, producer=first.producer)
    assert sent() == so_far


def test_a_beat_that_ends_in_order_is_followed_at_once(
    clock: time_machine.Traveller, beats: Callable[[], LeadingScheduler]
) -> None:
    first, second = beats(), beats()
    tick(first, second)
    first.close()
    clock.shift(LOOK_SECONDS)
    tick(second)
    assert second._leads
    assert BeatLease.objects.get().owner == second._lease.owner


@pytest.mark.skipif(not this_process(), reason="this system has no /proc")
def test_a_beat_that_was_killed_on_this_machine_is_followed_at_once(
    clock: time_machine.Traveller, beats: Callable[[], LeadingScheduler]
) -> None:
    first = beats()
    tick(first)
    BeatLease.objects.update(process=this_process() + "1")  # this number, but another moment at which it began
    second = beats()
    tick(second)
    assert second._leads


def test_a_lease_from_before_the_clock_stepped_back_is_free(clock: time_machine.Traveller) -> None:
    former = Lease()
    clock.shift(3600)
    assert former.hold() is Held.TAKEN
    clock.shift(-3600)
    assert Lease().hold() is Held.TAKEN


def test_of_two_that_find_it_free_one_gets_it(clock: time_machine.Traveller) -> None:
    Lease().hold()
    clock.shift(LEASE + timedelta(seconds=1))
    slow, quick = Lease(), Lease()
    write = slow._write

    def overtaken(expected: Any) -> bool:
        if "until" in str(expected):  # it has read the row and found it free
            assert quick.hold() is Held.TAKEN
        return write(expected)

    slow._write = overtaken  # type: ignore[method-assign]
    assert slow.hold() is Held.REFUSED
    assert BeatLease.objects.get().owner == quick.owner


def test_a_lease_that_passed_through_other_hands_is_taken_not_kept(clock: time_machine.Traveller) -> None:
    mine, other = Lease(), Lease()
    assert (mine.hold(), mine.hold()) == (Held.TAKEN, Held.KEPT)
    clock.shift(LEASE + timedelta(seconds=1))
    other.hold()
    other.release()
    assert mine.hold() is Held.TAKEN


def test_it_sends_while_the_database_is_away_only_as_long_as_the_lease_is_sure(
    clock: time_machine.Traveller,
    beats: Callable[[], LeadingScheduler],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = beats()
    tick(first)
    assert first._may_send()
    table = BeatLease._meta.db_table
    monkeypatch.setattr(BeatLease._meta, "db_table", "no_such_table")
    clock.shift(RENEW_SECONDS + 1)
    assert first._may_send()
    clock.shift(SURE_SECONDS - RENEW_SECONDS)
    assert not first._may_send()
    assert caplog.text.count("beat_has_no_database") == 1
    monkeypatch.setattr(BeatLease._meta, "db_table", table)
    assert first._may_send()


def test_a_standby_writes_nothing_and_who_leads_puts_the_table_right(
    clock: time_machine.Traveller, beats: Callable[[], LeadingScheduler]
) -> None:
    first = beats()
    tick(first)
    interval = IntervalSchedule.objects.create(every=1, period="days")
    PeriodicTask.objects.create(name=PREFIX + "of another release", task="pins.tasks.other", interval=interval)
    second = beats()
    tick(second)
    assert PeriodicTask.objects.filter(name=PREFIX + "of another release").exists()
    first.close()
    clock.shift(LOOK_SECONDS)
    clock.shift(RENEW_SECONDS)
    tick(second)
    assert not PeriodicTask.objects.filter(name=PREFIX + "of another release").exists()


def test_a_clock_that_stood_ahead_for_a_while_stops_no_tick(
    clock: time_machine.Traveller,
    beats: Callable[[], LeadingScheduler],
    sent: Callable[[], Counter[str]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passed = 0.0  # a step of the clock does not concern what counts from the start of the machine
    monkeypatch.setattr(beat_lease, "monotonic", lambda: passed)
    beat = beats()

    def seconds(number: float) -> None:
        nonlocal passed
        for _ in range(int(number)):
            passed += 1
            pass_seconds(clock, 1, beat)

    seconds(2 * settings.SWEEP_SECONDS)
    true = timezone.now()
    clock.move_to(true + timedelta(days=1))
    seconds(settings.SWEEP_SECONDS)
    before = sent()
    clock.move_to(true)
    seconds(2 * settings.SWEEP_SECONDS + RENEW_SECONDS)
    assert sent()[SWEEP] > before[SWEEP]
    assert "clock_stepped_back" in caplog.text


def test_a_beat_that_begins_after_a_clock_stood_ahead_sends_its_ticks(
    clock: time_machine.Traveller, beats: Callable[[], LeadingScheduler], sent: Callable[[], Counter[str]]
) -> None:
    first = beats()
    tick(first)
    first.close()
    PeriodicTask.objects.update(last_run_at=timezone.now() + timedelta(days=1))
    before = sent()
    pass_seconds(clock, 2 * settings.SWEEP_SECONDS, beats())
    assert sent()[SWEEP] > before[SWEEP]
