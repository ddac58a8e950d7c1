"""`manage.py seed_portfolio`: many made-up properties, guests and codes, for trials and measurements."""

from __future__ import annotations

import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError
from django.utils import timezone

from pins.stack.portfolio import making
from rentals.models import Booking


class Command(BaseCommand):
    help = (
        "Fills an empty database with a believable portfolio: properties in several time zones, locks, calendars, "
        "bookings from 60 days ago to 300 days ahead, and their codes as a running installation would have them. "
        "Use a database of its own. No lock cloud is ever asked: the key of the lock accounts is a dummy, which the "
        "client refuses before it sends a request. A worker that runs on this database soon reports that key as "
        "refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--properties", type=_count, default=500, help="how many properties (default 500)")
        parser.add_argument("--locks", type=_count, default=1000, help="how many locks (default 1000)")
        parser.add_argument("--bookings", type=_count, default=20_000, help="how many bookings (default 20000)")
        parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same portfolio (default 1)")
        parser.add_argument("--append", action="store_true", help="add to the bookings that are there")

    def handle(self, *_: Any, **options: Any) -> None:
        if _has_bookings() and not options["append"]:
            raise CommandError(
                "This database has bookings already, and nobody could tell the made-up ones from them. Use another "
                "database (DATABASE_URL or TURNKEY_VAR_DIR), or add to this one with --append."
            )
        size = making.Size(options["properties"], options["locks"], options["bookings"])
        began = time.monotonic()
        try:
            making.make(size, timezone.now(), seed=options["seed"], tell=self._tell)
        except making.TooManyBookingsError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Done in {time.monotonic() - began:.0f} s.")

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _has_bookings() -> bool:
    try:
        return Booking.objects.exists()
    except (OperationalError, ProgrammingError):
        raise CommandError("The database has no tables yet, or does not answer. Run: manage.py migrate") from None


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"“{text}” is not a number of 1 or more")
    return int(text)
