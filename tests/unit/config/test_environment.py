"""Readers of the environment: what they accept, and that their refusals help without giving anything away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from config import environment as env
from config.environment import SettingsError


def read_number() -> int:
    return env.whole_number("SAMPLE", 15, minimum=1, maximum=3600)


@pytest.mark.parametrize(("value", "number"), [("1", 1), ("3600", 3600), (" 20 ", 20), ("+7", 7), ("", 15)])
def test_whole_numbers_within_bounds_are_accepted(monkeypatch: pytest.MonkeyPatch, value: str, number: int) -> None:
    monkeypatch.setenv("SAMPLE", value)
    assert read_number() == number


@pytest.mark.parametrize("value", ["0", "-1", "3601", "1.5", "ten", "1_0", "0x10", "٣", "--5", "1e3", "NaN"])
def test_anything_else_is_refused_by_name_with_an_example(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SAMPLE", value)
    with pytest.raises(SettingsError, match=r"SAMPLE is .*15"):
        read_number()


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("TRUE", True), ("off", False), ("no", False), ("", False)]
)
def test_booleans_are_read_in_the_usual_spellings(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("SAMPLE", value)
    assert env.boolean("SAMPLE") is expected


def test_a_boolean_that_is_neither_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE", "perhaps")
    with pytest.raises(SettingsError, match="SAMPLE is 'perhaps'"):
        env.boolean("SAMPLE")


@pytest.mark.parametrize(("value", "expected"), [("", "a/b"), ("c/d", "c/d"), (" C/D ", "c/d"), ("a/b", "a/b")])
def test_a_choice_is_one_of_its_options_and_the_first_by_default(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: str
) -> None:
    monkeypatch.setenv("SAMPLE", value)
    assert env.choice("SAMPLE", ("a/b", "c/d")) == expected


@pytest.mark.parametrize("value", ["a", "a/b, c/d", "text/plain"])
def test_a_choice_that_is_none_of_them_is_refused_with_the_list(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SAMPLE", value)
    with pytest.raises(SettingsError, match=r"SAMPLE is .*Choose one of: a/b, c/d"):
        env.choice("SAMPLE", ("a/b", "c/d"))


@pytest.mark.parametrize(("value", "expected"), [("", ""), (" Kalender/5.0 (x; y) ", "Kalender/5.0 (x; y)")])
def test_one_printable_line_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, value: str, expected: str) -> None:
    monkeypatch.setenv("SAMPLE", value)
    assert env.printable("SAMPLE") == expected


@pytest.mark.parametrize("value", ["a\nb", "a\x7fb", "K\u00fcche", "x" * 256])
def test_what_no_header_may_hold_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SAMPLE", value)
    with pytest.raises(SettingsError, match="SAMPLE may have at most 255 characters"):
        env.printable("SAMPLE")


class TestSecretsFromFiles:
    def test_the_file_is_read_without_its_line_end(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("canary\n")
        monkeypatch.setenv("SAMPLE_FILE", str(tmp_path / "secret"))
        assert env.secret("SAMPLE") == "canary"

    def test_both_at_once_are_refused_without_showing_the_value(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("SAMPLE", "canary")
        monkeypatch.setenv("SAMPLE_FILE", str(tmp_path / "secret"))
        with pytest.raises(SettingsError, match="SAMPLE and SAMPLE_FILE are both set") as refusal:
            env.secret("SAMPLE")
        assert "canary" not in str(refusal.value)

    def test_a_missing_file_is_named(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("SAMPLE_FILE", str(tmp_path / "nothing"))
        with pytest.raises(SettingsError, match=r"nothing, which cannot be read \(FileNotFoundError\)"):
            env.secret("SAMPLE")

    def test_an_empty_file_is_not_a_secret(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("\n")
        monkeypatch.setenv("SAMPLE_FILE", str(tmp_path / "secret"))
        with pytest.raises(SettingsError, match="is empty"):
            env.secret("SAMPLE")


@pytest.mark.parametrize(
    "value",
    [
        "api.tedee.com",
        "ftp://api.tedee.com",
        "https://",
        "https://me:canary@x.com/a",
        "https://x.com/?q=1",
        "http://x:99999/",
    ],
)
def test_malformed_api_addresses_are_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SAMPLE", value)
    with pytest.raises(SettingsError, match="SAMPLE is not a usable address") as refusal:
        env.base_url("SAMPLE", "https://api.example.com/v1")
    assert "canary" not in str(refusal.value)


def test_an_api_address_loses_its_trailing_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE", "http://127.0.0.1:8100/api/v37/")
    assert env.base_url("SAMPLE", "") == "http://127.0.0.1:8100/api/v37"


@pytest.mark.parametrize(
    ("url", "of_broker"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("rediss://:canary@cache.example.com/1", "rediss://:canary@cache.example.com/1"),
        ("unix:///run/x.sock", "redis+socket:///run/x.sock"),
        ("redis+socket:///run/x.sock", "redis+socket:///run/x.sock"),
        ("unix:///run/x.sock?db=2", "redis+socket:///run/x.sock?virtual_host=2"),
    ],
)
def test_redis_addresses_have_one_spelling_for_each_library(url: str, of_broker: str) -> None:
    assert env.broker(env.redis(url)) == of_broker


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        (env.redis, "localhost:6379/canary"),
        (env.redis, "amqp://canary@x"),
        (env.redis, "redis://"),
        (env.redis, "redis://:canary@host:port/0"),
        (env.redis, "unix://"),
        (env.database, "mysql://me:canary@host/turnkey"),
        (env.database, "postgres://me:canary@host:port/turnkey"),
        (env.database, "postgres://me:canary@host"),
        (env.database, "canary"),
    ],
)
def test_malformed_connection_urls_are_refused_and_not_repeated(reader: Callable[[str], Any], value: str) -> None:
    with pytest.raises(SettingsError, match=r"_URL") as refusal:
        reader(value)
    assert "canary" not in str(refusal.value)


def test_sqlite_writers_queue_instead_of_failing() -> None:
    config = env.database("sqlite:////tmp/turnkey.sqlite3")
    assert config["NAME"] == "/tmp/turnkey.sqlite3"
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert config["OPTIONS"]["timeout"] == 20
    assert "journal_mode=WAL" in config["OPTIONS"]["init_command"]


def test_postgresql_keeps_the_options_of_its_url() -> None:
    config = env.database("postgresql://me:p%40ss@db.example.com:5433/turnkey?sslmode=require")
    assert (config["HOST"], config["PORT"], config["USER"], config["PASSWORD"]) == (
        "db.example.com",
        5433,
        "me",
        "p@ss",
    )
    assert config["OPTIONS"].items() >= {"sslmode": "require", "connect_timeout": 5}.items()


def test_postgresql_ends_a_transaction_that_pauses_unless_its_url_says_otherwise() -> None:
    usual = env.database("postgres://db.example.com/turnkey")["OPTIONS"]["options"]
    assert usual == "-c idle_in_transaction_session_timeout=30s"
    own = env.database("postgres://db.example.com/turnkey?options=-c%20work_mem%3D5MB")["OPTIONS"]["options"]
    assert own == "-c work_mem=5MB"
    assert "options" not in env.database("postgres://db.example.com/turnkey?options=")["OPTIONS"]  # a pooler takes none


def test_field_keys_are_split_and_kept_in_order() -> None:
    first, second = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    assert env.field_keys(f" {first}, {second},") == [first, second]


@pytest.mark.parametrize("value", ["a passphrase", "AAAA", "é" * 44, " , "])
def test_what_is_no_fernet_key_is_refused_with_a_recipe(value: str) -> None:
    with pytest.raises(SettingsError, match=r"FIELD_ENCRYPTION_KEYS.*generate_key"):
        env.field_keys(value)


def test_a_bad_key_is_named_by_position_only() -> None:
    good = Fernet.generate_key().decode()
    with pytest.raises(SettingsError, match="key 2 of 2") as refusal:
        env.field_keys(f"{good},canary")
    assert "canary" not in str(refusal.value)
    assert good not in str(refusal.value)


@pytest.mark.parametrize("value", ["codes.example.com", "https://x.com/path", "ftp://x.com"])
def test_an_origin_needs_its_scheme_and_nothing_else(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CSRF_TRUSTED_ORIGINS", value)
    with pytest.raises(SettingsError, match="scheme and host"):
        env.origins("CSRF_TRUSTED_ORIGINS")
