"""`manage.py sync_locks`: imports the locks of the accounts, and warns of what would keep a guest out."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from pins import tasks
from pins.reconcile import inventory
from rentals.fields import UndecryptableValue
from rentals.management.columns import in_columns
from rentals.models import LockAccount
from rentals.plain_text import shown

_HEADS = ("Lock", "Serial number", "Device id", "Result")


class Command(BaseCommand):
    help = (
        "Imports the locks of every account, or of one. Known locks are recognised by their serial number, new ones "
        "are added, none is ever deleted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", metavar="NAME_OR_ID", help="only this account (default: all)")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            chosen = self._accounts(options["account"])
        except UndecryptableValue as error:
            raise CommandError(f"An access key cannot be read: {error}") from None
        failed = []
        for number, account in enumerate(chosen, start=1):
            self.stdout.write(f"[{number}/{len(chosen)}] {shown(account.name)}: asking Tedee for its locks ...")
            self.stdout.flush()
            try:
                found = inventory.fetch(account, timezone.now())
            except inventory.FetchError as error:
                self.stderr.write(self.style.ERROR(shown(f"{account.name}: {error}")))
                failed.append(account.name)
                continue
            self._tell(found)
            tasks.wake_locks(found.lock_ids_to_wake)
        if failed:
            raise CommandError(f"Not imported: {', '.join(failed)}.")

    def _accounts(self, named: str | None) -> list[LockAccount]:
        accounts = LockAccount.objects.order_by("name", "pk")
        if named is None:
            if not accounts:
                raise CommandError("There is no lock account yet. Add one in the admin, under Lock accounts.")
            return list(accounts)
        chosen = list(accounts.filter(name=named))
        if not chosen and named.isascii() and named.isdigit():
            chosen = list(accounts.filter(pk=int(named)))
        if not chosen:
            known = ", ".join(f"{name} ({pk})" for pk, name in accounts.values_list("pk", "name")) or "none"
            raise CommandError(f"There is no account “{named}”. Known accounts: {known}.")
        if len(chosen) > 1:
            ids = ", ".join(str(account.pk) for account in chosen)
            raise CommandError(f"{len(chosen)} accounts are called “{named}”. Use one of their ids: {ids}.")
        return chosen

    def _tell(self, found: inventory.Inventory) -> None:
        if not found.found:
            self.stdout.write("  The account has no locks. Is it the right account?")
        rows = [(one.name, one.serial_number or "-", str(one.device_id), one.change.value) for one in found.found]
        heads, *lines = in_columns([_HEADS, *rows])
        if rows:
            self.stdout.write(f"  {heads}")
        for line, one in zip(lines, found.found, strict=True):
            self.stdout.write(f"  {line}")
            for note in one.notes:
                self.stdout.write(self.style.WARNING(shown(f"    ! {note}")))
        for name in found.unseen:
            note = f"  ! “{name}” is known here, but the account no longer shows it. It was not changed."
            self.stdout.write(self.style.WARNING(shown(note)))
