"""A process that enters and reads bookings through the ORM, as the admin or a script of the owner would.

One JSON request a line on standard input, one JSON answer a line on standard output: `{"answer": ...}`, or `{"refused":
"OperationalError"}` when the database did not do it. Uses only the names that the project promises to the outside.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import django

django.setup()

from django.contrib.auth.models import Group, Permission, User  # noqa: E402 - models can be imported only after the setup
from django.db import DatabaseError, InterfaceError, connection, transaction  # noqa: E402 - the same
from django.db.models import F  # noqa: E402 - the same
from django.urls import reverse  # noqa: E402 - the same
from django.utils import timezone  # noqa: E402 - the same

from pins.models import (  # noqa: E402
    AccessGrant,
    Delivery,
    Heartbeat,
    Incident,
    NotificationChannel,
    Pin,
    PinAttempt,
    RateBudget,
    StaffAccess,
)
from rentals.models import Booking, CalendarFeed, FeedItem, Lock, LockAccount, Property  # noqa: E402
from rentals.signals import bookings_changed  # noqa: E402
from tests.chaos import for_guests  # noqa: E402


def furnish(
    key: str, locks: list[dict[str, Any]], flats: list[dict[str, Any]], account: str = "Office"
) -> dict[str, int]:
    """Enter account, locks and properties. A flat is {"name", "doors": [device ids], ...fields}; answers its ids."""
    with transaction.atomic():
        owner = LockAccount.objects.create(name=account, kind="personal_key", secret=key)
        for lock in locks:
            Lock.objects.create(
                account=owner, device_id=lock["id"], name=lock["name"], serial_number=lock["serialNumber"]
            )
        ids = {}
        for flat in flats:
            doors = flat.pop("doors")
            made = Property.objects.create(
                timezone="Europe/Warsaw", check_in_time="15:00", check_out_time="11:00", **flat
            )
            made.locks.set(Lock.objects.filter(device_id__in=doors))
            ids[made.name] = made.pk
    return ids


def book(stays: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Save bookings one by one, each with {"flat": id, "guest", "check_in", "check_out"}; answers ids and moments."""
    saved = []
    for stay in stays:
        begun = time.time()
        booking = Booking.objects.create(
            property_id=stay["flat"],
            guest_name=stay["guest"],
            check_in=datetime.fromisoformat(stay["check_in"]),
            check_out=datetime.fromisoformat(stay["check_out"]),
        )
        saved.append({"id": booking.pk, "begun": begun, "saved": time.time()})
    return saved


def book_together(stays: list[dict[str, Any]]) -> float:
    """Save bookings in one transaction; answers the moment of its commit (seconds since 1970)."""
    with transaction.atomic():
        book(stays)
    return time.time()


def book_alone(stay: dict[str, Any]) -> float:
    """Save one booking; answers the moment of the commit, before anybody is told of it."""
    committed: list[float] = []
    with transaction.atomic():
        transaction.on_commit(lambda: committed.append(time.time()))  # the first one asked for is the first one called
        book([stay])
    return committed[0]


def book_in_bulk(stays: list[dict[str, Any]]) -> list[int]:
    """Insert many bookings and announce them, as an import does; answers their ids."""
    with transaction.atomic():
        made = Booking.objects.bulk_create(
            Booking(
                property_id=stay["flat"],
                guest_name=stay["guest"],
                check_in=datetime.fromisoformat(stay["check_in"]),
                check_out=datetime.fromisoformat(stay["check_out"]),
            )
            for stay in stays
        )
        ids = [booking.pk for booking in made]
        bookings_changed.send(sender=Booking, booking_ids=ids, deleted=False, created=True)
    return ids


def change_in_bulk(bookings: list[int], minutes: int = 0, status: str = "confirmed") -> None:
    """Let many guests leave so many minutes later, or cancel them, in one transaction."""
    with transaction.atomic():
        rows = Booking.objects.filter(pk__in=bookings)
        rows.update(check_out=F("check_out") + timedelta(minutes=minutes), status=status)
        bookings_changed.send(sender=Booking, booking_ids=bookings, deleted=False)


def unsettled() -> int:
    """How many codes are not yet as their stays ask."""
    return Pin.objects.exclude(state__in=["set", "removed"]).count()


def cancel(bookings: list[int]) -> None:
    for booking in Booking.objects.filter(pk__in=bookings):
        booking.status = "cancelled"
        booking.save()


def check_out(bookings: list[int], at: str) -> None:
    """The guests leave at another moment than planned."""
    for booking in Booking.objects.filter(pk__in=bookings):
        booking.check_out = datetime.fromisoformat(at)
        booking.save()


def move(bookings: list[int], minutes: int) -> None:
    """The guests come and leave so many minutes later."""
    for booking in Booking.objects.filter(pk__in=bookings):
        booking.check_in += timedelta(minutes=minutes)
        booking.check_out += timedelta(minutes=minutes)
        booking.save()


def stays() -> list[dict[str, Any]]:
    """Every booking with what the locks should hold because of it, and what the database says about its pins."""
    grants = AccessGrant.objects.filter(kind="guest").values_list("booking_id", "code", "reference")
    codes = {booking_id: code for booking_id, code, _ in grants}
    references = {booking_id: reference for booking_id, _, reference in grants}
    states: dict[int | None, dict[int, str]] = {}
    for booking_id, device_id, state in Pin.objects.values_list("grant__booking_id", "lock__device_id", "state"):
        states.setdefault(booking_id, {})[device_id] = state
    doors: dict[int, list[int]] = {}
    for flat_id, device_id in Property.locks.through.objects.values_list("property_id", "lock__device_id"):
        doors.setdefault(flat_id, []).append(device_id)
    return [
        {
            "id": booking_id,
            "confirmed": status == "confirmed",
            "check_in": check_in.isoformat(),
            "check_out": check_out.isoformat(),
            "doors": doors.get(flat_id, []),
            "code": codes.get(booking_id, ""),
            "reference": references.get(booking_id, ""),
            "states": states.get(booking_id, {}),
        }
        for booking_id, status, check_in, check_out, flat_id in Booking.objects.values_list(
            "pk", "status", "check_in", "check_out", "property_id"
        )
    ]


def told() -> dict[str, Any]:
    """Of what open incidents tell: references of codes, and locks with codes of ours that no stay explains."""
    open_now = Incident.objects.filter(resolved_at__isnull=True)
    strays = open_now.filter(kind=Incident.Kind.STRAY_CODE)
    return {
        "references": list(open_now.filter(pin__isnull=False).values_list("pin__grant__reference", flat=True)),
        "strays": list(strays.values_list("lock__device_id", flat=True)),
        "kinds": sorted(open_now.values_list("kind", flat=True)),
    }


def known() -> list[str]:
    """References of all codes in the database."""
    return list(AccessGrant.objects.values_list("reference", flat=True))


def open_attempts() -> int:
    """How many requests were written down and have no outcome."""
    return PinAttempt.objects.filter(outcome="").count()


def release() -> None:
    """A person clears “Observe only” on each account."""
    for account in LockAccount.objects.filter(observe_only=True):
        account.observe_only = False
        account.save()


def a_minute_passes() -> None:
    """Since the last sweep: a restore waits for that, and a test need not."""
    Heartbeat.objects.update(at=F("at") - timedelta(minutes=2))


def failures(booking: int) -> int:
    """How many requests for a stay's code did not succeed."""
    return PinAttempt.objects.filter(pin__grant__booking=booking).exclude(outcome__in=["", "done"]).count()


def spent() -> int:
    """How many requests the budgets count as sent within their window."""
    return sum(sum(row.usage.get("counts", [])) for row in RateBudget.objects.all())


def lock_ids() -> dict[int, int]:
    """The id of every lock in the database, by its id at Tedee."""
    return dict(Lock.objects.values_list("device_id", "pk"))


def hire(name: str, password: str, permissions: list[str] | None = None) -> int:
    """Somebody who may log in: with these permissions only, or with all of them when none are named."""
    user = User.objects.create_user(name, password=password, is_staff=True, is_superuser=permissions is None)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions or []))
    return user.pk


def dismiss(name: str) -> int:
    """Take away what makes somebody one of the staff; whoever is logged in stays so."""
    return User.objects.filter(username=name).update(is_staff=False)


def people() -> dict[str, int]:
    """Everybody who may log in, and their ids."""
    return dict(User.objects.values_list("username", "pk"))


def roles() -> dict[str, int]:
    return dict(Group.objects.values_list("name", "pk"))


def incidents() -> list[int]:
    """Ids of those that are open."""
    return list(Incident.objects.filter(resolved_at__isnull=True).order_by("pk").values_list("pk", flat=True))


def give_up_on(incident: int) -> None:
    """Enter a message about it that could not be sent, to a channel that is switched off by now."""
    now = timezone.now()
    channel = NotificationChannel.objects.create(name="Anna's phone", target="anna@example.com", is_active=False)
    Delivery.objects.create(
        channel=channel,
        key=f"incident:{incident}:opened",
        event="incident.opened",
        incident_id=incident,
        happened_at=now,
        expires_at=now,
        state=Delivery.State.GIVEN_UP,
        ended_at=now,
        payload={"what": "The lock cannot be reached", "remedy": "Look after it.", "account": "Office"},
        attempts=9,
        last_error="The mail server does not answer.",
    )


def change_key(key: str) -> None:
    account = LockAccount.objects.get(name="Office")
    account.secret = key
    account.save()


def subscribe(flat: int, name: str, url: str) -> int:
    """Enter a calendar from which bookings arrive; answers its id."""
    return CalendarFeed.objects.create(property_id=flat, name=name, url=url).pk


def tell_robot(target: str, signing_secret: str) -> int:
    """Enter a machine that is told of everything; answers its id."""
    return NotificationChannel.objects.create(
        name="Robot", kind="webhook", target=target, signing_secret=signing_secret
    ).pk


def names() -> dict[str, dict[str, int]]:
    """Ids by name; of two bookings of one name, the later one's."""
    return {
        "properties": dict(Property.objects.values_list("name", "pk")),
        "locks": dict(Lock.objects.values_list("name", "pk")),
        "accounts": dict(LockAccount.objects.values_list("name", "pk")),
        "staff": dict(StaffAccess.objects.values_list("name", "pk")),
        "bookings": dict(Booking.objects.order_by("pk").values_list("guest_name", "pk")),
    }


def push_path(feed: int) -> str:
    """Where the calendar is pushed to."""
    return reverse("push-calendar", args=[CalendarFeed.objects.get(pk=feed).token])


def calendar(feed: int) -> dict[str, Any]:
    """What is known of a calendar: its stays by reservation code or check-in day, conditions, open incidents."""
    found = CalendarFeed.objects.select_related("state").get(pk=feed)
    items = FeedItem.objects.filter(feed=found).select_related("booking")
    return {
        "good_fetch": found.state.last_good_at is not None,
        "failures": found.state.failures,
        "held": found.state.held_since is not None,
        "failing": found.state.failing_since is not None,
        "verdicts": sorted(item.verdict for item in items if item.gone_at is None),
        "stays": {
            item.reservation_code or str(item.ends_on): {
                "id": item.booking.pk,
                "status": item.booking.status,
                "check_in": item.booking.check_in.isoformat(),
                "check_out": item.booking.check_out.isoformat(),
            }
            for item in items
            if item.booking is not None
        },
        "open_incidents": sorted(
            Incident.objects.filter(feed=found, resolved_at__isnull=True).values_list("kind", flat=True)
        ),
        "incidents": Incident.objects.filter(feed=found).count(),
    }


_OURS: tuple[Callable[..., Any], ...] = (
    furnish,
    book,
    book_together,
    book_alone,
    book_in_bulk,
    change_in_bulk,
    unsettled,
    cancel,
    check_out,
    move,
    stays,
    told,
    known,
    open_attempts,
    release,
    a_minute_passes,
    failures,
    spent,
    lock_ids,
    hire,
    dismiss,
    people,
    roles,
    incidents,
    give_up_on,
    change_key,
    subscribe,
    tell_robot,
    names,
    push_path,
    calendar,
)
ACTIONS = {action.__name__: action for action in (*_OURS, *for_guests.ACTIONS)}


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        try:
            said = {"answer": ACTIONS[request["action"]](**request["fields"])}
        except (DatabaseError, InterfaceError) as error:
            connection.close()  # the next action opens another one
            said = {"refused": type(error).__name__}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
