"""Nobody is said to get in unless each code is confirmed on every lock of the property, whatever the database holds."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pins.board import loading
from pins.core.pin_state import State
from pins.desired import grants
from pins.incidents import slow_checks
from pins.models import AccessGrant, Incident, Pin
from rentals import end_to_end
from rentals.access import EVERYTHING
from rentals.models import Booking, CalendarFeed, FeedItem, Lock, LockAccount, Property
from rentals.wording import Tone

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime.fromisoformat("2027-03-01T09:00:00+00:00")
ALL_GET_IN = re.compile(r"(The guest who arrives|Both guests|All \d+ guests)[\w ]* can get in")
#: How a row of a code can be: usually as after an undisturbed run, so that green boards come about at all.
FATES = (*("set",) * 4, "any state", "no id", "shorter", "later", "unwanted", "under way", "gone", "changed")
#: Troubles of a calendar that may hide an arrival.
UNREAD = (
    Incident.Kind.FEED_STALE,
    Incident.Kind.FEED_REFUSED,
    Incident.Kind.FEED_RESET,
    Incident.Kind.FEED_UNREADABLE,
)
Draw = Any


class _Undo(Exception):
    """Ends an example without a trace in the database."""


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_everybody_gets_in_only_where_every_code_is_confirmed(data: st.DataObject) -> None:
    with time_machine.travel(NOW, tick=False), contextlib.suppress(_Undo), transaction.atomic():
        _make(data.draw)
        _check_the_board()
        raise _Undo


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_one_fault_in_a_house_in_order_is_enough(data: st.DataObject) -> None:
    with time_machine.travel(NOW, tick=False), contextlib.suppress(_Undo), transaction.atomic():
        stay = _house_in_order(data.draw)
        data.draw(st.sampled_from(FAULTS))(stay)
        _check_the_board()
        raise _Undo


def _check_the_board() -> None:
    board = loading.load(timezone.now(), scope=EVERYTHING)
    arrivals = [one for one in Booking.objects.all() if NOW < one.check_in <= NOW + DAY and one.status != "cancelled"]
    expected = [one for one in arrivals if one.status == Booking.Status.CONFIRMED]
    confirmed = [one for one in expected if _is_confirmed(one)]
    green, said = board.headline.tone is Tone.READY, ALL_GET_IN.search(board.headline.words) is not None
    if green or said:
        assert confirmed == expected, board.headline.words
    if green:
        assert _is_true_of_guests_in_the_house(), board.headline.words
        assert arrivals == expected
        assert not _has_doubts(expected), board.headline.words
    between = end_to_end.next_stays(ending_after=NOW - end_to_end.WITHIN, until=NOW)  # in the house, too, with doubts
    if confirmed == expected == arrivals and not between and not _has_doubts(expected):  # then it is said
        assert said == bool(expected), board.headline.words
    named = {row.booking_id for one in (*board.lists, board.outside) for row in one.rows}
    assert {one.pk for one in arrivals} <= named, "each arrival is on the board"
    _check_that_somebody_is_told(expected)


def _check_that_somebody_is_told(expected: list[Booking]) -> None:
    """After the checks an incident tells of each arrival that no lock lets in, and of each row near its first day."""
    slow_checks.check(NOW)
    told = set(Incident.objects.filter(kind="no_lock", resolved_at=None).values_list("booking", flat=True))
    for one in expected:
        doors = one.property.locks.filter(is_active=True)
        if (one.property.is_active and not doors.exists()) or all(
            lock.has_keypad is False and not lock.account.observe_only for lock in doors
        ):
            assert one.pk in told or AccessGrant.objects.filter(booking=one, revoked_at__isnull=False).exists()
    assert set(_undecided_soon()) == set(
        Incident.objects.filter(kind="stay_unclear", resolved_at=None).values_list("item", flat=True)
    )


def _is_true_of_guests_in_the_house() -> bool:
    """Whether each of them can get in by every lock at this moment, as far as it is Turnkey's to know."""
    present = Booking.objects.filter(check_in__lte=NOW, check_out__gt=NOW).exclude(status="cancelled")
    for one in present:
        if one.status == "tentative":
            return False
        if AccessGrant.objects.filter(booking=one, revoked_at__isnull=False).exists():
            continue  # a person took the code away
        locks = list(one.property.locks.select_related("account"))
        if any(lock.account.observe_only for lock in locks):
            continue
        if not locks or not all(lock.is_active and _opens(lock, one) for lock in locks):
            return False
    return True


def _opens(lock: Lock, booking: Booking) -> bool:
    pins = Pin.objects.filter(lock=lock, grant__booking=booking, wanted=True, state__in=("set", "changing"))
    open_ones = pins.filter(remote_id__isnull=False, applied_starts_at__lte=NOW, applied_ends_at__gt=NOW)
    return lock.has_keypad is not False and open_ones.exists()


# -- what the truth is, from the rows alone ----------------------------------------------------------------------------


def _is_confirmed(booking: Booking) -> bool:
    locks = list(booking.property.locks.all())
    return bool(locks) and all(lock.is_active and _holds(lock, booking) for lock in locks)


def _holds(lock: Lock, booking: Booking) -> bool:
    pin = Pin.objects.filter(lock=lock, grant__booking=booking, grant__kind="guest", wanted=True, state="set").first()
    if pin is None or pin.remote_id is None or pin.op or lock.has_keypad is False:
        return False
    starts_at, ends_at = pin.applied_starts_at, pin.applied_ends_at
    assert starts_at is not None
    assert ends_at is not None
    return starts_at <= booking.check_in and booking.check_out <= ends_at


def _is_doubtful_in_the_house() -> bool:
    present = Booking.objects.filter(check_in__lte=NOW, check_out__gt=NOW)
    sure = present.filter(status="confirmed")
    changed = Incident.objects.filter(resolved_at=None, kind="code_changed", pin__grant__booking__in=sure)
    half_off = sure.filter(property__locks__is_active=True).filter(property__locks__is_active=False)
    return present.filter(status="tentative").exists() or half_off.exists() or changed.exists()


def _undecided_soon() -> list[int]:
    rows = FeedItem.objects.filter(verdict="review", decision="", gone_at=None, feed__is_active=True)
    return [one.pk for one in rows if one.ends_at > NOW and one.starts_at <= NOW + 72 * HOUR]  # type: ignore[operator]


def _has_doubts(expected: list[Booking]) -> bool:
    return bool(
        _undecided_soon()
        or any(one.needs_review for one in expected)
        or Incident.objects.filter(resolved_at=None, feed__isnull=False).exists()
        or Incident.objects.filter(resolved_at=None, kind="code_changed", pin__grant__booking__in=expected).exists()
        or _is_doubtful_in_the_house()
    )


# -- any state ---------------------------------------------------------------------------------------------------------


def _make(draw: Draw) -> None:
    accounts = [
        LockAccount.objects.create(name="Office", secret="key"),
        LockAccount.objects.create(name="Trial", secret="other", observe_only=True),
    ]
    locks = [_lock(draw, number, accounts) for number in range(draw(st.integers(0, 4)))]
    for number in range(draw(st.integers(1, 3))):
        _property(draw, number, locks)
    _read(draw)
    for pin in list(Pin.objects.select_related("grant")):
        _fate(draw, pin)
    _behind_our_back(draw, locks)


def _house_in_order(draw: Draw) -> Booking:
    """One flat with two doors, and one guest who is in the house, or comes today, with a code on both."""
    account = LockAccount.objects.create(name="Office", secret="key")
    doors = [Lock.objects.create(account=account, device_id=number, name=f"Door {number}") for number in (1, 2)]
    (flat,) = Property.objects.bulk_create([Property(name="Flat", timezone="Europe/Warsaw")])
    flat.locks.set(doors)
    check_in = NOW + draw(st.sampled_from((-30, -2, 3, 23))) * HOUR
    booking = Booking(property=flat, guest_name="Anna", check_in=check_in, check_out=check_in + 70 * HOUR)
    Booking.objects.bulk_create([booking])
    grants.sync_bookings([booking.pk], NOW)
    CalendarFeed.objects.create(property=flat, name="Channel")
    for pin in Pin.objects.select_related("grant"):
        _put(pin, "set")
    return booking


def _switch_off(stay: Booking) -> None:
    Lock.objects.filter(name="Door 2").update(is_active=False)
    grants.sync_bookings([stay.pk], NOW)


#: What can go wrong with a house in order; nothing is among it, too.
FAULTS: tuple[Callable[[Booking], object], ...] = (
    lambda stay: None,
    _switch_off,
    lambda stay: Lock.objects.filter(name="Door 1").update(has_keypad=False),
    lambda stay: Booking.objects.filter(pk=stay.pk).update(status="tentative"),
    lambda stay: Booking.objects.filter(pk=stay.pk).update(check_out=stay.check_out + DAY),
    lambda stay: Property.objects.update(is_active=False),
    lambda stay: Incident.open(Incident.Kind.CODE_CHANGED, NOW, about=Pin.objects.latest("pk")),
    *(partial(lambda kind, stay: Incident.open(kind, NOW, about=CalendarFeed.objects.get()), one) for one in UNREAD),
    *(partial(lambda fate, stay: _put(Pin.objects.select_related("grant").latest("pk"), fate), one) for one in FATES),
)


def _lock(draw: Draw, number: int, accounts: list[LockAccount]) -> Lock:
    return Lock.objects.create(
        account=accounts[draw(st.sampled_from((0, 0, 0, 0, 1)))],
        device_id=number + 1,
        name=f"Door {number}",
        is_active=draw(st.sampled_from((True, True, True, True, False))),
        has_keypad=draw(st.sampled_from((True, None, True, None, False))),
    )


def _property(draw: Draw, number: int, locks: list[Lock]) -> None:
    (flat,) = Property.objects.bulk_create([Property(name=f"Flat {number}", timezone="Europe/Warsaw")])
    flat.locks.set([one for one in locks if draw(st.booleans())])
    stays = []
    for _ in range(draw(st.integers(0, 2))):
        check_in = NOW + draw(st.sampled_from((-30, -2, 0, 1, 3, 23, 24, 25, 50))) * HOUR
        stay = Booking(property=flat, guest_name="Anna", check_in=check_in)
        stay.check_out = check_in + draw(st.sampled_from((1, 20, 70))) * HOUR
        stay.status = draw(st.sampled_from(("confirmed",) * 5 + ("tentative", "cancelled")))
        stay.needs_review = draw(st.sampled_from((False, False, False, False, True)))
        stays.append(stay)
    made = [one.pk for one in Booking.objects.bulk_create(stays)]
    if draw(st.sampled_from((True, False, False, False))):
        Property.objects.filter(pk=flat.pk).update(is_active=False)
    grants.sync_bookings(made, NOW)


def _read(draw: Draw) -> None:
    """A calendar with rows that nobody decided about, and perhaps with a trouble of its own."""
    if not draw(st.sampled_from((False, False, True))):
        return
    feed = CalendarFeed.objects.create(
        property=Property.objects.earliest("pk"), name="Channel", is_active=draw(st.booleans())
    )
    for number in range(draw(st.integers(0, 2))):
        starts_at = NOW + draw(st.sampled_from((-20, 5, 60, 100))) * HOUR
        FeedItem.objects.create(
            feed=feed,
            uid=str(number),
            verdict=draw(st.sampled_from(("review", "review", "block"))),
            decision=draw(st.sampled_from(("", "", "not_stay"))),
            starts_at=starts_at,
            ends_at=starts_at + draw(st.sampled_from((10, 30))) * HOUR,
            first_seen_at=NOW,
            changed_at=NOW,
        )
    if draw(st.sampled_from((False, False, True))):
        Incident.open(draw(st.sampled_from(UNREAD)), NOW, about=feed)


def _fate(draw: Draw, pin: Pin) -> None:
    fate = draw(st.sampled_from(FATES))
    _put(pin, fate, draw(st.sampled_from(list(State))) if fate == "any state" else State.IN_DOUBT)


def _put(pin: Pin, fate: str, state: State = State.IN_DOUBT) -> None:
    """Make the row of a code one of `FATES`."""
    grant = pin.grant
    fields: dict[str, Any] = {
        "state": State.SET,
        "remote_id": pin.pk,
        "applied_known": True,
        "applied_code": grant.code,
        "applied_starts_at": grant.starts_at,
        "applied_ends_at": grant.ends_at,
        "next_try_at": None,
    }
    other: dict[str, dict[str, Any]] = {
        "any state": {"state": state},
        "no id": {"remote_id": None},
        "shorter": {"applied_ends_at": grant.ends_at - MINUTE},
        "later": {"applied_starts_at": grant.starts_at + MINUTE},
        "unwanted": {"wanted": False},
        "under way": {"op": "put", "op_token": "00000000-0000-4000-8000-000000000000"},
    }
    if fate == "gone":
        pin.delete()
        return
    Pin.objects.filter(pk=pin.pk).update(**fields | other.get(fate, {}))
    if fate == "changed":
        Incident.open(Incident.Kind.CODE_CHANGED, NOW, about=pin)


def _behind_our_back(draw: Draw, locks: list[Lock]) -> None:
    """What bulk writes do, before the drift check follows."""
    for booking in Booking.objects.all():
        if draw(st.sampled_from((True, *(False,) * 9))):
            Booking.objects.filter(pk=booking.pk).update(check_out=booking.check_out + DAY)
        if draw(st.sampled_from((True, *(False,) * 9))):
            AccessGrant.objects.filter(booking=booking).update(revoked_at=NOW, wanted=False)
    for flat in Property.objects.all():
        if locks and draw(st.sampled_from((True, *(False,) * 9))):
            Property.locks.through.objects.get_or_create(property=flat, lock=draw(st.sampled_from(locks)))
