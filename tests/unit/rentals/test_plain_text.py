"""Text of strangers, in names and on terminals."""

from __future__ import annotations

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.logging import JsonFormatter, LineFormatter
from pins.stack.checkup.findings import report, warn
from pins.stack.children import Terminal
from rentals.management.columns import in_columns
from rentals.plain_text import one_line, shown, shown_lines

#: Clears a screen, rings, turns the direction, ends a line, is no character at all.
NASTY = "An\x1b[2Jna\x07\u202egnp.\u2028x\r\nFAIL  y\x9b\x00\ud800"


class _NoStyle:
    def __getattr__(self, name: str) -> object:
        return lambda text: text


@given(st.text(st.characters(), max_size=40))
def test_a_name_has_nothing_that_acts(text: str) -> None:
    kept = one_line(text, 200)
    assert shown(kept) == kept
    assert one_line(kept, 200) == kept
    kept.encode()


@given(st.text(st.characters(), max_size=40))
def test_what_is_shown_is_one_line_that_can_be_written(text: str) -> None:
    line = shown(text)
    line.encode()
    assert len(line.splitlines()) <= 1
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in line)


@pytest.mark.parametrize("name", ["Zoë Müller", "محمد", "王小明", "👩\u200d👧 family", "A\u00a0B", "O'Neil <x>"])
def test_names_of_people_stay_as_they_are(name: str) -> None:
    assert shown(name) == name
    assert one_line(name, 99) == name.replace("\u00a0", " ")


def test_every_way_to_a_terminal_is_harmless() -> None:
    stream = io.StringIO()
    Terminal(stream).line(NASTY)
    lines = {
        "doctor": report(warn("Locks", NASTY, "do"), _NoStyle()),
        "columns": in_columns([[NASTY, "b"]])[0],
        "demo": stream.getvalue(),
        "log": LineFormatter("%(message)s").format(record_of(NASTY)),
        "json": JsonFormatter().format(record_of(NASTY)),
    }
    for where, line in lines.items():
        assert "\x1b" not in line, where
        assert "\x07" not in line, where
        assert "\u202e" not in line, where
        line.encode()
    assert json.loads(lines["json"])["event"].startswith("An")
    assert len(lines["log"].splitlines()) == len(lines["json"].splitlines()) == 1
    assert len(lines["doctor"].splitlines()) == 2


def test_a_traceback_keeps_its_lines() -> None:
    try:
        raise ValueError(NASTY)
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", (), None)
        import sys

        record.exc_info = sys.exc_info()
    lines = LineFormatter("%(message)s").format(record).split("\n")
    assert lines[:2] == ["failed", "Traceback (most recent call last):"]
    assert all(shown(line) == line for line in lines)
    assert shown_lines("a\tb\nc") == "a       b\nc"


def record_of(message: str) -> logging.LogRecord:
    return logging.LogRecord("x", logging.INFO, "f", 1, "%s", (message,), None)
