"""`manage.py rotate_field_keys`: re-encrypt every stored secret with the first of FIELD_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from rentals.rotation import Tally, encrypted_columns, rotate
from rentals.wording import counted

#: With all processes restarted the second pass finds nothing, or what was written at the moment of the first.
MOST_PASSES = 4


class Command(BaseCommand):
    help = (
        "Re-encrypts every stored secret with the first of FIELD_ENCRYPTION_KEYS. Put the new key in front, restart "
        "all processes, run this, then remove the old key. It can be interrupted and repeated; everything else may "
        "keep running."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self._pass()
        # Who wrote meanwhile used the first key, if all processes were restarted. A second pass proves it.
        for _ in range(MOST_PASSES - 1):
            if not self._pass():
                self.stdout.write("Every stored secret is encrypted with the first key.")
                return
        raise CommandError(
            "Values with an old key keep coming: a process still runs with the old FIELD_ENCRYPTION_KEYS. Restart web, "
            "workers and beats, then run this again. Do not remove the old key yet."
        )

    def _pass(self) -> int:
        """Go once through everything. Returns how many values had another key."""
        unreadable = rewritten = 0
        for column in encrypted_columns():
            tally = Tally()
            for tally in rotate(column):
                self.stdout.write(f"{column.label}: {tally.rewritten} rewritten so far", ending="\r")
            self.stdout.write(
                f"{column.label}: {tally.rewritten} rewritten, {tally.current} already current"
                + (f", {tally.overtaken} changed meanwhile" if tally.overtaken else "")
            )
            unreadable += tally.unreadable
            rewritten += tally.rewritten + tally.overtaken
        if unreadable:
            values = counted(unreadable, "stored value")
            raise CommandError(
                f"None of the configured keys opens {values}. They were left as they are. Put the key that "
                "encrypted them back into FIELD_ENCRYPTION_KEYS and run this again."
            )
        return rewritten
