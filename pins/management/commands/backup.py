"""`manage.py backup FILE`: everything that the database holds, in one encrypted file."""

from __future__ import annotations

import os
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from rentals.backup import archive, rows
from rentals.backup.envelope import LEAST_PASSPHRASE, BackupError
from rentals.backup.passphrases import passphrase_in
from rentals.wording import counted


class Command(BaseCommand):
    help = (
        "Writes everything that the database holds into one encrypted file. Everything may keep running. The file has "
        "no keys: keep FIELD_ENCRYPTION_KEYS in another place, because the codes in a backup are readable only with "
        "both."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="where to; an existing file is not overwritten")
        parser.add_argument(
            "--passphrase-file",
            default="",
            metavar="FILE",
            help=f"encrypt with the passphrase in this file, at least {LEAST_PASSPHRASE} characters, instead of the "
            "first of FIELD_ENCRYPTION_KEYS",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        path: Path = options["file"].absolute()
        try:
            passphrase = passphrase_in(options["passphrase_file"], is_new=True)
            if path.exists():
                raise BackupError(f"{path} exists. Choose another name, or delete it first.")
            key = {"passphrase": passphrase} if passphrase else {"field_key": settings.FIELD_ENCRYPTION_KEYS[0]}
            number = self._write(path, key)
        except BackupError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}. Choose another folder.") from None
        self.stdout.write(f"{counted(number, 'row')} in {path} ({path.stat().st_size / 1e6:.1f} MB).")
        self.stdout.write(
            "Keep the keys in another place: FIELD_ENCRYPTION_KEYS"
            + (" and the passphrase." if passphrase else ", whose first key opens the file.")
        )

    def _write(self, path: Path, key: dict[str, str]) -> int:
        """Under another name until it is complete, readable for this user alone."""
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                number = archive.write(
                    file, rows.tables(apps), connection, timezone.now(), progress=self._progress, **key
                )
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)  # fails where a file appeared meanwhile
        except FileExistsError:
            raise BackupError(f"{path} exists. Choose another name, or delete it first.") from None
        finally:
            Path(draft).unlink()
        return number

    def _progress(self, table: str, number: int, of: int) -> None:
        self.stdout.write(f"{table}: {number} of {of}", ending="\n" if number >= of else "\r")
