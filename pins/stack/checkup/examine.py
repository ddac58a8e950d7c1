"""Runs the examinations in an order in which problems are best fixed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from pins.stack.checkup.api_version import api_version
from pins.stack.checkup.calendars import calendars
from pins.stack.checkup.cloud import cloud
from pins.stack.checkup.findings import Finding, Health, fail
from pins.stack.checkup.first_run import first_run
from pins.stack.checkup.installation import clock, configuration, database, keys, secrets
from pins.stack.checkup.locks import locks
from pins.stack.checkup.notifications import notifications
from pins.stack.checkup.processes import beat, broker, worker

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
    "locks": locks,
    "first-run": first_run,
    "version": api_version,
    "cloud": cloud,
}
NEED_DATABASE = {"beat", "keys", "clock", "calendars", "notifications", "locks", "first-run", "cloud"}


def examine(chosen: Collection[str]) -> Iterator[Finding]:
    """The findings of the chosen examinations. Without secrets there are no others; without a database that works,
    the examinations that need it are left out."""
    missing = list(secrets())
    if missing:
        yield from missing
        return
    database_works = "database" in chosen or not any(finding.health is Health.FAIL for finding in database())
    for name, examination in EXAMINATIONS.items():
        if name not in chosen or (name in NEED_DATABASE and not database_works):
            continue
        for finding in examination():
            database_works = database_works and not (name == "database" and finding.health is Health.FAIL)
            yield finding
    if not database_works and NEED_DATABASE & set(chosen):
        yield fail("database", "the rest cannot be examined without it.", "Fix it, then run this again.")
