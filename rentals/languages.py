"""The languages of those who work with Turnkey: of messages to them, and of the page of who works in the flats.

Guests are spoken to in more languages (`pins.guests.words`).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final

from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

ENGLISH, POLISH = "en", "pl"
#: As each language calls itself.
CHOICES: Final = ((ENGLISH, "English"), (POLISH, "Polski"))


def of_browser(accepted: str) -> str:
    """The first of our languages in an Accept-Language header; English where there is none."""
    wanted = (name[:2].lower() for name, _weight in parse_accept_lang_header(accepted[:200]))
    return next((one for one in wanted if one in (ENGLISH, POLISH)), ENGLISH)


def spoken() -> str:
    """Which of them is active; English where it is none of them."""
    return POLISH if (translation.get_language() or "").startswith(POLISH) else ENGLISH


def speaking(language: str) -> AbstractContextManager[None]:
    """Within it, texts and dates are in this language; in English where it is none of ours."""
    return translation.override(POLISH if language == POLISH else "en-gb")
