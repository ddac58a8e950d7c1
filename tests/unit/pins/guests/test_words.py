"""What guests read: from one module, which has catalogs of its own (tests/unit/config/test_catalogs.py)."""

from __future__ import annotations

import re
from pathlib import Path

from pins.guests import words
from rentals.models.booking import LANGUAGES
from tests.support import catalogs

TEMPLATES = Path(words.__file__).resolve().parent.parent / "templates" / "pins" / "guests"


def test_templates_have_no_words_of_their_own() -> None:
    for path in TEMPLATES.glob("*.html"):
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<[^>]*>", " ", path.read_text())
        assert not re.search(r"[^\W\d_]", text), path.name


def test_a_language_is_chosen_by_its_first_letters() -> None:
    assert words.language_of("", "pl-PL") == "pl"
    assert words.language_of("xx", "", browser="de-CH;q=0.4, fr;q=0.9") == "fr"
    assert words.language_of("", browser="a" * 5000) == "en"


def test_every_language_of_guests_has_a_catalog() -> None:
    assert {code for code, _name in LANGUAGES} == {"en", *catalogs.WHOLE, *catalogs.PART}
