"""Cells of a table that people import and export: how a value is written, read, and refused.

A widget raises `ValueError` with a message for people, as import_export expects.
"""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Any
from unicodedata import category

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from import_export.widgets import ManyToManyWidget, Widget

from rentals.fields import behind
from rentals.models import Lock, LockAccount

#: In place of the serial number of a lock that has none stored; Tedee's device id follows.
DEVICE = "device:"
_TIMES = ("%H:%M", "%H:%M:%S", "%H.%M")
#: Spreadsheets take a cell that begins like this for a formula, and for text when an apostrophe precedes it. Some trim
#: a cell first, some split our rows at semicolons or tabs, quoted or not; in Asia the wide signs count, too.
_FORMULA_SIGNS = "=+\\-@＝＋－＠"  # noqa: RUF001 - meant as they are
_CELL_START = r"(?:^|[;\t])[\s\"]*"
#: Where an apostrophe is added. One that stands there already gets another, so that each can be taken away again.
_NEEDS_SIGN = re.compile(rf"({_CELL_START})(?=['{_FORMULA_SIGNS}])")
_HAS_SIGN = re.compile(rf"({_CELL_START})'(?=['{_FORMULA_SIGNS}])")


def lock_key(lock: Lock) -> str:
    """What identifies a lock in a table."""
    return lock.serial_number or f"{DEVICE}{lock.device_id}"


class Words(Widget):  # type: ignore[misc]
    """One line of text."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = _HAS_SIGN.sub(r"\1", text_in(value))
        if any(category(letter) in ("Cc", "Cs") for letter in text):  # a lone surrogate is in no encoding
            raise ValueError(_("It contains a character that cannot be shown."))
        return text

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return _NEEDS_SIGN.sub(r"\1'", str(value or ""))


class Number(Widget):  # type: ignore[misc]
    """A whole number, 0 to 99999."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> int:
        text = _filled(value, _("It is empty. Write a whole number, or remove the column from the file."))
        if not (text.isascii() and text.isdigit() and len(text) < 6):
            raise ValueError(_("“{text}” is not a whole number of 0 or more.").format(text=text[:40]))
        return int(text)

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return str(value)


class Clock(Widget):  # type: ignore[misc]
    """A wall time."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> time:
        text = _filled(value, _("It is empty. Write a time such as 15:00, or remove the column from the file."))
        for form in _TIMES:
            try:
                return datetime.strptime(text, form).time()  # noqa: DTZ007 - a wall time has no zone of its own
            except ValueError:
                continue
        raise ValueError(_("“{text}” is not a time such as 15:00.").format(text=text[:40]))

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"


class YesNo(Widget):  # type: ignore[misc]
    """A switch."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool:
        text = _filled(value, _("It is empty. Write yes or no, or remove the column from the file.")).lower()
        if text in ("yes", "true", "1"):
            return True
        if text in ("no", "false", "0"):
            return False
        raise ValueError(_("“{text}” is neither yes nor no.").format(text=text[:40]))

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "yes" if value else "no"


class Account(Widget):  # type: ignore[misc]
    """An account by its name; nothing else of it is exported or imported."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> LockAccount:
        empty = _("It is empty. Write the name of a lock account, or remove the column from the file.")
        name = Words().clean(_filled(value, empty))
        found = list(LockAccount.objects.filter(name=name).defer(*LockAccount.SECRETS)[:2])
        if not found:
            raise ValueError(_("There is no lock account called “{name}”. Add it first.").format(name=name[:80]))
        if len(found) > 1:
            said = _("Several lock accounts are called “{name}”. Give them different names first.")
            raise ValueError(said.format(name=name[:80]))
        return found[0]

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return Words().render(value.name)


class Locks(ManyToManyWidget):  # type: ignore[misc]
    """Serial numbers, separated by |."""

    def __init__(self) -> None:
        super().__init__(Lock)

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[Lock]:
        keys = [Words().clean(one) for one in text_in(value).split("|") if one.strip()]
        found = {key: find_lock(key) for key in keys}
        missing = [key for key, lock in found.items() if lock is None]
        if any("," in key or ";" in key for key in missing):
            raise ValueError(_("Separate serial numbers by | and nothing else."))
        if missing:
            said = _("There is no lock with the serial number {numbers}. Fetch the locks of its account first.")
            raise ValueError(said.format(numbers=get_text_list(missing[:5])[:200]))
        return [lock for lock in found.values() if lock is not None]

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        keys = sorted(lock_key(lock) for lock in value.all()) if value is not None else ()
        return "|".join(Words().render(key) for key in keys)


def find_lock(key: str) -> Lock | None:
    """The lock that `lock_key` identifies."""
    locks = Lock.objects.select_related("account").defer(*behind("account", LockAccount.SECRETS))
    device = key.removeprefix(DEVICE)
    if key.startswith(DEVICE):
        is_number = device.isascii() and device.isdigit() and len(device) < 19
        return locks.filter(device_id=int(device)).first() if is_number else None
    return locks.filter(serial_number=key).first() if key else None


def _filled(value: Any, otherwise: str) -> str:
    if text := text_in(value):
        return text
    raise ValueError(otherwise)


def text_in(value: Any) -> str:
    """The text of a cell without surrounding space; "" for an empty one."""
    return "" if value is None else str(value).strip()
