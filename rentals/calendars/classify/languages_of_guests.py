"""The language of a guest, as managers of properties write it: a code, or its name in some language."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from rentals.calendars.classify.phrases import fold

#: By the code of each language in which guests are spoken to (`rentals.models.booking.LANGUAGES`).
NAMES: Final = {
    "en": "english|englisch|anglais|inglés|inglese|inglês|angielski|engels|angličtina|engelska|engelsk",
    "pl": "polish|polnisch|polonais|polaco|polacco|polski|polonês|pools|polština|polska|polsk",
    "de": "german|deutsch|allemand|alemán|tedesco|alemão|niemiecki|duits|němčina|tyska|tysk",
    "es": "spanish|spanisch|espagnol|español|castellano|spagnolo|espanhol|hiszpański|spaans|španělština|spanska|spansk",
    "fr": "french|französisch|français|francés|francese|francês|francuski|frans|francouzština|franska|fransk",
}
_CODE: Final = re.compile(r"([a-z]{2})(?:[-_][a-z]{2})?")


@cache
def _by_name() -> dict[str, str]:
    return {fold(name): code for code, names in NAMES.items() for name in names.split("|")}


def language(value: str) -> str:
    """Its code; "" for one in which guests are not spoken to, and for anything else."""
    word = fold(value.strip())
    code = _CODE.fullmatch(word)
    if code is not None:
        return code[1] if code[1] in NAMES else ""
    return _by_name().get(word, "")
