"""Logging for every process: one line per record, and a last filter that masks secrets.

No secret should reach a log at all; this is the second line of defence, for the exception text of a library or a URL in
an access log. Digits alone are not masked, because ids and durations are digits too: a code is masked where a word
beside it says that it is one (`pin=`, `"code": `).
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from config import log_context
from rentals.plain_text import shown, shown_lines

MASK: Final = "[hidden]"

_RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # Authorization: PersonalKey ..., Authorization: Bearer ...
    (re.compile(r"\b(PersonalKey|Bearer|Basic)(\s+)[\w.~+/=-]+", re.IGNORECASE), rf"\1\2{MASK}"),
    # scheme://user:password@host; a password may hold an @
    (re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/'\"]+@", re.IGNORECASE), rf"\1{MASK}@"),
    # /webhooks/ical/<token>/, also with doubled slashes or without the kind: anything that follows may hold a token
    (re.compile(r"(/webhooks/+(?:(?:ical|tedee)/+)?)[^\s'\"]+"), rf"\1{MASK}"),
    # /g/<token>/, the page of a guest, also with doubled slashes
    (re.compile(r"(/g/+)[^\s'\"]+"), rf"\1{MASK}"),
    # /calendars/<token>.ics; our modules of that folder have shorter names
    (re.compile(r"(/calendars/)[\w-]{20,}"), rf"\1{MASK}"),
    # /work/<token>/: the own page of somebody who works there
    (re.compile(r"(/work/+)[\w-]{20,}"), rf"\1{MASK}"),
    # Fernet tokens (stored values) and Fernet keys.
    (re.compile(r"\bgAAAA[\w-]{20,}={0,2}"), MASK),
    (re.compile(r"(?<![\w-])[\w-]{43}=(?![\w=])"), MASK),
    # The secret part of an address, anywhere, because addresses are mistyped: 43 characters in mixed case. No word of
    # ours is like that (rentals/models/tokens.py).
    (re.compile(r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{43,}"), MASK),
    # pin=123456, "pin": "123456", code: 123456, "access_token": "..."
    (
        re.compile(
            r"(?i)((?:\b|_)(?:pin|code|new_code|old_code|secret|password|passwd|token|api_key|key)"
            r"[\"']?\s*[=:]\s*[b]?[\"']?)(\d{5,8}\b|(?<=[\"'])[^\"'\s]+)"
        ),
        rf"\1{MASK}",
    ),
)


def redact(text: str) -> str:
    """The text, with `[hidden]` in place of everything that looks like a credential or a door code."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


class SecretPaths(logging.Filter):
    """For loggers that name each request's path: masks it in the record itself, so that no handler can write it."""

    def filter(self, record: logging.LogRecord) -> bool:
        written = record.getMessage()
        masked = redact(written)
        if masked != written:
            record.msg, record.args = masked, None
            # Django attaches the whole request to the record, and with it the path.
            record.__dict__.pop("request", None)
        return True


class LineFormatter(logging.Formatter):
    """For people: the message and its facts. The finished line is redacted, with exception and stack."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        facts = "".join(f" {name}={value}" for name, value in _facts(record).items())
        return shown(super().formatMessage(record) + facts)

    def format(self, record: logging.LogRecord) -> str:
        """One line, so that no name forges a second one; the traceback, if any, has lines of its own."""
        return redact(shown_lines(super().format(record)))


class JsonFormatter(logging.Formatter):
    """One JSON object per line, for log collectors; also redacted. Lines of a task say which task, lock and code."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": redact(record.getMessage()),
        }
        facts = {**log_context.current(), **_facts(record)}
        line |= {name: redact(str(value)) for name, value in facts.items() if name not in line}
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = redact(self.formatStack(record.stack_info))
        return shown(json.dumps(line, ensure_ascii=False))


# What a log line shows of `extra=`. Anything else is left out: nobody has checked that it is harmless.
_FACTS: Final = (
    *("booking_id", "grant_id", "pin_id", "lock_id", "account_id", "attempt_id", "correlation_id"),
    *("feed_id", "cause", "status", "grants", "channel_id", "delivery_id", "event_type", "channels"),
    *("messages", "incidents", "stays", "leader", "address", "user_id"),
)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in _FACTS if hasattr(record, name)}


def configuration(*, level: str, as_json: bool) -> dict[str, Any]:
    """Django's LOGGING dictionary: everything to stderr through one handler."""
    formatter: Callable[[], logging.Formatter] = JsonFormatter if as_json else _plain
    quiet = {"level": "WARNING"}  # for loggers that name each request or each message
    silent = {"level": logging.CRITICAL + 1}
    # For loggers that name the path of a request. Our handler replaces gunicorn's own ones, because it masks exceptions
    # too. Waitress speaks of a path where a page failed or its reader left.
    paths = {"handlers": [], "propagate": True, "filters": ["secret_paths"]}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "filters": {"secret_paths": {"()": SecretPaths}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "propagate": True},
            **dict.fromkeys(("django.server", "django.request", "gunicorn.error", "waitress"), paths),
            "httpx": quiet,
            "httpcore": quiet,
            "fido2": quiet,
            # They name targets and addresses that hold tokens (pins/notify/services.py).
            "apprise": silent,
            "urllib3": silent,
            "celery.worker.strategy": quiet,
            "celery.app.trace": quiet,
        },
    }


def _plain() -> logging.Formatter:
    return LineFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
