"""Reads what the steps of the first run are judged from. A fixed number of queries; no secret and no code is read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Q

from pins.admin.setup.known import Account, Calendar, Door, Facts, Flat, Stay
from pins.core.foreign_writers import counted_writers
from pins.models import AccountState, AccountTokens, Heartbeat, LockState
from pins.reconcile import sweep
from pins.reconcile.account_limits import WRITES_REST
from pins.status import stay_lists, wording
from pins.status.locks import pause
from pins.status.pins import is_confirmed
from rentals.access import EVERYTHING
from rentals.fields import behind
from rentals.models import Booking, CalendarFeed, Lock, LockAccount, Property
from rentals.wording import Tone

_TOKENS: Final = behind("tokens", AccountTokens.SECRETS)
#: The first run is about the first few. Of more the pages name so many.
_MOST: Final = 100


def load(now: datetime) -> Facts:
    """`now`: UTC."""
    accounts = (
        LockAccount.objects.select_related("operation", "tokens")
        .defer(*LockAccount.SECRETS, *_TOKENS)
        .order_by("pk")[:_MOST]
    )
    doors = tuple(_door(one, now) for one in _locks())
    usable = frozenset(one.id for one in doors if not one.problem)
    judged = tuple(_account(one) for one in accounts)
    over = Booking.objects.filter(status=Booking.Status.CONFIRMED, check_out__lte=now)
    return Facts(
        now=now,
        accounts=judged,
        doors=doors,
        flats=_flats(),
        calendars=_calendars(),
        stay=_stay(usable, now),
        may_log_in=bool(settings.TEDEE_OAUTH_CLIENT_ID),
        works=_works(now),
        is_old=not all(one.observe_only for one in judged) and over.exists(),
    )


def _locks() -> list[Lock]:
    locks = Lock.objects.select_related("operation", "account__operation")
    return list(locks.defer(*behind("account", LockAccount.SECRETS)).order_by("name", "pk")[:_MOST])


def _account(one: LockAccount) -> Account:
    state: AccountState | None = getattr(one, "operation", None)
    row: AccountTokens | None = getattr(one, "tokens", None)
    by_login = one.kind == LockAccount.Kind.OAUTH
    known = Account(
        id=one.pk,
        name=one.name,
        observe_only=one.observe_only,
        by_login=by_login,
        connected=not by_login or (row is not None and not row.ended),
        not_renewed=by_login and row is not None and row.failing_since is not None,
    )
    if state is None:
        return known
    may_only_read = bool(state.dead_key) and state.pause_cause == WRITES_REST
    return replace(
        known,
        accepted=state.listed_at is not None,
        refused=bool(state.dead_key) and not may_only_read,
        may_write=False if may_only_read else state.key_may_write,
        ends_at=state.key_valid_to if not by_login else row.refresh_until if row is not None else None,
    )


def _door(lock: Lock, now: datetime) -> Door:
    state: LockState | None = getattr(lock, "operation", None)
    looked = state is not None and state.looked_at is not None
    cause = "" if looked else pause(lock, now)[0]
    return Door(
        id=lock.pk,
        name=lock.name,
        account_id=lock.account_id,
        is_active=lock.is_active,
        has_keypad=lock.has_keypad,
        has_bridge=lock.has_bridge,
        is_connected=lock.is_connected,
        looked=looked,
        trouble=f"{wording.reason(cause)} {wording.remedy(cause)}".strip() if cause else "",
        writers=counted_writers(state.foreign_names) if state is not None else (),
    )


def _flats() -> tuple[Flat, ...]:
    flats = dict(Property.objects.filter(is_active=True).order_by("name", "pk").values_list("pk", "name")[:_MOST])
    doors: defaultdict[int, set[int]] = defaultdict(set)
    pairs = Property.locks.through.objects.filter(property__in=list(flats))
    for property_id, lock_id in pairs.values_list("property_id", "lock_id"):
        doors[property_id].add(lock_id)
    return tuple(Flat(pk, name, frozenset(doors[pk])) for pk, name in flats.items())


def _calendars() -> tuple[Calendar, ...]:
    feeds = CalendarFeed.objects.select_related("state").defer(*CalendarFeed.SECRETS).order_by("pk")[:_MOST]
    return tuple(
        Calendar(one.pk, one.name, one.is_active, one.state.last_good_at is not None, one.state.last_error)
        for one in feeds
    )


def _stay(usable: frozenset[int], now: datetime) -> Stay | None:
    """The first to come at a flat with a usable door; a guest who is in the house comes first."""
    served = Property.locks.through.objects.filter(lock__in=usable).values("property")
    coming = Q(status=Booking.Status.CONFIRMED, check_out__gt=now, property__is_active=True, property__in=served)
    found = stay_lists.load(coming, EVERYTHING, 1)
    if not found:
        return None
    booking, one = found[0], stay_lists.stay_of(found[0], now)
    doors = frozenset(one.locks & usable)
    wanted = [pin for pin in one.pins if pin.wanted and pin.lock_id in doors]
    confirmed = {pin.lock_id for pin in wanted if is_confirmed(pin, now)}
    ahead = timedelta(days=booking.property.issue_ahead_days, minutes=booking.property.early_minutes)
    return Stay(
        id=booking.pk,
        zone=booking.property.timezone,
        door_ids=doors,
        goes_on_at=one.grant.issue_at if one.grant is not None else booking.check_in - ahead,
        worked_out=doors <= {pin.lock_id for pin in wanted},
        ready=bool(doors) and doors <= confirmed,
        must_act=one.badge.label if one.tone is Tone.ACT else "",
    )


def _works(now: datetime) -> bool | None:
    """Whether worker and beat go their rounds. `None`: they have never run."""
    if not Heartbeat.objects.filter(name="sweep").exists():
        return None
    return sweep.idle_since(now) is None
