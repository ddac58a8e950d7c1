"""What this machine was given: settings, database, keys, clock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from pins.stack.checkup.findings import Finding, fail, ok, warn
from rentals.fields import UndecryptableValue, rewrap
from rentals.rotation import encrypted_columns, stored_values
from rentals.wording import counted

SAMPLE_ROWS = 200
CLOCK_TOLERANCE = timedelta(seconds=30)


def secrets() -> Iterator[Finding]:
    """SECRET_KEY and FIELD_ENCRYPTION_KEYS are there. Without them nothing else can be examined."""
    missing = settings.MISSING_SECRETS
    if not missing:
        return
    var = Path(settings.VAR_DIR)
    names = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set."
    is_fresh = not var.is_dir() or {path.name for path in var.iterdir()} <= {"demo"}
    demo = f" The demo needs no doctor: its keys and data are in {var / 'demo'}." if (var / "demo").is_dir() else ""
    yield fail(
        "settings",
        f"nothing is set up here yet: {names}{demo}" if is_fresh else names,
        f"On one machine: make run, which makes them in {var}. On a server: set them, as .env.example describes.",
    )


def configuration() -> Iterator[Finding]:
    """Django's system checks, and what only an operator can judge."""
    messages = checks.run_checks()
    for message in messages:
        serious = message.is_serious()
        hint = message.hint or "See the documentation of this check."
        yield (fail if serious else warn)("settings", f"{message.msg} ({message.id})", hint)
    if not messages:
        yield ok("settings", f"can be read; time zone UTC, API {settings.TEDEE_API_URL}")
    if settings.DEBUG:
        yield warn("settings", "DEBUG is on: error pages show the inside of the program.", "Unset DEBUG.")
    if os.getuid() == 0:
        yield warn("settings", "Turnkey runs as root.", "Run it as a user of its own; it needs no privileges.")


def database() -> Iterator[Finding]:
    """The database can be reached and written, and every migration is applied."""
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
    yield from _hanging_transactions()
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        yield fail(
            "database",
            f"{counted(len(pending), 'migration')} {'is' if len(pending) == 1 else 'are'} not applied.",
            "Run: make run, which applies them; on a server: python manage.py migrate",
        )
    else:
        yield ok("database", "every migration is applied")


def _hanging_transactions() -> Iterator[Finding]:
    """PostgreSQL ends a transaction in which a process hangs. A pooler takes no such wish, then the database has it."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting::int FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'")
        milliseconds = cursor.fetchone()[0]
    if not milliseconds:
        yield warn(
            "database",
            "A process that hangs in a transaction keeps what it has locked, and all others wait.",
            "Run on the database: ALTER DATABASE ... SET idle_in_transaction_session_timeout = '30s'",
        )


def keys() -> Iterator[Finding]:
    """The configured keys open a sample of every encrypted column."""
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
                "Put the key that encrypted them back into FIELD_ENCRYPTION_KEYS.",
            )
        elif rows:
            yield ok("keys", f"{column.label} can be read ({counted(len(rows), 'value')} tried)")


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
