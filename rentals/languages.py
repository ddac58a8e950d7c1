"""The languages of those who work with Turnkey: of messages to them, and of the page of who works in the flats.

Guests are spoken to in more languages (`pins.guests.words`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from typing import Final

from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

ENGLISH, POLISH = "en", "pl"
#: As each language calls itself.
CHOICES: Final = ((ENGLISH, "English"), (POLISH, "Polski"))


def first_known(asked: Iterable[str], accepted: str, known: Collection[str]) -> str:
    """The first of the known languages: of those asked for, then of an Accept-Language header, then English."""
    wanted = (*asked, *(name for name, _weight in parse_accept_lang_header(accepted[:200])))
    return next((one for name in wanted if (one := name[:2].lower()) in known), ENGLISH)


def of_browser(accepted: str) -> str:
    """The first of our languages in an Accept-Language header; English where there is none."""
    return first_known((), accepted, (ENGLISH, POLISH))


def spoken() -> str:
    """Which of them is active; English where it is none of them."""
    return POLISH if (translation.get_language() or "").startswith(POLISH) else ENGLISH


def speaking(language: str) -> AbstractContextManager[None]:
    """Within it, texts and dates are in this language; in English where it is none of ours."""
    return translation.override(POLISH if language == POLISH else "en-gb")
