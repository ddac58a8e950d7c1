"""`manage.py restore FILE`: brings back what `manage.py backup` wrote, on this machine or another."""

from __future__ import annotations

import os
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from config.environment import SettingsError
from config.paths import private_dir
from pins.models import Heartbeat
from pins.reconcile import after_loss
from pins.stack.leftovers import AlreadyRunning, InstanceLock
from rentals.backup import archive, rows, versions
from rentals.backup.archive import About, Archive
from rentals.backup.envelope import BackupError
from rentals.backup.passphrases import passphrase_in
from rentals.wording import counted

#: Tables with rows that no new database has. What `migrate` and the first start make is elsewhere.
_OF_PEOPLE = (
    "rentals_property",
    "rentals_lockaccount",
    "rentals_lock",
    "rentals_booking",
    "pins_accessgrant",
    "auth_user",
)
#: A sweep that was so near tells that a worker runs.
_AT_WORK = timedelta(minutes=1)


class Command(BaseCommand):
    help = (
        "Brings back a backup, on SQLite or PostgreSQL, all of it or nothing. Stop web, workers and beats first. "
        "Afterwards every lock account is observe-only until a person clears the tick, so that a copy of an "
        "installation that still runs never touches a lock."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--passphrase-file", default="", metavar="FILE", help="the passphrase, if one was used")
        parser.add_argument(
            "--replace", action="store_true", help="into a database that is in use: what it holds is lost"
        )
        parser.add_argument(
            "--older", type=Path, default=None, metavar="TO", help="internal: see rentals.backup.versions"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            if options["older"] is not None:
                self._rewrite(options["file"], options["older"], options["passphrase_file"])
                return
            with self._alone():
                about, number = self._restore(options["file"], options["passphrase_file"], replace=options["replace"])
        except (BackupError, AlreadyRunning, SettingsError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename or options['file']} cannot be read: {error.strerror}.") from None
        except DatabaseError as error:
            raise CommandError(
                f"The database refused the rows ({type(error).__name__}). Nothing was changed."
            ) from None
        self.stdout.write(
            f"{counted(number, 'row')} from {about.made_at:%Y-%m-%d %H:%M} UTC are back.\n"
            "Every lock account is observe-only now, and nobody is logged in any more. Start Turnkey and wait until "
            "the calendars have been read. Then clear “Observe only” on each account: each lock is looked at before "
            "anything on it is changed. Codes that nobody knows any more are shown under “To fix”."
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """On one machine no `manage.py run` begins meanwhile. Raises `AlreadyRunning`. A server's processes are noticed
        by their work."""
        if connection.vendor != "sqlite":
            yield
            return
        with InstanceLock(Path(settings.VAR_DIR) / "stack.lock"):
            yield

    def _restore(self, path: Path, passphrase_file: str, *, replace: bool) -> tuple[About, int]:
        passphrase = passphrase_in(passphrase_file)
        with path.open("rb") as file:
            about = self._open(file, passphrase).about
        is_of_today = versions.is_of_today(about)
        self._check_target(replace=replace)
        call_command("migrate", interactive=False, verbosity=0)
        if is_of_today:
            return about, self._load(path, passphrase)
        self.stdout.write("The backup is of an older version: bringing it to this one ...")
        with tempfile.TemporaryDirectory(dir=private_dir(Path(settings.VAR_DIR)), prefix=".restore-") as folder:
            rewritten = Path(folder) / "today"
            versions.bring_to_today(path, rewritten, passphrase_file)
            return about, self._load(rewritten, "")

    def _open(self, file: Any, passphrase: str) -> Archive:
        return Archive(file, field_keys=settings.FIELD_ENCRYPTION_KEYS, passphrase=passphrase)

    def _check_target(self, *, replace: bool) -> None:
        """Raises `BackupError` where the database is in use."""
        there = set(connection.introspection.table_names())
        known = rows.tables(apps)
        used = [name for name in _OF_PEOPLE if name in there and known[name]._base_manager.exists()]
        if used and not replace:
            raise BackupError(
                f"The database is not empty ({', '.join(used)}). Restore into a new one, or, to lose what it holds, "
                "add --replace."
            )
        if Heartbeat._meta.db_table in there:
            # A sweep in the future was one by a clock that stood ahead, and says nothing about now.
            now = timezone.now()
            if Heartbeat.objects.filter(name="sweep", at__range=(now - _AT_WORK, now + _AT_WORK)).exists():
                raise BackupError(
                    "A worker is using this database. Stop web, workers and beats, wait a minute, repeat."
                )

    def _load(self, path: Path, passphrase: str) -> int:
        with path.open("rb") as file, transaction.atomic():
            number = self._open(file, passphrase).load(rows.tables(apps), connection, self._progress)
            after_loss.begin(timezone.now())
        ContentType.objects.clear_cache()
        call_command("migrate", interactive=False, verbosity=0)  # roles and permissions of this version
        return number

    def _rewrite(self, path: Path, to: Path, passphrase_file: str) -> None:
        with path.open("rb") as file:
            versions.load_older(self._open(file, passphrase_in(passphrase_file)), self._progress)
        with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
            key = settings.FIELD_ENCRYPTION_KEYS[0]
            archive.write(made, rows.tables(apps), connection, timezone.now(), self._progress, field_key=key)

    def _progress(self, table: str, number: int, of: int) -> None:
        self.stdout.write(f"{table}: {number} of {of}", ending="\n" if number >= of else "\r")
