"""What guests read: in every language, from one module, and as the catalogs were compiled."""

from __future__ import annotations

import ast
import gettext
import io
import re
from pathlib import Path

import pytest
from babel.messages import pofile
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from pins.guests import words
from rentals.models.booking import LANGUAGES

PINS = Path(words.__file__).resolve().parent.parent
LOCALE, TEMPLATES = PINS.parent / "config" / "locale", PINS / "templates" / "pins" / "guests"
TRANSLATED = [code for code, _name in LANGUAGES if code != "en"]
_PLACE = re.compile(r"%\(\w+\)s|\{\{ \w+ \}\}")


def strings() -> set[str]:
    """Every text that is marked there."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(Path(words.__file__).read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
            found.add(ast.literal_eval(node.args[0]))
    return found


def catalog(language: str) -> Catalog:
    with (LOCALE / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return pofile.read_po(file, locale=language)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str) -> None:
    known = {one.id: one for one in catalog(language) if one.id}
    assert set(known) == strings()
    for text, one in known.items():
        assert one.string, text
        assert not one.fuzzy
        assert sorted(_PLACE.findall(str(one.string))) == sorted(_PLACE.findall(str(text)))


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_compiled_catalog_is_the_present_one(language: str) -> None:
    """Bare machines have no compiler, so the compiled ones are kept: `make messages` makes them."""
    compiled = io.BytesIO()
    write_mo(compiled, catalog(language))
    compiled.seek(0)
    with (LOCALE / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        kept = gettext.GNUTranslations(file)
    fresh = gettext.GNUTranslations(compiled)
    assert {text: kept.gettext(text) for text in strings()} == {text: fresh.gettext(text) for text in strings()}


def test_templates_have_no_words_of_their_own() -> None:
    for path in TEMPLATES.glob("*.html"):
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<[^>]*>", " ", path.read_text())
        assert not re.search(r"[^\W\d_]", text), path.name


def test_a_language_is_chosen_by_its_first_letters() -> None:
    assert words.language_of("", "pl-PL") == "pl"
    assert words.language_of("xx", "", browser="de-CH;q=0.4, fr;q=0.9") == "fr"
    assert words.language_of("", browser="a" * 5000) == "en"
