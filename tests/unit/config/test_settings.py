"""The settings as a whole, read afresh from a prepared environment."""

from __future__ import annotations

import importlib.util
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography.fernet import Fernet

from config import paths
from config.environment import SettingsError
from pins.tedee.client import CONTENT_TYPES
from tests.support.paths import ROOT

Reader = Callable[..., dict[str, Any]]


@pytest.fixture
def read_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Reader:
    """Run config/settings.py with exactly the given variables, as `manage.py <command>` would."""

    def read(command: str = "migrate", **variables: str) -> dict[str, Any]:
        names = ["DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "TEDEE_API_URL", "TURNKEY_STACK"]
        for name in names:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TURNKEY_VAR_DIR", str(tmp_path / "var"))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["manage.py", command])
        spec = importlib.util.spec_from_file_location("settings_read_afresh", ROOT / "config" / "settings.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return vars(module)

    return read


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_run_makes_both_secrets_once_for_this_user_alone(read_settings: Reader, tmp_path: Path) -> None:
    first = read_settings("run")
    assert read_settings("run")["SECRET_KEY"] == first["SECRET_KEY"]
    # Another process, such as a worker started by hand, finds them too.
    other = read_settings("worker")
    assert (other["SECRET_KEY"], other["FIELD_ENCRYPTION_KEYS"]) == (
        first["SECRET_KEY"],
        first["FIELD_ENCRYPTION_KEYS"],
    )
    assert len(first["SECRET_KEY"]) >= 50
    assert mode(tmp_path / "var") == 0o700
    assert {mode(path) for path in (tmp_path / "var").iterdir()} == {0o600}


def test_debug_makes_them_too(read_settings: Reader) -> None:
    assert read_settings("migrate", DEBUG="1")["DEBUG"] is True


def test_the_commands_of_the_makefile_make_them_too(read_settings: Reader, tmp_path: Path) -> None:
    made = read_settings("createsuperuser", TURNKEY_STACK="local")
    assert (tmp_path / "var" / "secret_key").read_text().strip() == made["SECRET_KEY"]


def test_the_doctor_can_run_without_them_and_makes_nothing(read_settings: Reader, tmp_path: Path) -> None:
    assert read_settings("doctor")["MISSING_SECRETS"] == ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS"]
    assert read_settings("doctor", SECRET_KEY="x")["MISSING_SECRETS"] == ["FIELD_ENCRYPTION_KEYS"]
    assert not (tmp_path / "var").exists()
    read_settings("run")
    assert read_settings("doctor")["MISSING_SECRETS"] == []


def test_otherwise_a_missing_secret_is_named_with_its_remedy(read_settings: Reader, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"SECRET_KEY is not set.*SECRET_KEY_FILE"):
        read_settings("migrate")
    with pytest.raises(SettingsError, match=r"FIELD_ENCRYPTION_KEYS is not set.*generate_key"):
        read_settings("migrate", SECRET_KEY="x")
    assert not (tmp_path / "var").exists()


def test_the_demo_touches_nothing_before_it_has_moved_to_its_own_folder(read_settings: Reader, tmp_path: Path) -> None:
    read_settings("demo")
    assert not (tmp_path / "var").exists()


def test_many_processes_agree_on_one_generated_secret(tmp_path: Path) -> None:
    target = tmp_path / "var" / "secret_key"
    with ThreadPoolExecutor(8) as pool:
        values = set(pool.map(lambda _: paths.kept_secret(target, paths.new_secret_key), range(40)))
    assert len(values) == 1
    assert [path.name for path in target.parent.iterdir()] == ["secret_key"]


def test_defaults_are_those_of_the_documentation(read_settings: Reader, tmp_path: Path) -> None:
    found = read_settings("run")
    assert found["DEBUG"] is False
    assert found["TEDEE_API_URL"] == "https://api.tedee.com/api/v37"
    assert found["TEDEE_CONTENT_TYPE"] == "application/json"
    names = ["TEDEE_RATE_LIMIT", "TEDEE_RATE_WINDOW", "SWEEP_SECONDS", "TEDEE_MAX_IN_FLIGHT", "LATE_SECONDS"]
    assert [found[name] for name in names] == [700, 3600, 15, 32, 600]
    assert [found["FEED_REFETCH_SECONDS"], found["FEED_USER_AGENT"]] == [86_400, ""]
    assert [found["CODE_WARN_HOURS"], found["CODE_URGENT_HOURS"]] == [24, 4]
    assert found["DATABASES"]["default"]["NAME"] == str(tmp_path / "var" / "turnkey.sqlite3")
    assert found["REDIS_IS_EMBEDDED"] is True
    assert found["CELERY_BROKER_URL"] == found["REDIS_URL"].replace("unix://", "redis+socket://")
    slow = 12 + 4 + len(found["CELERY_BEAT_SCHEDULE"])
    assert found["CELERY_WORKER_CONCURRENCY"] == 32 + slow


def test_the_client_takes_every_content_type_that_the_settings_take(read_settings: Reader) -> None:
    for one in CONTENT_TYPES:
        assert read_settings("run", TEDEE_CONTENT_TYPE=one)["TEDEE_CONTENT_TYPE"] == one
    with pytest.raises(SettingsError, match=f"Choose one of: {re.escape(', '.join(CONTENT_TYPES))}"):
        read_settings("run", TEDEE_CONTENT_TYPE="application/xml")


def test_the_urgent_stage_of_a_late_code_never_comes_before_the_first(read_settings: Reader) -> None:
    assert read_settings("run", CODE_WARN_HOURS="2")["CODE_URGENT_HOURS"] == 2  # the default of 4 would be before it
    found = read_settings("run", CODE_WARN_HOURS="48", CODE_URGENT_HOURS="12")
    assert [found["CODE_WARN_HOURS"], found["CODE_URGENT_HOURS"]] == [48, 12]
    with pytest.raises(SettingsError, match=r"CODE_URGENT_HOURS is 5\. Choose a number from 1 to 3"):
        read_settings("run", CODE_WARN_HOURS="3", CODE_URGENT_HOURS="5")


def test_a_container_with_all_settings_from_outside_needs_no_folder(read_settings: Reader, tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    (tmp_path / "key").write_text(key)
    found = read_settings(
        SECRET_KEY="x" * 60,
        FIELD_ENCRYPTION_KEYS_FILE=str(tmp_path / "key"),
        DATABASE_URL="postgres://me@db/turnkey",
        REDIS_URL="redis://redis:6379/0",
    )
    assert found["FIELD_ENCRYPTION_KEYS"] == [key]
    assert found["REDIS_IS_EMBEDDED"] is False
    assert not (tmp_path / "var").exists()


class TestMail:
    BASE: ClassVar = {"SECRET_KEY": "x" * 60, "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode()}

    def read(self, read_settings: Reader, **variables: str) -> dict[str, Any]:
        return read_settings(**self.BASE, **variables)

    def test_without_settings_there_is_no_server_and_no_link(self, read_settings: Reader) -> None:
        found = self.read(read_settings)
        assert (found["EMAIL_HOST"], found["PUBLIC_URL"], found["NOTIFY_SECONDS"]) == ("", "", 15)

    @pytest.mark.parametrize(
        ("url", "port", "tls", "ssl"),
        [
            ("smtp+tls://ann%40example.com:p%2Fw%20d@mail.example", 587, True, False),
            ("smtp+tls://ann%40example.com:p%2Fw%20d@mail.example:2525", 2525, True, False),
            ("smtps://ann%40example.com:p%2Fw%20d@mail.example/", 465, False, True),
            ("smtp+ssl://ann%40example.com:p%2Fw%20d@mail.example", 465, False, True),
            ("smtp://ann%40example.com:p%2Fw%20d@mail.example", 25, False, False),
        ],
    )
    def test_an_address_says_it_all(self, read_settings: Reader, url: str, port: int, tls: bool, ssl: bool) -> None:
        found = self.read(read_settings, EMAIL_URL=url, EMAIL_FROM="Codes <codes@example.com>")
        names = ("EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_USE_SSL", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD")
        assert [found[name] for name in names] == ["mail.example", port, tls, ssl, "ann@example.com", "p/w d"]
        assert found["DEFAULT_FROM_EMAIL"] == "Codes <codes@example.com>"
        assert found["EMAIL_TIMEOUT"] == 15

    def test_the_usual_names_and_a_password_from_a_file(self, read_settings: Reader, tmp_path: Path) -> None:
        (tmp_path / "password").write_text("p w\n")
        found = self.read(
            read_settings,
            EMAIL_HOST="mail.example",
            EMAIL_HOST_USER="ann",
            EMAIL_HOST_PASSWORD_FILE=str(tmp_path / "password"),
            EMAIL_USE_TLS="1",
        )
        assert (found["EMAIL_PORT"], found["EMAIL_HOST_PASSWORD"], found["EMAIL_USE_TLS"]) == (587, "p w", True)

    @pytest.mark.parametrize(
        "variables",
        [
            {"EMAIL_URL": "http://user:s3cret@mail.example"},
            {"EMAIL_URL": "smtp://user:s3cret@"},
            {"EMAIL_URL": "smtp://user:s3cret@mail.example:x"},
            {"EMAIL_URL": "smtp://user:s3cret/@mail.example"},
            {"EMAIL_URL": "smtp://user:s3cret@mail.example", "EMAIL_HOST": "mail.example"},
            {"EMAIL_HOST": "mail.example", "EMAIL_USE_TLS": "1", "EMAIL_USE_SSL": "1"},
            {"EMAIL_FROM": "nobody"},
            {"PUBLIC_URL": "codes.example.com"},
            {"PUBLIC_URL": "https://user@codes.example.com"},
        ],
    )
    def test_a_mistake_is_named_without_the_password(self, read_settings: Reader, variables: dict[str, str]) -> None:
        with pytest.raises(SettingsError, match=r"EMAIL_|PUBLIC_URL") as caught:
            self.read(read_settings, **variables)
        assert "s3cret" not in str(caught.value)

    def test_the_public_address_ends_without_a_slash(self, read_settings: Reader) -> None:
        found = self.read(read_settings, PUBLIC_URL="https://codes.example.com/turnkey/")
        assert found["PUBLIC_URL"] == "https://codes.example.com/turnkey"


class TestSocketPath:
    def test_it_lies_in_the_private_folder(self) -> None:
        assert paths.socket_path(Path("/srv/turnkey/var")) == Path("/srv/turnkey/var/redis/server.sock")

    @pytest.mark.parametrize("deep", ["/srv/" + "deep/" * 30, "/srv/with space/", "/srv/50%/", "/srv/Straße/"])
    def test_a_deep_or_odd_folder_falls_back_to_a_short_one_of_its_own(self, deep: str) -> None:
        path = paths.socket_path(Path(deep) / "var")
        assert len(os.fsencode(path)) <= paths.SOCKET_PATH_LIMIT
        assert path == paths.socket_path(Path(deep) / "var")
        assert path != paths.socket_path(Path(deep) / "other")


def test_a_private_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "var").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="is a link"):
        paths.private_dir(tmp_path / "var")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be created"):
        paths.private_dir(tmp_path / "file" / "var")


def manage(tmp_path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"TURNKEY_VAR_DIR": str(tmp_path / "var")} | variables
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )


def test_a_mistake_reaches_the_terminal_as_one_line(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", SWEEP_SECONDS="soon")
    assert done.returncode == 1
    assert (
        done.stderr
        == "Turnkey cannot start: SWEEP_SECONDS is 'soon', which is not a whole number. Example: SWEEP_SECONDS=15\n"
    )


def test_the_deployment_check_is_clean_behind_https(tmp_path: Path) -> None:
    done = manage(
        tmp_path,
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        HTTPS_ONLY="1",
        TEDEE_API_URL="https://api.tedee.com/api/v37",
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_risky_settings_are_warnings_and_no_refusals(tmp_path: Path) -> None:
    done = manage(
        tmp_path, "check", ALLOWED_HOSTS="*", FEEDS_ALLOW_PRIVATE_HOSTS="1", TEDEE_API_URL="http://127.0.0.1:1/"
    )
    assert done.returncode == 0
    for name in ("ALLOWED_HOSTS=*", "FEEDS_ALLOW_PRIVATE_HOSTS", "TEDEE_API_URL leads to this machine"):
        assert name in done.stderr
