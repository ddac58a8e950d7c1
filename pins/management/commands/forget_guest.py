"""`manage.py forget_guest`: erases what is known of a guest, on request."""

from __future__ import annotations

import logging
from argparse import ArgumentParser
from collections import Counter
from datetime import datetime
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from pins.actions.forget import BUTTON, summed_up
from pins.retention import forgetting
from pins.retention.forgetting import Erased
from rentals.management.columns import in_columns
from rentals.models import Booking

logger = logging.getLogger(__name__)

_WRONG_USAGE = 2


class Command(BaseCommand):
    help = (
        "Erases the data of a guest: names, calendar rows, messages, history (docs/privacy.md). Stays that are over at "
        "once, others in the night after they are over. Exit status: 0 done, 1 nobody found, 2 wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--stay", type=int, metavar="NUMBER", help="the stay's number, as in the address of its page")
        who.add_argument("--reservation", default="", metavar="CODE", help="the channel's reservation code")
        who.add_argument("--name", default="", help="the guest's name; case and accents do not matter")
        parser.add_argument("--all", action="store_true", help="all stays that were found, if there are several")
        parser.add_argument("--by", default="", metavar="USER", help="who has it done, for the history of the stay")
        parser.add_argument("--dry-run", action="store_true", help="show what would be erased, and erase nothing")

    def handle(self, *_: Any, **options: Any) -> None:
        now, dry_run = timezone.now(), bool(options["dry_run"])
        user = None if dry_run else _user(str(options["by"]))
        name, reservation = str(options["name"]).strip(), str(options["reservation"]).strip()
        found = _stays(options["stay"], name, reservation)
        if len(found) > 1 and not options["all"]:
            self._show(found)
            raise CommandError(
                "Several stays match; they may be of guests with one name. Repeat with --stay NUMBER, or with --all "
                "for all of them. Nothing was erased.",
                returncode=_WRONG_USAGE,
            )
        self._show(found)
        counts: Counter[str] = Counter()
        waiting = 0
        with transaction.atomic():
            for booking in found:
                erased = _forget(booking, user, now)
                counts += erased.counts
                waiting += erased.waits
            counts += forgetting.forget_leftovers(name, reservation, now).counts
            transaction.set_rollback(dry_run)
        if not found and not counts:
            raise CommandError("Nobody was found. Nothing was erased.")
        self._say(Erased(counts, bool(waiting)), dry_run=dry_run)
        if not dry_run:
            logger.info("guest_forgotten", extra={"stays": len(found), "user_id": user.pk if user else None})

    def _show(self, found: list[Booking]) -> None:
        """Which stays, without names: a person asks for this so that no name stays behind."""
        rows = [
            (str(one.pk), one.property.name, f"{one.arrival_date} to {one.departure_date}", one.get_status_display())
            for one in found
        ]
        if rows:
            for line in in_columns([("Stay", "Property", "Dates", "Status"), *rows]):
                self.stdout.write(line)

    def _say(self, erased: Erased, *, dry_run: bool) -> None:
        self.stdout.write(f"{'Would erase' if dry_run else 'Erased'}: {summed_up(erased)}.")
        if erased.waits:
            self.stdout.write(
                "The rest is erased in the night after the stay is over and its code is off every lock: until then the "
                "name is needed."
            )
        if dry_run:
            self.stdout.write("Nothing was changed (--dry-run).")


def _stays(number: int | None, name: str, reservation: str) -> list[Booking]:
    if number is None:
        if not forgetting.can_search(name, reservation):
            raise CommandError("Give a name with letters in it, or a reservation code.", returncode=_WRONG_USAGE)
        return forgetting.stays_of(name, reservation)
    return list(Booking.objects.filter(pk=number).select_related("property"))


def _user(name: str) -> Any:
    user = get_user_model().objects.filter(username=name).first() if name else None
    if user is None:
        raise CommandError(
            "Say who has the data erased: --by USER, the name that the person logs in with. The history keeps it. "
            "Without it only --dry-run works.",
            returncode=_WRONG_USAGE,
        )
    return user


def _forget(booking: Booking, user: Any, now: datetime) -> Erased:
    erased = forgetting.forget(booking.pk, now)
    booking.refresh_from_db(fields=["guest_name"])
    if user is not None:
        text = f"{BUTTON}: {summed_up(erased) if erased.counts else 'in the night after the stay'}."
        LogEntry.objects.log_actions(user.pk, [booking], CHANGE, text, single_object=True)
    return erased
