"""What Tedee last told about locks and access keys. Reads what is stored; no request is sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, F, Q
from django.utils import timezone

from pins.incidents.slow_checks import KEY_WARNING
from pins.models import AccountState
from pins.stack.checkup.findings import Finding, ok, warn
from rentals.models import Lock, LockAccount
from rentals.wording import counted

#: The list is read every hour, and one that failed an hour later.
LONGEST_SILENCE = timedelta(hours=3)


def locks() -> Iterator[Finding]:
    """Accounts whose locks were not read for hours, batteries that are low, keys that end soon."""
    now = timezone.now()
    number = Lock.objects.filter(is_active=True).count()
    if not number:
        return
    troubles = [*_not_read(now), *_low_batteries(), *_ending_keys(now)]
    yield from troubles
    if not troubles:
        yield ok("locks", f"{counted(number, 'lock')}: read within {LONGEST_SILENCE // timedelta(hours=1)} h, none low")


def _not_read(now: datetime) -> Iterator[Finding]:
    accounts = LockAccount.objects.annotate(listed_at=F("operation__listed_at"), number=Count("locks"))
    old = Q(listed_at=None) | Q(listed_at__lt=now - LONGEST_SILENCE)
    for name, listed_at in accounts.filter(old, number__gt=0).order_by("name", "pk").values_list("name", "listed_at"):
        since = f"since {listed_at:%Y-%m-%d %H:%M} UTC" if listed_at is not None else "yet"
        yield warn(
            f"locks, {name}",
            f"batteries and connections were not read {since}.",
            "It is done once an hour while worker and beat run and enough requests are left. “Fetch locks” on the "
            "account's page says what is wrong.",
        )


def _low_batteries() -> Iterator[Finding]:
    low = Lock.objects.filter(is_active=True, battery_level__lt=Lock.LOW_BATTERY).order_by("battery_level", "name")
    for name, level in low.values_list("name", "battery_level"):
        yield warn(f"lock, {name}", f"its battery is at {level} %.", "Charge or change it.")


def _ending_keys(now: datetime) -> Iterator[Finding]:
    """As the incident tells: an end that has passed was that of another key, or the key is refused."""
    ending = AccountState.objects.filter(
        account__kind=LockAccount.Kind.PERSONAL_KEY, key_valid_to__gt=now, key_valid_to__lte=now + KEY_WARNING
    )
    for name, valid_to in ending.order_by("key_valid_to").values_list("account__name", "key_valid_to"):
        yield warn(
            f"key, {name}",
            f"it ends on {valid_to:%Y-%m-%d %H:%M} UTC, or another key of its user does.",
            "Make a new personal access key at portal.tedee.com and enter it in the account.",
        )
