"""Sentences about waiting."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def wait_for(seconds: int) -> str:
    """“Wait 20 seconds, then try again.”"""
    if seconds > 90:
        minutes = -(-seconds // 60)
        text = ngettext("Wait {number} minute, then try again.", "Wait {number} minutes, then try again.", minutes)
        return text.format(number=minutes)
    text = ngettext("Wait {number} second, then try again.", "Wait {number} seconds, then try again.", seconds)
    return text.format(number=seconds)


def not_looked_at(seconds: int) -> str:
    """Of a password or a code that a limit refused unseen."""
    return _("Too many tries; this one was not looked at. {wait}").format(wait=wait_for(seconds))


def too_many(seconds: int) -> str:
    return _("Too many tries. {wait}").format(wait=wait_for(seconds))


def wrong_code() -> str:
    return _("This is not the code of this moment. Enter the one that the app shows now.")
