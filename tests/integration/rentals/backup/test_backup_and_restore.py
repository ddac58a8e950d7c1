"""A backup and its keys bring an installation back: on a new machine, on the other database, and all or nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from pins.models import AccessGrant, GuestGuide, GuestPicture, Heartbeat, Pin
from pins.stack.leftovers import InstanceLock
from rentals.backup import archive, rows
from rentals.backup.envelope import Sealed
from rentals.models import Booking, CalendarFeed, LockAccount, Property
from tests.support.house import House
from tests.support.paths import ROOT

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
PICTURE = bytes(range(256))
ASK = """
import json, django
django.setup()
from pins.models import AccessGrant, GuestPicture, LockState, Pin
from rentals.models import CalendarFeed, LockAccount
from django.contrib.auth.models import User
print(json.dumps({
    "codes": sorted(grant.code for grant in AccessGrant.objects.all()),
    "ends": sorted(grant.ends_at.isoformat() for grant in AccessGrant.objects.all()),
    "pins": sorted(pin.alias for pin in Pin.objects.all()),
    "feeds": [feed.url for feed in CalendarFeed.objects.all()],
    "pictures": [bytes(one.data).hex() for one in GuestPicture.objects.all()],
    "observe_only": [account.observe_only for account in LockAccount.objects.all()],
    "keys": [account.secret for account in LockAccount.objects.all()],
    "users": [user.username for user in User.objects.all()],
    "new_pk": LockAccount.objects.create(name="New", secret="x").pk,
}))
"""


def manage(folder: Path, database: str, *arguments: str, keys: str = "") -> subprocess.CompletedProcess[str]:
    """A command of `manage.py`, on a machine that has nothing but these keys."""
    program = [sys.executable, *(arguments if arguments[0] == "-c" else ("manage.py", *arguments))]
    told = {
        "DATABASE_URL": database,
        "TURNKEY_VAR_DIR": str(folder),
        "FIELD_ENCRYPTION_KEYS": keys or ",".join(settings.FIELD_ENCRYPTION_KEYS),
    }
    return subprocess.run(program, cwd=ROOT, env={**os.environ, **told}, capture_output=True, text=True)


@pytest.fixture
def lived(house: House, clock: time_machine.Traveller) -> House:
    """A house with some of everything."""
    door = house.lock()
    flat = house.flat(door)
    house.stay(flat, DAY, 2 * DAY)
    house.stay(flat, 4 * DAY, 2 * DAY, "Łukasz Ω")
    guide = GuestGuide.objects.create(property=flat)
    GuestPicture.objects.create(guide=guide, caption="Gate", content_type="image/png", data=PICTURE)
    CalendarFeed.objects.create(property=flat, name="Airbnb", url="https://feeds.example.com/canary.ics")
    host = User.objects.create_superuser("host")
    Client().force_login(host)
    house.settle()
    return house


def test_everything_comes_back_on_a_new_machine_on_either_database(
    lived: House, clock: time_machine.Traveller, tmp_path: Path, postgres_database_url: str
) -> None:
    codes = sorted(grant.code for grant in AccessGrant.objects.all())
    names = sorted(pin.alias for pin in Pin.objects.all())
    ends = sorted(grant.ends_at.isoformat() for grant in AccessGrant.objects.all())
    assert len(codes) == 2
    assert all(codes)
    file = tmp_path / "first"
    call_command("backup", str(file), stdout=io.StringIO())
    assert file.stat().st_mode & 0o777 == 0o600
    content = file.read_bytes()
    for secret in (*codes, "house-key", "canary", "Nowak"):
        assert secret.encode() not in content

    sqlite = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    for number, database in enumerate((postgres_database_url, sqlite)):
        done = manage(tmp_path / "var", database, "restore", str(file))
        assert done.returncode == 0, done.stderr
        assert "observe-only" in done.stdout
        file = tmp_path / f"again-{number}"
        again = manage(tmp_path / "var", database, "backup", str(file))
        assert again.returncode == 0, again.stderr
        found = json.loads(manage(tmp_path / "var", database, "-c", ASK).stdout)
        assert found["codes"] == codes
        assert found["pins"] == names
        assert found["ends"] == ends
        assert found["feeds"] == ["https://feeds.example.com/canary.ics"]
        assert found["pictures"] == [PICTURE.hex()]
        assert found["observe_only"] == [True]
        assert found["keys"] == ["house-key"]
        assert found["users"] == ["host"]
        assert found["new_pk"] > LockAccount.objects.get().pk
        for secret in codes:
            assert secret not in done.stdout + done.stderr

    stranger = manage(tmp_path / "var", sqlite, "restore", str(file), "--replace", keys=Fernet.generate_key().decode())
    assert stranger.returncode == 1
    assert "none of the keys" in stranger.stderr


def told(name: str, *arguments: str) -> str:
    output = io.StringIO()
    call_command(name, *arguments, stdout=output)
    return output.getvalue()


def test_with_a_passphrase_the_file_opens_without_the_keys_but_the_codes_do_not(lived: House, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text("a sentence that nobody guesses\n")
    told("backup", str(tmp_path / "file"), "--passphrase-file", str(words))
    with pytest.raises(CommandError, match="--passphrase-file"):
        told("restore", str(tmp_path / "file"), "--replace")
    Booking.objects.all().delete()
    with override_settings(FIELD_ENCRYPTION_KEYS=[Fernet.generate_key().decode()]):
        told("restore", str(tmp_path / "file"), "--replace", "--passphrase-file", str(words))
        assert Booking.objects.count() == 2
        assert AccessGrant.objects.defer("code").count() == 2
    assert all(grant.code for grant in AccessGrant.objects.all())


def test_a_short_passphrase_and_an_existing_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("short")
    with pytest.raises(CommandError, match="at least 12 characters"):
        told("backup", str(tmp_path / "file"), "--passphrase-file", str(tmp_path / "words"))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CommandError, match="exists"):
        told("backup", str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_database_in_use_is_not_replaced_unless_told(lived: House, tmp_path: Path) -> None:
    told("backup", str(tmp_path / "file"))
    Property.objects.update(name="Changed since")
    with pytest.raises(CommandError, match="not empty"):
        told("restore", str(tmp_path / "file"))
    assert Property.objects.get().name == "Changed since"
    told("restore", str(tmp_path / "file"), "--replace")
    assert Property.objects.get().name == "Flat"


def test_a_worker_at_work_is_noticed(lived: House, tmp_path: Path) -> None:
    told("backup", str(tmp_path / "file"))
    Heartbeat.objects.create(name="sweep", at=timezone.now())
    with pytest.raises(CommandError, match="A worker is using this database"):
        told("restore", str(tmp_path / "file"), "--replace")


def test_a_sweep_by_a_clock_that_stood_ahead_stops_no_restore(lived: House, tmp_path: Path) -> None:
    told("backup", str(tmp_path / "file"))
    Heartbeat.objects.create(name="sweep", at=timezone.now() + timedelta(days=1))
    told("restore", str(tmp_path / "file"), "--replace")


@pytest.mark.skipif("postgres" in settings.DATABASES["default"]["ENGINE"], reason="one machine means SQLite")
def test_a_stack_that_runs_on_this_machine_is_noticed(lived: House, tmp_path: Path) -> None:
    told("backup", str(tmp_path / "file"))
    with (
        InstanceLock(Path(settings.VAR_DIR) / "stack.lock"),
        pytest.raises(CommandError, match="Turnkey already runs here"),
    ):
        told("restore", str(tmp_path / "file"), "--replace")


@pytest.mark.django_db(transaction=True)
def test_others_write_meanwhile_and_the_backup_is_of_one_moment() -> None:
    """Nobody waits for it, and a row that came after its beginning is not in it, whichever table was read by then."""
    LockAccount.objects.create(name="Before", secret="x")
    added: list[str] = []

    def somebody_writes(table: str, *_: object) -> None:
        def write() -> None:
            LockAccount.objects.create(name=f"While {table} was read", secret="x")
            connection.close()

        if not added:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(write).result(timeout=5)
        added.append(table)

    file = io.BytesIO()
    key = settings.FIELD_ENCRYPTION_KEYS[0]
    archive.write(file, rows.tables(apps), connection, timezone.now(), somebody_writes, field_key=key)
    assert added.index("rentals_lockaccount") > 0
    assert LockAccount.objects.count() == 2
    opened = archive.Archive(io.BytesIO(file.getvalue()), field_keys=[key])
    assert opened.about.tables["rentals_lockaccount"] == 1
    with connection.cursor() as cursor:  # and the connection is what it was
        cursor.execute("SELECT 1")
    assert not connection.in_atomic_block


def test_nobody_is_logged_in_afterwards(lived: House, client: Client, tmp_path: Path) -> None:
    client.force_login(User.objects.get())
    assert Session.objects.exists()
    told("backup", str(tmp_path / "file"))
    told("restore", str(tmp_path / "file"), "--replace")
    assert not Session.objects.exists()


def lines_of(file: Path) -> list[Any]:
    opened = archive.Archive(io.BytesIO(file.read_bytes()), field_keys=settings.FIELD_ENCRYPTION_KEYS)
    about = opened.about
    head = {"turnkey": 1, "made_at": about.made_at.isoformat(), "database": about.database, "tables": about.tables}
    return [{**head, "migrations": sorted(about.migrations)}, *opened._lines]


def written(file: Path, lines: list[Any]) -> None:
    import gzip

    target = io.BytesIO()
    sealed = Sealed(target, field_key=settings.FIELD_ENCRYPTION_KEYS[0])
    sealed.write(gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines)))
    sealed.finish()
    file.write_bytes(target.getvalue())


def test_a_newer_backup_is_refused_with_its_reason(lived: House, tmp_path: Path) -> None:
    file = tmp_path / "file"
    told("backup", str(file))
    lines = lines_of(file)
    lines[0]["migrations"].append(["rentals", "9999_from_the_future"])
    written(file, lines)
    with pytest.raises(CommandError, match=r"newer version .* rentals.9999_from_the_future"):
        told("restore", str(file), "--replace")
    assert Booking.objects.count() == 2


@pytest.mark.parametrize("fault", ["a row less", "a table more", "cut", "twice", "a stay without property"])
def test_half_a_backup_changes_nothing(lived: House, tmp_path: Path, fault: str) -> None:
    file = tmp_path / "file"
    told("backup", str(file))
    lines = lines_of(file)
    at = next(
        place for place, line in enumerate(lines) if isinstance(line, dict) and line.get("table") == "rentals_booking"
    )
    if fault == "a row less":
        del lines[at + 1]
    elif fault == "a table more":
        lines[-1:-1] = [{"table": "rentals_unheard_of", "columns": ["id"]}, {"rows": 0, "of": "rentals_unheard_of"}]
        lines[0]["tables"]["rentals_unheard_of"] = 0
    elif fault == "cut":
        del lines[-1]
    elif fault == "twice":
        lines.insert(at + 1, lines[at + 1])
    else:
        place = lines[at]["columns"].index("property_id")
        lines[at + 1][place] = 4711
    written(file, lines)
    Property.objects.update(name="Changed since")
    with pytest.raises(CommandError, match="Nothing was changed"):
        told("restore", str(file), "--replace")
    assert Property.objects.get().name == "Changed since"
    assert Booking.objects.count() == 2
    assert not LockAccount.objects.get().observe_only


def test_every_column_of_every_table_has_a_form() -> None:
    """A new kind of field must be thought of before it is lost."""
    for name, model in rows.tables(apps).items():
        list(rows.read(model, connection.alias))
        kinds = {type(field).__name__ for field in rows.columns(model).values()}
        assert not kinds & {"DurationField", "FileField", "GeneratedField"}, name


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_backup_of_an_older_version_comes_back_as_one_of_today(lived: House, tmp_path: Path) -> None:
    """Its database had the tables of then; the file was written by the program of then."""
    codes = sorted(grant.code for grant in AccessGrant.objects.all())
    told("backup", str(tmp_path / "today"))
    older = tmp_path / "older"
    arguments = [str(tmp_path / "today"), str(older), "0013_truth_at_the_lock", "0008_refused_fetches"]
    made = manage(
        tmp_path / "var",
        f"sqlite:///{tmp_path / 'then.sqlite3'}",
        "-c",
        "from tests.support.older_backup import main; main()",
        *arguments,
    )
    assert made.returncode == 0, made.stderr
    assert not any("look_first" in line.get("columns", ()) for line in lines_of(older) if isinstance(line, dict))

    done = manage(tmp_path / "var", f"sqlite:///{tmp_path / 'now.sqlite3'}", "restore", str(older))
    assert done.returncode == 0, done.stderr
    found = json.loads(manage(tmp_path / "var", f"sqlite:///{tmp_path / 'now.sqlite3'}", "-c", ASK).stdout)
    assert found["codes"] == codes
    assert found["observe_only"] == [True]
    assert [path.name for path in (tmp_path / "var").iterdir() if path.name.startswith(".restore-")] == []
