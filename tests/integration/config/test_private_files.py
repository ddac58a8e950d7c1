"""`var/`, the SQLite file and its journals are for one user alone, whatever the umask and whoever made them."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from pytest_django import Settings

from config.checks import files_were_open
from config.private_files import close_database, close_folder
from tests.support.paths import ROOT

NOBODY = 65534


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def open_to_others(folder: Path) -> list[str]:
    found = [folder, *folder.rglob("*")]
    return sorted(str(path) for path in found if not path.is_symlink() and mode(path) & 0o077)


def manage(var: Path, *arguments: str, umask: int, **told: str) -> subprocess.CompletedProcess[str]:
    """A command as it runs on one machine, with everything in `var/`."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SECRET_KEY")}
    environment.pop("FIELD_ENCRYPTION_KEYS")
    environment |= {"TURNKEY_VAR_DIR": str(var), "TURNKEY_STACK": "local", **told}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=lambda: os.umask(umask) and None,
    )


@pytest.mark.parametrize("made_before", [True, False], ids=["a folder that somebody made", "a new folder"])
def test_what_a_first_start_leaves_is_private(tmp_path: Path, made_before: bool) -> None:
    var = tmp_path / "var"
    if made_before:
        var.mkdir()
        var.chmod(0o777)
    done = manage(var, "migrate", "contenttypes", "--verbosity", "0", umask=0)  # some tables are enough
    assert done.returncode == 0, done.stderr
    assert (var / "turnkey.sqlite3").exists()
    assert (var / "field_encryption_keys").exists()
    assert open_to_others(var) == []
    assert ("open to others" in done.stderr) is made_before


def test_the_next_start_closes_what_is_open_and_names_it(tmp_path: Path) -> None:
    var = tmp_path / "var"
    assert manage(var, "migrate", "contenttypes", "--verbosity", "0", umask=0).returncode == 0
    opened = [var, var / "turnkey.sqlite3", var / "secret_key"]
    for path, wide in zip(opened, (0o755, 0o644, 0o640), strict=True):
        path.chmod(wide)
    (var / "worker.log").write_text("a line")
    (var / "worker.log").chmod(0o666)
    done = manage(var, "doctor", umask=0o022)
    for path in (*opened, var / "worker.log"):
        assert f"{path} was open to others" in done.stdout
    assert "(0666). It is closed now." in done.stdout
    assert open_to_others(var) == []
    again = manage(var, "doctor", umask=0o022)
    assert "open to others" not in again.stdout


def test_a_database_elsewhere_and_its_journals_are_closed(tmp_path: Path) -> None:
    names = [tmp_path / f"db.sqlite3{end}" for end in ("", "-wal", "-shm")]
    for name in names:
        name.touch()
        name.chmod(0o664)
    beside = tmp_path / "not-ours"
    beside.touch()
    beside.chmod(0o644)
    found = close_database({"ENGINE": "django.db.backends.sqlite3", "NAME": str(names[0])})
    assert [(one.path, one.mode, one.is_closed) for one in found] == [(name, 0o664, True) for name in names]
    assert [mode(name) for name in names] == [0o600] * 3
    assert mode(beside) == 0o644
    assert close_database({"ENGINE": "django.db.backends.postgresql", "NAME": "turnkey"}) == []


def test_links_and_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    var, elsewhere = tmp_path / "var", tmp_path / "elsewhere"
    image = var / "image"
    image.mkdir(parents=True)
    image.chmod(0o755)
    elsewhere.touch()
    elsewhere.chmod(0o644)
    (var / "link").symlink_to(elsewhere)
    var.chmod(0o711)
    found = close_folder(var)
    assert [one.path for one in found] == [var]
    assert (mode(var), mode(image), mode(elsewhere)) == (0o700, 0o755, 0o644)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a file of another user")
def test_a_file_of_another_user_is_named(settings: Settings) -> None:
    var = Path(tempfile.mkdtemp(dir="/tmp"))  # the folders of pytest are closed to other users
    theirs = var / "theirs"
    theirs.touch()
    theirs.chmod(0o644)
    var.chmod(0o755)
    os.chown(var, NOBODY, NOBODY)
    try:
        os.seteuid(NOBODY)
        try:
            found = close_folder(var)
        finally:
            os.seteuid(0)
        assert [(one.path, one.is_closed) for one in found] == [(var, True), (theirs, False)]
        settings.FILES_FOUND_OPEN = found
        closed, left = files_were_open()
        assert (closed.id, left.id) == ("config.I001", "config.W001")
        assert str(theirs) in left.msg
        assert "belongs to another user" in left.msg
    finally:
        shutil.rmtree(var)
