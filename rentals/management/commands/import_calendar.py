"""`manage.py import_calendar`: imports one calendar by hand, and prints what it changed."""

from __future__ import annotations

import sys
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from rentals.calendars.events import FeedError, Verdict
from rentals.calendars.fetching.polling import fetch_once
from rentals.calendars.ical.unfold import MAX_BYTES
from rentals.calendars.imports import run
from rentals.calendars.imports.summary import Row, Summary
from rentals.fields import UndecryptableValue
from rentals.management.columns import in_columns
from rentals.models import CalendarFeed
from rentals.plain_text import shown
from rentals.wording import counted

_WRONG_USAGE = 2
_HEADS = ("Dates", "What", "Is", "Guest", "Why")
_VERDICTS = {
    Verdict.STAY: "stay",
    Verdict.TENTATIVE: "not confirmed",
    Verdict.BLOCK: "closed",
    Verdict.MARKER: "marker",
    Verdict.CANCELLED: "cancelled",
    Verdict.REVIEW: "may be a stay",
    Verdict.QUARANTINED: "unreadable",
}
_COUNTS = ("created", "changed", "cancelled", "absent", "held", "review", "quarantined")


class Command(BaseCommand):
    help = (
        "Imports the calendar of one feed: from a file, from standard input (-), or fetched now from its address. "
        "Exit status: 0 imported, 1 the calendar could not be read and nothing was changed, 2 wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("feed_id", metavar="FEED_ID", help="the feed's number; a wrong number lists all feeds")
        parser.add_argument(
            "file", metavar="FILE", nargs="?", help="an .ics file, or - for standard input (default: fetch it now)"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
        parser.add_argument(
            "--names", action="store_true", help="show guests' names even when the output is not a terminal"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        feed = _feed(str(options["feed_id"]))
        now = timezone.now()
        if not feed.is_active:
            self.stderr.write(f"“{feed}” is switched off: nothing else reads it. It is read now because you asked.")
        try:
            body = self._read(feed, options["file"], now)
            with self._waiting(f"Comparing {_size(body)} with the stays of “{feed}”"):
                summary = run.import_calendar(feed.pk, body, now, as_of=now, dry_run=options["dry_run"])
        except FeedError as error:
            raise CommandError(f"{error.of_file if options['file'] else error} Nothing was changed.") from None
        self._print(feed, summary, dry_run=options["dry_run"], names=options["names"] or self.stdout.isatty())

    # -- the calendar -------------------------------------------------------------------------------------------

    def _read(self, feed: CalendarFeed, file: str | None, now: datetime) -> bytes:
        if file == "-":
            if sys.stdin is None:  # some schedulers start programs like this
                raise CommandError("Standard input is closed. Name a file instead.", returncode=_WRONG_USAGE)
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        if file is not None:
            try:
                with Path(file).open("rb") as opened:
                    return opened.read(MAX_BYTES + 1)  # one byte too many: the importer calls it too large
            except OSError as error:
                raise CommandError(f"{file}: {error.strerror}.", returncode=_WRONG_USAGE) from None
        try:
            if not feed.url:
                raise CommandError(
                    f"“{feed}” has no address to fetch from. Name a file, or - for standard input.",
                    returncode=_WRONG_USAGE,
                )
            with self._waiting(f"Fetching “{feed}”"):
                return fetch_once(feed, now)
        except UndecryptableValue as error:
            raise CommandError(f"The address of “{feed}” cannot be read: {error}") from None

    # -- printing -----------------------------------------------------------------------------------------------

    @contextmanager
    def _waiting(self, what: str) -> Iterator[None]:
        """On a terminal, show what is going on and for how long."""
        if not self.stderr.isatty():
            yield
            return
        done, began = threading.Event(), monotonic()

        def say(text: str) -> None:
            self.stderr.write(text, style_func=str, ending="")
            self.stderr.flush()

        def tick() -> None:
            while not done.wait(0.5):
                say(f"\r{what} ... {monotonic() - began:.0f} s")

        say(f"{what} ...")
        ticker = threading.Thread(target=tick, daemon=True)
        ticker.start()
        try:
            yield
        finally:
            done.set()
            ticker.join()
            say(f"\r{what}: {monotonic() - began:.1f} s     \n")

    def _print(self, feed: CalendarFeed, summary: Summary, *, dry_run: bool, names: bool) -> None:
        if summary.outdated:
            self.stdout.write(self.style.WARNING("Newer content arrived meanwhile, so this one was not imported."))
            return
        columns = [0, 1, 2, 4] if not names else [0, 1, 2, 3, 4]
        rows = [tuple(cells[column] for column in columns) for cells in map(_cells, summary.rows)]
        if rows:
            heads = tuple(_HEADS[column] for column in columns)
            for line in in_columns([heads, *rows]):
                self.stdout.write(line)
        counts = summary.as_json()
        changes = ", ".join(f"{counts[name]} {name}" for name in _COUNTS if counts.get(name))
        events = counted(counts.get("events", 0), "event")
        head = "Would change" if dry_run else "Imported"
        self.stdout.write(f"{head}: {changes or 'nothing new'}. {events} in the calendar.")
        if summary.held:
            self.stdout.write(self.style.WARNING(shown(_held(feed, summary, dry_run=dry_run))))
        if dry_run:
            self.stdout.write("Nothing was changed (--dry-run).")


def _held(feed: CalendarFeed, summary: Summary, *, dry_run: bool) -> str:
    stays = counted(summary.held, "stay")
    waits = "would wait" if dry_run else "wait" if summary.held > 1 else "waits"
    reason = f" {summary.held_reason}" if summary.held_reason else ""
    return (
        f"Held:{reason} {stays} {waits} for your decision; nothing is cancelled and every code keeps working. "
        f"Open /admin/rentals/calendarfeed/{feed.pk}/change/ to keep or to cancel."
    )


def _feed(typed: str) -> CalendarFeed:
    feeds = CalendarFeed.objects.defer("token", "signing_secret", "previous_signing_secret")
    found = None
    if typed.isascii() and typed.isdigit() and len(typed) < 19:
        found = feeds.select_related("property").filter(pk=int(typed)).first()
    if found is None:
        pairs = list(CalendarFeed.objects.order_by("pk").values_list("pk", "name"))
        known = "\n".join(f"  {pk}  {name}" for pk, name in pairs)
        hint = f"Known feeds:\n{known}" if pairs else "There is none yet. Add one in the admin, under Calendar feeds."
        raise CommandError(f"There is no feed {typed}. {hint}", returncode=_WRONG_USAGE)
    return found


def _cells(row: Row) -> tuple[str, ...]:
    dates = " to ".join(day.isoformat() for day in (row.starts_on, row.ends_on) if day is not None)
    return (dates or "unknown", row.action, _VERDICTS[row.verdict], row.guest_name, row.reason)


def _size(body: bytes) -> str:
    return f"{len(body) / 1_000_000:.1f} MB" if len(body) >= 100_000 else f"{len(body) / 1000:.1f} kB"
