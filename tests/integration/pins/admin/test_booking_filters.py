"""The list of bookings filters with fast queries; here plain ones ask the same, and the answers must be equal."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from pins.admin.booking_filters import ARRIVES_SOON, PATIENCE, needs_attention
from pins.core.pin_state import State
from pins.models import AccessGrant, AccountState, Incident, LockState, Pin
from pins.stack.portfolio.making import Size, make
from pins.status.wording import MUST_ACT
from rentals.models import Booking, Lock, LockAccount, Property
from tests.integration.conftest import START

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def plainly(now: datetime) -> dict[str, Q]:
    """Each stay by itself: why it needs attention. Reasons of a live stay, then those of any."""
    of_stay = Pin.objects.filter(grant__booking=OuterRef("pk"))
    wanted = of_stay.filter(wanted=True, grant__ends_at__gt=now)
    missing = wanted.exclude(state__in=[State.SET, State.CHANGING]).exclude(lock__account__observe_only=True)
    hopeless = missing.filter(
        Q(last_cause__in=MUST_ACT)
        | Q(lock__operation__paused_until__gt=now, lock__operation__pause_cause__in=MUST_ACT)
        | Q(lock__account__operation__dead_key__gt="")
    ).exclude(grant__issue_at__gt=now)
    mute = wanted.filter(lock__has_keypad=False, lock__account__observe_only=False)
    doors = Lock.objects.filter(properties=OuterRef("property"), is_active=True)
    left = of_stay.filter(remote_id__isnull=False).filter(
        Q(grant__ends_at__lte=now - PATIENCE) | Q(wanted=False, state_changed_at__lte=now - PATIENCE)
    )
    told = Incident.objects.filter(pin__grant__booking=OuterRef("pk"), resolved_at__isnull=True)
    live = Q(status=Booking.Status.CONFIRMED, check_out__gt=now)
    week = live & Q(check_in__lte=now + timedelta(days=7))
    return {
        "blocked": live & Q(Exists(wanted.filter(state=State.BLOCKED))),
        "late": live & Q(Exists(missing.filter(grant__starts_at__lte=now + ARRIVES_SOON))),
        "hopeless": live & Q(Exists(hopeless)),
        "no door": week & Q(~Exists(doors), property__is_active=True),
        "mute": week & Q(Exists(mute)),
        "left": Q(Exists(left)),
        "told": Q(Exists(told)),
    }


def upset(rng: random.Random, now: datetime, much: float) -> None:
    """Set facts at random, also to combinations that no run of Turnkey would leave behind."""

    def some(model: Any, part: float, change: Callable[[], dict[str, Any]]) -> None:
        for pk in model.objects.order_by("pk").values_list("pk", flat=True):
            if rng.random() < part * much:
                model.objects.filter(pk=pk).update(**change())

    def near() -> datetime:
        return now + rng.choice((-1, 1)) * timedelta(minutes=rng.choice((0, 9, 10, 11, 1440, 10_080, 40_000)))

    states = [one.value for one in State]
    causes = ("", "offline", *sorted(MUST_ACT))
    some(Pin, 0.15, lambda: {"state": rng.choice([*states, *[State.BLOCKED.value] * 5])})
    some(Pin, 0.1, lambda: {"wanted": rng.random() < 0.5, "state_changed_at": near()})
    some(Pin, 0.2, lambda: {"remote_id": rng.choice((None, 7)), "last_cause": rng.choice(causes)})
    some(AccessGrant, 0.1, lambda: {"starts_at": now - 90 * DAY, "ends_at": near()})
    some(AccessGrant, 0.1, lambda: {"issue_at": near()})
    some(AccessGrant, 0.05, lambda: {"booking": None})
    some(Booking, 0.2, lambda: {"status": rng.choice(Booking.Status.values)})
    some(Booking, 0.1, lambda: {"check_in": now - 90 * DAY, "check_out": near()})
    some(Lock, 0.2, lambda: {"has_keypad": rng.choice((True, False, False, None))})
    for flat in Property.objects.order_by("pk"):
        if rng.random() < 0.25 * much:
            flat.locks.all().update(is_active=False)
    some(LockState, 0.2, lambda: {"paused_until": near(), "pause_cause": rng.choice(causes)})
    some(LockAccount, 0.4, lambda: {"observe_only": rng.random() < 0.5})
    some(AccountState, 0.4, lambda: {"dead_key": rng.choice(("", "x"))})
    some(Property, 0.1, lambda: {"is_active": rng.random() < 0.5})
    for pin in Pin.objects.order_by("pk"):
        if rng.random() < 0.02 * much:
            about = {"kind": Incident.Kind.STAYS_OVERLAP, "subject": f"test:{pin.pk}", "pin": pin, "opened_at": now}
            Incident.objects.create(**about, resolved_at=rng.choice((None, now)))


def test_the_attention_filter_agrees_with_a_question_stay_by_stay(clock: time_machine.Traveller) -> None:
    """Every reason finds a stay that no other finds. With many reasons for each, a lost one would go unnoticed."""
    alone: set[str] = set()
    for seed, much in enumerate((0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)):
        with transaction.atomic():
            make(Size(properties=12, locks=24, bookings=500), START, seed=seed)
            upset(random.Random(seed), START, much)
            reasons = {name: _ids(why) for name, why in plainly(START).items()}
            counted = Counter(pk for found in reasons.values() for pk in found)
            alone |= {name for name, found in reasons.items() if any(counted[pk] == 1 for pk in found)}
            found = list(Booking.objects.filter(needs_attention(START)).values_list("pk", flat=True))
            assert sorted(found) == sorted(counted)
            assert len(found) < Booking.objects.count()
            transaction.set_rollback(True)
    assert alone == set(plainly(START))


def _ids(why: Q) -> set[int]:
    return set(Booking.objects.filter(why).values_list("pk", flat=True))


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the plan of SQLite")
def test_the_attention_filter_does_not_ask_about_every_booking(clock: time_machine.Traveller) -> None:
    plan = Booking.objects.filter(needs_attention(START)).order_by("check_in", "pk").explain()
    assert "SCAN rentals_booking" not in plan
