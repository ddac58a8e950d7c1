"""The demo must not be able to reach anything real."""

from __future__ import annotations

from pathlib import Path

from pins.stack.demo import own_environment


def test_nothing_of_a_real_installation_gets_into_the_demo() -> None:
    real = {
        "PATH": "/bin",
        "SECRET_KEY": "canary",
        "SECRET_KEY_FILE": "canary",
        "FIELD_ENCRYPTION_KEYS": "canary",
        "DATABASE_URL": "postgres://canary",
        "DATABASE_URL_FILE": "canary",
        "REDIS_URL": "redis://canary",
        "REDIS_URL_FILE": "canary",
        "TEDEE_API_URL": "https://canary",
        "TURNKEY_ENV_FILE": "canary",
        "TURNKEY_VAR_DIR": "canary",
    }
    own = own_environment(real, Path("/srv/turnkey/var/demo"), 8765)
    assert "canary" not in repr(own)
    assert own["PATH"] == "/bin"
    assert own["TURNKEY_VAR_DIR"] == "/srv/turnkey/var/demo"
    assert own["TEDEE_API_URL"] == "http://127.0.0.1:8765/api/v37"


def test_calendars_of_this_machine_are_for_the_demo_alone() -> None:
    assert own_environment({"FEEDS_ALLOW_PRIVATE_HOSTS": "0"}, Path("/x"), 1)["FEEDS_ALLOW_PRIVATE_HOSTS"] == "1"


def test_the_pace_may_be_chosen() -> None:
    assert own_environment({"SWEEP_SECONDS": "1"}, Path("/x"), 1)["SWEEP_SECONDS"] == "1"
