"""What an examination finds, and how it reads on a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rentals.plain_text import shown


class Health(StrEnum):
    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    """One line of the report. `text` and `remedy` never hold a secret."""

    health: Health
    subject: str
    text: str
    remedy: str = ""


def ok(subject: str, text: str) -> Finding:
    return Finding(Health.OK, subject, text)


def warn(subject: str, text: str, remedy: str) -> Finding:
    return Finding(Health.WARN, subject, text, remedy)


def fail(subject: str, text: str, remedy: str) -> Finding:
    return Finding(Health.FAIL, subject, text, remedy)


def report(finding: Finding, style: Any) -> str:
    """The finding as lines for the terminal; `style` is a command's."""
    paint = {Health.OK: style.SUCCESS, Health.WARN: style.WARNING, Health.FAIL: style.ERROR}[finding.health]
    line = f"{paint(f'{finding.health:<4}')}  {shown(finding.subject)}: {shown(finding.text)}"
    return f"{line}\n      {shown(finding.remedy)}" if finding.remedy else line
