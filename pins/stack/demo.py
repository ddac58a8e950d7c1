"""Sample data of the demo: a house with three flats behind one entrance, with stays around the present moment.

Four cottages get their stays by calendar (`pins.stack.demo_calendars`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from config.paths import kept_secret, private_dir
from pins.core.pin_state import State
from pins.guests import links
from pins.models import AccessGrant, GuestGuide, GuestText, Pin, SparePool, StaffAccess
from pins.reconcile import inventory
from pins.stack import demo_calendars
from rentals.fields import behind
from rentals.models import Booking, Lock, LockAccount, Property
from rentals.models.tokens import new_token, token_digest

ZONE = "Europe/Warsaw"
ENTRANCE = "Front door"
FLATS = ("Garden flat", "River room", "Attic")
#: The flats whose guests have a page, and how they find the door.
GUIDED = {"Garden flat": "The flat is behind the garden.", "Attic": "The attic is at the top of the stairs."}
CLEANER = "Maria Kowalska"
DOORS = (ENTRANCE, *FLATS, *demo_calendars.COTTAGES)
FAULTS = "timeout_applied=0.05,timeout_lost=0.05,busy=0.12,offline=0.04,drop_applied=0.03"
LATE_SECONDS = 8  # a lost write of the simulator may land this late
ENDS_SOON = timedelta(seconds=35)

# The demo's environment must not lead to real data or locks.
FORGET = (
    *("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DATABASE_URL", "REDIS_URL", "TEDEE_API_URL"),
    *("SECRET_KEY_FILE", "FIELD_ENCRYPTION_KEYS_FILE", "DATABASE_URL_FILE", "REDIS_URL_FILE"),
    *("TEDEE_OAUTH_CLIENT_SECRET_FILE", "TEDEE_OAUTH_SCOPES", "PUBLIC_URL"),
    *("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "HTTPS_ONLY", "TEDEE_RATE_LIMIT", "TEDEE_RATE_WINDOW"),
)


@dataclass(frozen=True)
class Sample:
    """One stay; its times are distances from now."""

    guest: str
    flat: str
    begins: timedelta
    ends: timedelta


DAY = timedelta(days=1)
SAMPLES = (
    Sample("Hanna", "Garden flat", -9 * DAY, -5 * DAY),
    Sample("Piotr", "Attic", -6 * DAY, -2 * DAY),
    Sample("Anna", "Garden flat", -2 * DAY, 3 * DAY),
    Sample("Marek", "River room", -1 * DAY, 1 * DAY),
    Sample("Julia", "Attic", -2 * DAY, ENDS_SOON),
    Sample("Olivia", "Attic", 1 * DAY, 5 * DAY),
    Sample("Tomasz", "River room", 2 * DAY, 6 * DAY),
    Sample("Zofia", "Garden flat", 5 * DAY, 12 * DAY),
    Sample("Jan", "River room", 50 * DAY, 57 * DAY),
)


def own_environment(environment: Mapping[str, str], folder: Path, simulator_port: int) -> dict[str, str]:
    """The environment in which the demo starts itself again: its own folder, keys, database, broker and cloud."""
    own = {name: value for name, value in environment.items() if name not in FORGET}
    pace = {"SWEEP_SECONDS": "5", "FEED_TICK_SECONDS": "5", "FEED_POLL_SECONDS": str(demo_calendars.POLL_SECONDS)}
    for name, value in {**pace, "LATE_SECONDS": str(LATE_SECONDS + 2), "LOG_LEVEL": "ERROR"}.items():
        own.setdefault(name, value)
    return own | {
        "TURNKEY_STACK": "demo",
        "TURNKEY_ENV_FILE": "",
        "TURNKEY_VAR_DIR": str(folder),
        "FEEDS_ALLOW_PRIVATE_HOSTS": "1",  # its calendars come from this machine
        "TEDEE_API_URL": f"http://127.0.0.1:{simulator_port}/api/v37",
        # The simulator is Tedee's login as well, and knows this client.
        "TEDEE_OAUTH_CLIENT_ID": "turnkey-demo",
        "TEDEE_OAUTH_CLIENT_SECRET": "demo-client-secret",
        "TEDEE_OAUTH_AUTHORIZE_URL": f"http://127.0.0.1:{simulator_port}/oauth2/authorize",
        "TEDEE_OAUTH_TOKEN_URL": f"http://127.0.0.1:{simulator_port}/oauth2/token",
    }


def locks_file(folder: Path) -> Path:
    """The file that names the house's locks for the simulator."""
    path = private_dir(folder) / "locks.json"
    locks = [{"name": name, "serial": f"21120102-{number:06d}"} for number, name in enumerate(DOORS, start=1)]
    path.write_text(json.dumps(locks, indent=1) + "\n", encoding="utf-8")
    return path


def simulator_key(folder: Path) -> str:
    """The personal key that the simulator accepts."""
    return kept_secret(folder / "simulator_key", lambda: os.urandom(16).hex())


def ensure_admin(folder: Path) -> str:
    """The user `admin` with the password kept in `admin_password`; returns the password."""
    password = kept_secret(folder / "admin_password", lambda: os.urandom(6).hex())
    user, _ = get_user_model().objects.get_or_create(
        username="admin", defaults={"is_staff": True, "is_superuser": True, "email": "admin@example.com"}
    )
    if not user.check_password(password):
        user.set_password(password)
        user.save()
    return password


def ensure_sample_data(now: datetime, key: str) -> bool:
    """Create the house, its locks and stays where they are missing. Returns whether stays were added.

    Needs the simulator: raises inventory.FetchError when its locks cannot be read. When the stays of an earlier start
    are over, new ones are added around `now` (aware).
    """
    account, _ = LockAccount.objects.get_or_create(name="Simulated Tedee account", defaults={"secret": key})
    if Lock.objects.filter(account=account).count() < len(DOORS):
        inventory.fetch(account, now)
    with transaction.atomic():
        entrance = Lock.objects.get(account=account, name=ENTRANCE)
        for name in FLATS:
            flat, fresh = Property.objects.get_or_create(name=name, defaults={"timezone": ZONE})
            if fresh:
                flat.locks.set([entrance, Lock.objects.get(account=account, name=name)])
        _ensure_cleaner()
        # One spare code on each of these doors, for a guest who cannot get in.
        for name in GUIDED:
            SparePool.objects.get_or_create(lock=Lock.objects.get(account=account, name=name), defaults={"size": 1})
    for name in GUIDED:
        _ensure_guide(Property.objects.get(name=name))
    around_now = Booking.objects.filter(check_in__lte=now, check_out__gt=now + timedelta(hours=1))
    if around_now.filter(source="demo").exists():
        return False
    for sample in SAMPLES:
        _book(sample, now)
    return True


def _ensure_cleaner() -> None:
    """Somebody who cleans the flats between stays."""
    cleaner, fresh = StaffAccess.objects.get_or_create(
        name=CLEANER,
        defaults={"mode": StaffAccess.Mode.TURNOVER, "day_start": time(9), "day_end": time(18)},
    )
    if fresh:
        cleaner.properties.set(Property.objects.filter(name__in=FLATS))


def _ensure_guide(flat: Property) -> None:
    """What the guests of a flat read. They get no message: the demo knows nobody's address."""
    guide, fresh = GuestGuide.objects.get_or_create(
        property=flat,
        defaults={
            "hands_out_spares": True,
            "address": "Rynek Główny 1, Kraków",
            "wifi_name": flat.name,
            "host_phone": "+48 12 345 67 89",
        },
    )
    if fresh:
        GuestText.objects.create(
            guide=guide,
            language="en",
            door_instructions=f"The front door is the green one, left of the bakery. {GUIDED[flat.name]}",
            check_out_notes="Please close the windows and leave the keys on the table.",
        )


def guest_path() -> str:
    """The page of a guest who is in the first flat; empty while nobody is."""
    now = timezone.now()
    inside = (
        Booking.objects.filter(property__name=FLATS[0], check_in__lte=now, check_out__gt=now).order_by("pk").first()
    )
    return reverse("guest-page", args=[links.page_of(inside.pk).token]) if inside is not None else ""


def cleaner_path(folder: Path) -> str:
    """The page of the cleaner. The database knows a digest of its address alone, so this keeps it in the folder."""
    token = kept_secret(folder / "cleaner_link", new_token)
    StaffAccess.objects.filter(name=CLEANER).update(link_digest=token_digest(token))
    return reverse("work", args=[token])


def spare_path() -> str:
    """The lock on which a spare code waits for the guest of the attic."""
    return reverse("lock", args=[Lock.objects.filter(name="Attic").values_list("pk", flat=True)[0]])


def _book(sample: Sample, now: datetime) -> None:
    """Stays begin and end at the flat's times, but one ends within the minute, so that a removal can be watched."""
    flat = Property.objects.get(name=sample.flat)
    today = now.astimezone(flat.zone)
    check_in = flat.check_in_on((today + sample.begins).date())
    check_out = flat.check_out_on((today + sample.ends).date())
    if sample.ends < DAY and sample.ends > timedelta(0):
        check_out = (now + sample.ends).replace(microsecond=0)
    Booking.objects.create(
        property=flat, guest_name=sample.guest, check_in=check_in, check_out=check_out, source="demo"
    )


def unsettled(now: datetime, since: datetime) -> list[str]:
    """What is not yet as it should be, in words: due codes that are missing, ended ones that are still there, and
    calendars that were not read after `since`, the start of the demo."""
    missing = [f"{name}: the calendar has not been read yet" for name in demo_calendars.not_fetched_since(since)]
    pins = Pin.objects.select_related("lock", "grant").defer(*Pin.SECRETS, *behind("grant", AccessGrant.SECRETS))
    for pin in pins:
        grant = pin.grant
        live = pin.wanted and pin.admitted and grant.issue_at <= now < grant.ends_at
        if live and pin.state != State.SET:
            missing.append(f"{pin.lock.name}: the code of {grant.holder_name or 'guest'} is {pin.state}, not set")
        ended = not pin.wanted or grant.ends_at <= now
        if ended and pin.state != State.REMOVED:
            missing.append(f"{pin.lock.name}: the code of {grant.holder_name or 'guest'} is {pin.state}, not removed")
    soon = now + 2 * ENDS_SOON
    missing += [
        f"{guest_name}: the stay ends in a moment, then its code is removed"
        for guest_name in Booking.objects.filter(
            check_out__gt=now, check_out__lte=soon, status=Booking.Status.CONFIRMED
        ).values_list("guest_name", flat=True)
    ]
    if not Pin.objects.exists():
        missing.append("no code has been planned yet")
    return missing
