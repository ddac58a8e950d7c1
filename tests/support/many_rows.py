"""Very many stays, codes, requests and messages on PostgreSQL, written by the server itself in seconds.

Each table is made of copies of one row that its model wrote, with what differs given in SQL. Most are
long over or far off. A fixed number of stays (`Filled.due`) arrives within two days and has its codes not set yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from django.db import connection, models

from pins.models import (
    AccessGrant,
    Delivery,
    GuestGuide,
    GuestMessage,
    GuestPage,
    Incident,
    IncidentNotice,
    LockState,
    NotificationChannel,
    Pin,
    PinAttempt,
    StayNotice,
)
from rentals.models import Booking, Lock, LockAccount, Property

#: The tables that grow for years.
LARGE: Final = (Pin, AccessGrant, Booking, Incident, PinAttempt, Delivery, GuestPage, GuestMessage)
#: On so many locks something is due, however many there are.
DUE_LOCKS: Final = 500
_A_LOCK = 100  # codes on each of the others
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Filled:
    """What was made. Keys count from 1."""

    pins: int
    due: int
    locks: int
    now: datetime


def fill(pins: int, due: int, now: datetime) -> Filled:
    """Make so many codes, of which so many are due, one of each stay. The tables are empty before."""
    locks = max(DUE_LOCKS, pins // _A_LOCK)
    _places(locks, now)
    _stays(pins, due, locks, now)
    _history(pins, due, now)
    _guests(pins, due, locks, now)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return Filled(pins, due, locks, now)


def empty() -> None:
    """Remove everything that `fill` made."""
    tables = ", ".join(model._meta.db_table for model in (LockAccount, Lock, Property, Booking, NotificationChannel))
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} CASCADE")


def _places(locks: int, now: datetime) -> None:
    account = LockAccount.objects.create(name="Office", kind="personal_key", secret="key")
    lock = Lock(
        pk=1, account=account, device_id=1, name="Door", serial_number="S1", is_connected=True, battery_level=90
    )
    lock.save()
    home = Property(pk=1, name="Flat", timezone="Europe/Warsaw", check_in_time=time(15), check_out_time=time(11))
    home.issue_ahead_days = 200
    home.save()
    home.locks.set([lock])
    LockState.objects.filter(lock=lock).delete()
    LockState.objects.create(lock=lock, device_id=1, audit_at=now + _DAY)
    NotificationChannel.objects.create(name="Anna", kind="email", target="anna@example.com", listens_from=now - _DAY)
    _copy(Lock, locks, {"device_id": "g", "serial_number": "'S' || g", "name": "'Door ' || g"})
    _copy(Property, locks, {"name": "'Flat ' || g"})
    _copy(Property.locks.through, locks, {"property_id": "g", "lock_id": "g"})
    _copy(LockState, locks, {"device_id": "g"})


def _stays(pins: int, due: int, locks: int, now: datetime) -> None:
    """Stay `g` is due for `g <= due`; of the others one half is over, the other half weeks away. No two overlap."""
    place = f"CASE WHEN g <= {due} THEN (g - 1) % {DUE_LOCKS} + 1 ELSE (g - 1) % {locks} + 1 END"
    turn = f"CASE WHEN g <= {due} THEN (g - 1) / {DUE_LOCKS} ELSE (g - 1) / {locks} END"
    over = f"(g > {due} AND ({turn}) % 2 = 0)"
    begins = (
        f"CASE WHEN g <= {due} THEN {_at(now + _HOUR)} + (({turn}) % 2) * interval '23 hours'"
        f" WHEN {over} THEN {_at(now - 3 * _DAY)} - ({turn}) * interval '1 day'"
        f" ELSE {_at(now + 20 * _DAY)} + ({turn}) * interval '1 day' END"
    )
    ends = f"({begins}) + interval '3 hours'"
    name = "initcap(translate(md5(g::text), '0123456789', 'ghijklmnop'))"
    early = now - 365 * _DAY  # nothing is done for it when it is saved
    booking = Booking(pk=1, property_id=1, guest_name="Anna", check_in=early, check_out=early + _HOUR)
    booking.guest_email = "anna@example.com"
    booking.save()
    _copy(Booking, pins, {"property_id": place, "check_in": begins, "check_out": ends, "guest_name": name})
    grant = AccessGrant(pk=1, booking_id=1, starts_at=early, ends_at=early + _HOUR, reference="00000001")
    grant.save()
    columns = {"booking_id": "g", "reference": "lpad(to_hex(g), 8, '0')", "starts_at": begins, "ends_at": ends}
    columns |= {"issue_at": f"({begins}) - interval '200 days'", "holder_name": name}
    _copy(AccessGrant, pins, columns | {"unnoticed": f"g <= {due}"})
    Pin(pk=1, grant_id=1, lock_id=1, alias="Anna", wished_at=now - _DAY, state_changed_at=now - _DAY).save()
    columns = {"grant_id": "g", "lock_id": place}
    columns["state"] = f"CASE WHEN g <= {due} THEN 'setting' WHEN {over} THEN 'removed' ELSE 'set' END"
    columns["remote_id"] = f"CASE WHEN g > {due} AND NOT {over} THEN g END"
    columns["next_try_at"] = f"CASE WHEN g <= {due} THEN {_at(now)} WHEN {over} THEN NULL ELSE {ends} END"
    columns["deadline_at"] = f"CASE WHEN g <= {due} THEN {begins} WHEN {over} THEN NULL ELSE {ends} END"
    columns["applied_starts_at"] = f"CASE WHEN g > {due} AND NOT {over} THEN {begins} END"
    columns["applied_ends_at"] = f"CASE WHEN g > {due} AND NOT {over} THEN {ends} END"
    _copy(Pin, pins, columns)


def _history(pins: int, due: int, now: datetime) -> None:
    """A request for each code; incidents and messages for some of those that are not due."""
    PinAttempt(pk=1, pin_id=1, op="post", outcome="done", started_at=now - 2 * _DAY).save()
    _copy(PinAttempt, pins, {"pin_id": "g", "token": "gen_random_uuid()"})
    rows = (pins - due) // 10
    if rows:
        ends = now - 2 * _DAY
        first = Incident(pk=1, kind="code_late", subject="pin:1", pin_id=1, opened_at=ends, resolved_at=ends)
        first.save()
        pin = f"{due} + g"
        _copy(Incident, rows, {"pin_id": pin, "subject": f"'pin:' || ({pin})"})
        IncidentNotice(incident_id=1, resolved=True, urgent=True).save(force_insert=True)
        _copy(IncidentNotice, rows, {})
        channel = NotificationChannel.objects.get()
        sent: dict[str, Any] = {"state": "sent", "happened_at": ends, "expires_at": ends, "ended_at": ends}
        Delivery(pk=1, channel=channel, key="old:1", event="incident.opened", **sent).save()
        _copy(Delivery, rows, {"key": "'old:' || g", "uid": "gen_random_uuid()", "incident_id": "g"})
    if pins > due:
        StayNotice(grant_id=due + 1, said="ready", revision=1, number=1).save(force_insert=True)
        _copy(StayNotice, pins, {}, first=due + 1)


def _guests(pins: int, due: int, locks: int, now: datetime) -> None:
    """A guide for each property, and a page with its message for each stay that is not due: its guest was told long
    ago. The guests of those that are due have heard nothing yet."""
    GuestGuide(pk=1, property_id=1).save()
    _copy(GuestGuide, locks, {"property_id": "g"})
    if pins == due:
        return
    ends = now - 60 * _DAY
    page = GuestPage(pk=due + 1, booking_id=due + 1, number=1, said="ready", told_property=1, told_code="x")
    page.told_check_in, page.told_check_out, page.told_link = ends - _DAY, ends, "x"
    page.save(force_insert=True)
    _copy(GuestPage, pins, {"booking_id": "g", "token_digest": "lpad(to_hex(g), 64, '0')"}, first=due + 1)
    sent: dict[str, Any] = {"state": "sent", "created_at": ends, "ended_at": ends, "next_try_at": ends}
    GuestMessage(pk=due + 1, page_id=due + 1, number=1, kind="ready", way="email", **sent).save(force_insert=True)
    _copy(GuestMessage, pins, {"page_id": "g", "uid": "gen_random_uuid()"}, first=due + 1)


def _copy(model: type[models.Model], last: int, columns: Mapping[str, str], *, first: int = 1) -> None:
    """Make the only row of a table into rows `first` to `last`, which differ in these columns: SQL over `g`, the
    key."""
    table, key = model._meta.db_table, str(model._meta.pk.column)
    names = [str(field.column) for field in model._meta.concrete_fields]
    values = {name: f"t.{name}" for name in names} | {key: "g"} | dict(columns)
    asked = ", ".join(values[name] for name in names)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # a million foreign keys need not be looked up
        cursor.execute(f"CREATE TEMPORARY TABLE copied AS SELECT * FROM {table}")
        cursor.execute(f"DELETE FROM {table}")
        rows = f"SELECT {asked} FROM copied t, generate_series({first}, {last}) g"
        cursor.execute(f"INSERT INTO {table} ({', '.join(names)}) {rows}")
        cursor.execute("DROP TABLE copied")
        if key == "id":
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {last})")
        cursor.execute("SET session_replication_role = origin")


def _at(moment: datetime) -> str:
    return f"timestamptz '{moment.isoformat()}'"
