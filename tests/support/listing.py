"""Time passes tick by tick, and the accounts whose moment comes are listed."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import time_machine
from django.utils import timezone

from pins.reconcile import listing
from rentals.models import LockAccount
from tests.support.house import House


def live_by_ticks(house: House, clock: time_machine.Traveller, span: timedelta) -> set[int]:
    """Look for due accounts at each tick; returns the locks that were woken."""
    woken: set[int] = set()
    for _ in range(span // listing.TICK):
        clock.shift(listing.TICK)
        woken |= listing.list_due_accounts(timezone.now(), clients=house.client)
    return woken


def to_its_moment(clock: time_machine.Traveller, account: LockAccount, *, later: timedelta = timedelta()) -> datetime:
    """Go to the account's next moment of the hour."""
    following = listing.turn_of(account.pk, timezone.now() + listing.EVERY)
    clock.move_to(following + later)
    return following + later


def list_now(house: House, clock: time_machine.Traveller) -> set[int]:
    """Go to the next moment of the house's account and list its locks; returns the locks that were woken."""
    return listing.list_due_accounts(to_its_moment(clock, house.account), clients=house.client)


def requested(house: House) -> Counter[str]:
    """How often each path was asked for, without the version."""
    return Counter(record.path for record in house.cloud.journal.requests)


def list_after(house: House, clock: time_machine.Traveller, *spans: timedelta) -> None:
    """After each of these spans, list the locks of the house's account at its next moment."""
    for span in spans:
        clock.shift(span)
        list_now(house, clock)
