"""Nothing secret leaves through a log line."""

from __future__ import annotations

import json
import logging
import sys

import pytest
from cryptography.fernet import Fernet

from config.logging import MASK, JsonFormatter, configuration, redact

KEY = Fernet.generate_key().decode()


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("Authorization: PersonalKey abc.DEF-123=", "abc.DEF-123"),
        ("{'authorization': 'Bearer eyJhbGciOi.eyJzdWI.sig_-'}", "eyJhbGciOi"),
        ("postgres://turnkey:hunter2@db:5432/x refused", "hunter2"),
        ("https://host:p@ssw0rd@channel.example/x.ics", "ssw0rd"),
        ("POST /webhooks/ical/T0KenT0Ken/ 200", "T0KenT0Ken"),
        ("POST /webhooks/tedee/T0KenT0Ken?x=1", "T0KenT0Ken"),
        pytest.param(f"keys {KEY} here", KEY, id="a key of ours"),
        pytest.param(f"value {Fernet(KEY).encrypt(b'482913').decode()}", "gAAAA", id="a stored secret"),
        ('{"alias": "Guest", "pin": "482913"}', "482913"),
        ("{'pin': '482913'}", "482913"),
        ("pin=482913", "482913"),
        ("Pin(code=48291377)", "48291377"),
        ("new_code: 48291", "48291"),
        ('{"secret": "s3cr3t!"}', "s3cr3t!"),
        ("Bearer  two-spaces", "two-spaces"),
    ],
)
def test_credentials_and_codes_are_masked(line: str, secret: str) -> None:
    assert secret not in redact(line)
    assert MASK in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        "lock 123456 answered 201 after 1200 ms",
        "booking_id=482913 pin_id=7654321 grant_id=12345",
        "status code: 406",
        "exit code 12345",
        "GET /admin/pins/pin/123456/change/ 200",
        "https://api.tedee.com/api/v37/my/lock/24312/pin",
        "alias Guest 03-08 Mar #7F3K2Q",
        "rentals.management.commands.import_calendar.test_a_long_name_of_a_function_in_lower_case",
        "5d41402abc4b2a76b9719d911017c592ae2f1c0e5d41402abc4b2a76b9719d91 1f0c9f3e-7d0c-4f0e-9d43-2b8f2f6f6a11",
    ],
)
def test_ids_and_numbers_stay_readable(line: str) -> None:
    assert redact(line) == line


def make_record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("turnkey", logging.ERROR, __file__, 1, message, args, None)
    record.__dict__.update(extra)
    return record


def formatter(*, as_json: bool) -> logging.Formatter:
    made = configuration(level="INFO", as_json=as_json)["formatters"]["line"]["()"]()
    assert isinstance(made, logging.Formatter)
    return made


@pytest.mark.parametrize("as_json", [True, False])
def test_arguments_and_exception_text_are_masked(as_json: bool) -> None:
    try:
        raise ValueError("cannot send {'pin': '482913'}")
    except ValueError:
        record = make_record("with %s", {"pin": "771204"})
        record.exc_info = sys.exc_info()
    line = formatter(as_json=as_json).format(record)
    assert "482913" not in line
    assert "771204" not in line
    assert "ValueError" in line


def test_plain_lines_carry_them_too() -> None:
    line = formatter(as_json=False).format(make_record("pin_set", pin_id=7, cause="busy", code="482913"))
    assert line.endswith("turnkey: pin_set pin_id=7 cause=busy")


def test_json_lines_carry_the_ids_of_the_story_and_nothing_unknown() -> None:
    line = json.loads(JsonFormatter().format(make_record("pin_set", pin_id=7, code="482913")))
    assert (line["event"], line["pin_id"], line["level"]) == ("pin_set", "7", "error")
    assert "482913" not in json.dumps(line)
