"""The examinations of `manage.py doctor`. Each yields findings: what was looked at, how it is, how to mend it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from pins.core import budget
from pins.models import Heartbeat, NotificationChannel
from pins.notify import mail
from pins.reconcile import account_limits
from pins.reconcile.clients import client_for
from pins.stack import embedded
from pins.status.wording import doors
from pins.tedee.errors import Cause, TedeeError
from rentals.fields import UndecryptableValue, behind, rewrap
from rentals.models import CalendarFeed, FeedState, LockAccount
from rentals.rotation import encrypted_columns, stored_values
from rentals.wording import counted

SAMPLE_ROWS = 200
CLOCK_TOLERANCE = timedelta(seconds=30)


class Health(StrEnum):
    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    health: Health
    subject: str
    text: str
    remedy: str = ""


def ok(subject: str, text: str) -> Finding:
    return Finding(Health.OK, subject, text)


def warn(subject: str, text: str, remedy: str) -> Finding:
    return Finding(Health.WARN, subject, text, remedy)


def fail(subject: str, text: str, remedy: str) -> Finding:
    return Finding(Health.FAIL, subject, text, remedy)


def configuration() -> Iterator[Finding]:
    """Django's system checks, and what only an operator can judge."""
    messages = checks.run_checks()
    for message in messages:
        serious = message.is_serious()
        hint = message.hint or "See the documentation of this check."
        yield (fail if serious else warn)("settings", f"{message.msg} ({message.id})", hint)
    if not messages:
        yield ok("settings", f"read; time zone UTC, API {settings.TEDEE_API_URL}")
    if settings.DEBUG:
        yield warn("settings", "DEBUG is on: errors show the inside of the program to everybody.", "Unset DEBUG.")
    if os.getuid() == 0:
        yield warn("settings", "This runs as root.", "Run Turnkey as a user of its own; it needs no privileges.")


def database() -> Iterator[Finding]:
    """Reachable, writable, with every migration applied."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        yield fail("database", f"{connection.vendor} does not answer ({type(error).__name__}).", "Check DATABASE_URL.")
        return
    yield ok("database", f"{connection.vendor} answers")
    if connection.vendor == "sqlite":
        name = Path(str(connection.settings_dict["NAME"]))
        if not (os.access(name, os.W_OK) and os.access(name.parent, os.W_OK)):
            yield fail("database", f"{name} or its folder is not writable.", f"Run: chmod u+rwX {name.parent} {name}")
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        yield fail(
            "database",
            f"{counted(len(pending), 'migration')} {'is' if len(pending) == 1 else 'are'} not applied.",
            "Run: python manage.py migrate",
        )
    else:
        yield ok("database", "every migration is applied")


def broker() -> Iterator[Finding]:
    if embedded.answers(settings.REDIS_URL):
        yield ok("broker", "answers")
    elif settings.REDIS_IS_EMBEDDED:
        yield fail("broker", "the embedded server does not run.", "Start everything: python manage.py run")
    else:
        yield fail("broker", "the server of REDIS_URL does not answer.", "Start Redis, or correct REDIS_URL.")


def worker() -> Iterator[Finding]:
    """A worker answers a ping through the broker."""
    if not embedded.answers(settings.REDIS_URL):
        yield fail("worker", "cannot be asked while the broker is down.", "Mend the broker first.")
        return
    from config.celery import app

    replies = app.control.inspect(timeout=2).ping() or {}
    if replies:
        yield ok("worker", f"{len(replies)} answered")
    else:
        yield fail("worker", "none answers.", "Start one: celery -A config worker (or python manage.py run)")


def beat() -> Iterator[Finding]:
    """The sweep leaves a trace whenever beat sends it and a worker performs it."""
    last = Heartbeat.objects.filter(name="sweep").values_list("at", flat=True).first()
    remedy = "Start exactly one: celery -A config beat (or python manage.py run)"
    if last is None:
        yield fail("beat", "the sweep has never run.", remedy)
        return
    age = timezone.now() - last
    limit = timedelta(seconds=max(4 * settings.SWEEP_SECONDS, 60))
    text = f"the last sweep was {age.total_seconds():.0f} s ago"
    yield (
        ok("beat", text)
        if age <= limit
        else fail("beat", f"{text}; it is due every {settings.SWEEP_SECONDS} s.", remedy)
    )


def keys() -> Iterator[Finding]:
    """A sample of every encrypted column opens with the configured keys."""
    for column in encrypted_columns():
        rows = stored_values(column, limit=SAMPLE_ROWS)
        unreadable = 0
        for _, stored in rows:
            try:
                rewrap(stored)
            except UndecryptableValue:
                unreadable += 1
        if unreadable:
            yield fail(
                "keys",
                f"{column.label}: none of the keys opens {unreadable} of {counted(len(rows), 'value')}.",
                "Put the key that wrote them back into FIELD_ENCRYPTION_KEYS.",
            )
        elif rows:
            yield ok("keys", f"{column.label} can be read ({len(rows)} looked at)")


def clock() -> Iterator[Finding]:
    """Leases live by the database's clock and codes by the true time: the two must agree."""
    if connection.vendor != "postgresql":
        yield ok("clock", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC; compare it with a clock that you trust")
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        there = cursor.fetchone()[0]
    apart = abs(datetime.now(UTC) - there)
    text = f"this machine and the database are {apart.total_seconds():.1f} s apart"
    yield (
        ok("clock", text)
        if apart <= CLOCK_TOLERANCE
        else warn("clock", f"{text}; codes would begin and end late.", "Switch on time synchronisation (NTP) on both.")
    )


def cloud() -> Iterator[Finding]:
    """One cheap request per account, from its budget: the state of one lock, else the list of locks."""
    found = list(LockAccount.objects.order_by("pk"))
    if not found:
        yield warn(
            "cloud", "no lock account is entered yet.", "Add one in the admin, then: python manage.py sync_locks"
        )
    for account in found:
        yield _ask(account)


def _ask(account: LockAccount) -> Finding:
    now = timezone.now()
    subject = f"cloud, {account.name}"
    if account_limits.spend(account.budget_key, budget.Purpose.WATCH, now, now) is not None:
        return warn(subject, "not asked: the hour's requests are nearly spent.", "Try again later.")
    lock = account.locks.order_by("pk").first()
    try:
        client = client_for(account)
        if lock is not None:
            client.sync_locks([lock.device_id])
            return ok(subject, "accepts the key (1 request: the state of one lock)")
        count = len(client.list_locks().value)
    except TedeeError as error:
        return _refused(subject, error)
    except UndecryptableValue:
        return fail(subject, "the stored key opens with none of FIELD_ENCRYPTION_KEYS.", "See the line about keys.")
    if not count:
        return warn(
            subject, "accepts the key, but shows no lock.", "Check the scopes Device.Read and Device.ReadWrite."
        )
    text = f"accepts the key and shows {doors(count)}, none imported."
    return warn(subject, text, "Run: python manage.py sync_locks")


def calendars() -> Iterator[Finding]:
    """What the last fetches left behind; no channel is asked. A feed in trouble is a warning: its stays are kept."""
    states = FeedState.objects.filter(feed__is_active=True).order_by("feed__name", "feed_id")
    sick = 0
    for state in states.select_related("feed").defer(*behind("feed", CalendarFeed.SECRETS)):
        trouble = next((words for column, words in _FEED_TROUBLES if getattr(state, column) is not None), None)
        if trouble is not None:
            sick += 1
            yield warn(f"calendar, {state.feed.name}", f"{trouble[0]}{_since(state)}", trouble[1])
    count = CalendarFeed.objects.filter(is_active=True).count()
    if count and not sick:
        yield ok("calendars", f"{count} switched on, none in trouble")


def notifications() -> Iterator[Finding]:
    """Whether messages can arrive, as far as is known without sending one."""
    channels = list(NotificationChannel.objects.filter(is_active=True).defer(*NotificationChannel.SECRETS))
    sick = [one for one in channels if one.failing_since is not None]
    for one in sick:
        since = f"{one.failing_since:%Y-%m-%d %H:%M}"
        yield warn(f"channel, {one.name}", f"fails since {since} UTC. {one.last_error}", "Send a test from its page.")
    if any(one.kind == NotificationChannel.Kind.EMAIL for one in channels) and not mail.is_set_up():
        yield fail("notifications", "e-mail is wanted, but no mail server is set up.", "Give EMAIL_URL and EMAIL_FROM.")
    elif channels and not settings.PUBLIC_URL:
        yield warn("notifications", "messages have no links.", "Give PUBLIC_URL, such as https://codes.example.com")
    elif channels and not sick:
        yield ok("notifications", f"{counted(len(channels), 'channel')}, none in trouble")


#: The first that applies is told, with what to do.
_FEED_TROUBLES = (
    ("held_since", ("is held: stays vanished from it.", "Open the feed in the admin, then keep or cancel them.")),
    ("reset_since", ("has a link that does not exist any more.", "Copy the channel's new export link into the feed.")),
    ("stale_since", ("was not read for a long time.", "Open the feed in the admin: it says why.")),
    ("failing_since", ("cannot be read at present.", "It is tried again by itself; the feed's page says why.")),
)


def _since(state: FeedState) -> str:
    if state.last_good_at is None:
        return " It was never read without fault."
    return f" Last read without fault: {state.last_good_at:%Y-%m-%d %H:%M} UTC."


def _refused(subject: str, error: TedeeError) -> Finding:
    if error.cause == Cause.UNAUTHORIZED:
        return fail(subject, "refuses the key.", "Make a new personal access key in the Tedee portal and enter it.")
    if error.cause == Cause.RATE_LIMITED:
        return warn(subject, "answers that the account asked too often.", "Wait; the work goes on by itself.")
    if error.cause == Cause.FORBIDDEN:
        return fail(subject, "denies permission.", "The key needs the scopes Device.Read and Device.ReadWrite.")
    return fail(subject, f"does not answer as it should ({error.cause.value}).", "Check the network and TEDEE_API_URL.")


# In the order in which problems are best mended.
EXAMINATIONS: dict[str, Callable[[], Iterator[Finding]]] = {
    "settings": configuration,
    "database": database,
    "broker": broker,
    "worker": worker,
    "beat": beat,
    "keys": keys,
    "clock": clock,
    "calendars": calendars,
    "notifications": notifications,
    "cloud": cloud,
}
NEED_DATABASE = {"beat", "keys", "clock", "calendars", "notifications", "cloud"}


def examine(chosen: Collection[str]) -> Iterator[Finding]:
    """The findings of the chosen examinations; those that need the database are left out when it is not well."""
    database_is_well = "database" in chosen or not any(finding.health is Health.FAIL for finding in database())
    for name, examination in EXAMINATIONS.items():
        if name not in chosen or (name in NEED_DATABASE and not database_is_well):
            continue
        for finding in examination():
            database_is_well = database_is_well and not (name == "database" and finding.health is Health.FAIL)
            yield finding
    if not database_is_well and NEED_DATABASE & set(chosen):
        yield fail("database", "the rest cannot be examined without it.", "Mend it, then ask again.")


def report(finding: Finding, style: Any) -> str:
    """The finding as lines for the terminal; `style` is a command's."""
    paint = {Health.OK: style.SUCCESS, Health.WARN: style.WARNING, Health.FAIL: style.ERROR}[finding.health]
    line = f"{paint(f'{finding.health:<4}')}  {finding.subject}: {finding.text}"
    return f"{line}\n      {finding.remedy}" if finding.remedy else line
