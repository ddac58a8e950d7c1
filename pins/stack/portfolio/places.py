"""Accounts, locks and properties of the portfolio."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from django.db.models import Max

from pins.core import budget
from pins.models import LockState, RateBudget
from pins.reconcile import request_budget
from rentals.models import Lock, LockAccount, Property
from rentals.models.tokens import new_token, token_digest

#: No header can carry it: the client refuses it before it sends anything, so no cloud gets a request.
DUMMY_KEY = "made up, not a key"
BATCH = 500

_LOCKS_AN_ACCOUNT = 500
#: Far above the ids that Tedee gives.
_FIRST_DEVICE = 7_000_000_000
_ZONES = (
    *("Europe/Warsaw", "Europe/Berlin", "Europe/Lisbon", "Europe/London"),
    *("America/New_York", "Asia/Tokyo", "Australia/Sydney"),
)
_ZONE_WEIGHTS = (46, 14, 12, 10, 10, 4, 4)
_STREETS = (
    *("Acacia Row", "Anchor Quay", "Bridge Street", "Castle Hill", "Chapel Lane", "Cherry Court", "Dock Road"),
    *("Elm Avenue", "Garden Walk", "Harbour View", "High Street", "Lake Shore", "Lime Grove", "Market Square"),
    *("Mill Lane", "Old Town", "Orchard Close", "Park Terrace", "River Bank", "Rose Alley", "Station Road"),
    *("Sunset Strip", "Tower Place", "Vine Yard", "Willow Bend"),
)
_FLATS_A_BUILDING = (1, 2, 3, 4, 6, 8, 12)
_BUILDING_WEIGHTS = (30, 14, 14, 14, 12, 10, 6)
_FOREIGN = ("Cleaner", "Owner", "Neighbour", "Caretaker", "Plumber")
_MORE_DOORS = ("Garage", "Courtyard gate", "Back door", "Bike room", "Laundry", "Roof terrace")


@dataclass(frozen=True, slots=True)
class Home:
    """One property with the locks that its guests open."""

    property: Property
    locks: tuple[Lock, ...]


@dataclass(frozen=True, slots=True)
class _Door:
    name: str
    zone: str
    flats: list[Property]  # that it opens


def make_homes(rng: random.Random, properties: int, locks: int, now: datetime) -> list[Home]:
    """Buildings of one to twelve flats: a lock for each flat, a shared entrance, and the remaining locks as more doors.

    One flat in two hundred has no lock, as if somebody forgot to choose its locks.
    """
    buildings = _buildings(rng, properties)
    flats = [flat for building in buildings for flat in building]
    Property.objects.bulk_create(flats, batch_size=BATCH)
    doors = _doors(rng, buildings, locks)
    found = _make_locks(rng, doors, now)
    opened_by: defaultdict[int, list[Lock]] = defaultdict(list)
    for door, lock in zip(doors, found, strict=True):
        for flat in door.flats:
            opened_by[flat.pk].append(lock)
    through = Property.locks.through
    pairs = [through(property_id=flat.pk, lock_id=lock.pk) for flat in flats for lock in opened_by[flat.pk]]
    through.objects.bulk_create(pairs, batch_size=BATCH)
    return [Home(flat, tuple(opened_by[flat.pk])) for flat in flats]


def _buildings(rng: random.Random, properties: int) -> list[list[Property]]:
    found: list[list[Property]] = []
    left = properties
    while left:
        size = min(left, rng.choices(_FLATS_A_BUILDING, _BUILDING_WEIGHTS)[0])
        zone = rng.choices(_ZONES, _ZONE_WEIGHTS)[0]
        address = f"{_STREETS[len(found) % len(_STREETS)]} {1 + len(found) // len(_STREETS)}"
        names = [address] if size == 1 else [f"{address}, flat {number}" for number in range(1, size + 1)]
        found.append([_property(rng, name, zone) for name in names])
        left -= size
    return found


def _property(rng: random.Random, name: str, zone: str) -> Property:
    return Property(
        name=name,
        timezone=zone,
        check_in_time=time(rng.choice((14, 15, 15, 15, 16))),
        check_out_time=time(rng.choice((10, 11, 11, 12))),
        issue_ahead_days=rng.choice((30, 30, 30, 14, 7)),
        early_minutes=rng.choice((0, 0, 0, 0, 30)),
        late_minutes=rng.choice((0, 0, 0, 0, 15)),
        code_length=rng.choice((6, 6, 6, 5, 7)),
        is_active=rng.random() >= 0.01,
    )


def _doors(rng: random.Random, buildings: list[list[Property]], locks: int) -> list[_Door]:
    """As many doors as there are locks, in the order in which a host would buy locks for them."""
    flats = [flat for building in buildings for flat in building]
    forgotten = {flat.pk for flat in rng.sample(flats, len(flats) // 200)}
    wanted = [_Door(flat.name, flat.timezone, [flat]) for flat in flats]
    for building in buildings:
        if len(building) > 1:
            address = building[0].name.partition(",")[0]
            wanted.append(_Door(f"{address}, entrance", building[0].timezone, list(building)))
    more = 0
    while len(wanted) < locks:
        flat = flats[more % len(flats)] if more >= len(flats) else rng.choice(flats)
        wanted.append(_Door(f"{flat.name}, {_MORE_DOORS[more % len(_MORE_DOORS)].lower()}", flat.timezone, [flat]))
        more += 1
    return [replace(door, flats=[flat for flat in door.flats if flat.pk not in forgotten]) for door in wanted[:locks]]


def _make_locks(rng: random.Random, doors: list[_Door], now: datetime) -> list[Lock]:
    count = -(-len(doors) // _LOCKS_AN_ACCOUNT)
    made = LockAccount.objects.bulk_create([_account(number) for number in range(1, count + 1)])
    last: int = Lock.objects.aggregate(last=Max("device_id"))["last"] or 0
    first = max(_FIRST_DEVICE, last + 1)
    locks = [_lock(rng, door, first + number, made[number // _LOCKS_AN_ACCOUNT]) for number, door in enumerate(doors)]
    Lock.objects.bulk_create(locks, batch_size=BATCH)
    LockState.objects.bulk_create([_state(rng, lock, now) for lock in locks], batch_size=BATCH)
    RateBudget.objects.bulk_create([_spent(rng, account, now) for account in made], ignore_conflicts=True)
    return locks


def _account(number: int) -> LockAccount:
    """An account with a token for Tedee's events: bulk_create does not call `save`, which makes it otherwise."""
    token = new_token()
    return LockAccount(
        name=f"Made-up account {number}",
        secret=DUMMY_KEY,
        webhook_token=token,
        webhook_token_digest=token_digest(token),
    )


def _lock(rng: random.Random, door: _Door, device_id: int, account: LockAccount) -> Lock:
    return Lock(
        account=account,
        device_id=device_id,
        name=door.name,
        serial_number=f"{device_id:014d}"[:8] + f"-{device_id % 1_000_000:06d}",
        time_zone=door.zone,
        has_keypad=rng.random() >= 0.004,
        has_bridge=rng.random() >= 0.003,
        is_connected=rng.random() >= 0.025,
        battery_level=rng.randint(4, 19) if rng.random() < 0.03 else rng.randint(20, 100),
    )


def _state(rng: random.Random, lock: Lock, now: datetime) -> LockState:
    """No lock rests: for locks that rest because they are offline, the connectivity task would ask the cloud."""
    foreign = rng.choice((0, 0, 1, 2, 3, 5))
    return LockState(
        lock=lock,
        device_id=lock.device_id,
        rate_key=lock.account.budget_key,
        foreign_pins=foreign,
        foreign_names=list(_FOREIGN[:foreign]),
        looked_at=now - timedelta(minutes=rng.randint(5, 3000)),
    )


def _spent(rng: random.Random, account: LockAccount, now: datetime) -> RateBudget:
    """An ordinary hour: a few requests every few minutes."""
    rules = request_budget.rules()
    usage = budget.Usage()
    for minute in sorted(rng.sample(range(60), 40), reverse=True):
        for _ in range(rng.randint(1, 6)):
            usage = budget.spend(usage, rules, now - timedelta(minutes=minute)) or usage
    return RateBudget(key=account.budget_key, usage=usage.to_json())
