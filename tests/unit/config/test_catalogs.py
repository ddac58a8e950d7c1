"""The catalogs: every marked text is there, whole, with the same places, and compiled."""

from __future__ import annotations

import gettext
import io
import re
from functools import cache

import pytest
from babel.messages.catalog import Catalog, Message

from tests.support import catalogs

#: The places of `str.format`, of `%`, and of templates that hosts write.
_PLACE = re.compile(r"\{\w*\}|%\(\w+\)[sd]|%[sd]|\{\{ \w+ \}\}")


@cache
def wanted(language: str) -> Catalog:
    return catalogs.template_of(language)


def by_text(of: Catalog) -> dict[tuple[str | None, object], Message]:
    return {(one.context, one.id): one for one in of if one.id}


@pytest.mark.parametrize("language", [*catalogs.WHOLE, *catalogs.PART])
def test_every_marked_text_is_translated(language: str) -> None:
    kept = by_text(catalogs.catalog(language))
    assert set(kept) == set(by_text(wanted(language))), "make messages"
    assert catalogs.missing(catalogs.catalog(language)) == []
    wrong = [one.id for one in kept.values() if not _has_its_places(one) or _has_other_signs(one)]
    assert wrong == []


def _has_other_signs(one: Message) -> bool:
    """A quote would end the attribute of a template in which the text stands, and a tag is the page's matter."""
    text, said = one.id if isinstance(one.id, str) else " ".join(one.id), " ".join(catalogs.forms(one))
    return any(sign in said and sign not in text for sign in ('"', "<", ">", "&"))


def _has_its_places(one: Message) -> bool:
    """Of each form of the plural, the places of the plural. One form may say the number as a word."""
    plain = one.id if isinstance(one.id, str) else one.id[-1]
    wanted = set(_PLACE.findall(plain))
    allowed = [wanted, wanted - {"{number}", "%(number)s", "%(counter)s"}] if one.pluralizable else [wanted]
    return all(set(_PLACE.findall(form)) in allowed for form in catalogs.forms(one))


@pytest.mark.parametrize("language", [*catalogs.WHOLE, *catalogs.PART])
def test_the_compiled_catalog_is_the_present_one(language: str) -> None:
    """Bare machines have no compiler, so the compiled ones are kept."""
    kept = catalogs.path_of(language).with_suffix(".mo").read_bytes()
    fresh = catalogs.compiled(catalogs.catalog(language))
    assert _said(kept) == _said(fresh), "make messages"


def _said(compiled: bytes) -> dict[object, str]:
    found: dict[object, str] = gettext.GNUTranslations(io.BytesIO(compiled))._catalog  # type: ignore[attr-defined]
    return {text: said for text, said in found.items() if text}


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        ("""  <p>\n    {% translate "Two words" %}""", ["Two words"]),
        ("""<input aria-label="{% translate "It's" %}" title='{% translate 'Short' %}'>""", ["It's", "Short"]),
        ("""{# It's one ( #}{% translate "After" %} it's "un even ( {% translate "Last" as x %}""", ["After", "Last"]),
        ("""{% comment %}{% translate "Not this" %}{% endcomment %}{{ one|default:_("None") }}""", ["None"]),
        ("""{% blocktranslate trimmed with a=b|length %}\n  {{ a }} is\n  “set”.\n{% endblocktranslate %}""",
         ["%(a)s is “set”."]),
        ("""{% blocktranslate trimmed count number=n with a=b %}
              {{ number }} code of {{ a }}
            {% plural %}
              {{ number }} codes of {{ a }}
            {% endblocktranslate %}""",
         [("%(number)s code of %(a)s", "%(number)s codes of %(a)s")]),
        ("""{% blocktranslate %}100 % of\n it{% endblocktranslate %}""", ["100 %% of\n it"]),
    ],
)  # fmt: skip
def test_texts_of_templates_are_found(template: str, texts: list[object]) -> None:
    assert [one.id for one in catalogs.marked_in_template(template)] == texts


def test_texts_of_python_are_found() -> None:
    source = """
phrase("A {b}" " c.", b=1), phrases("{number} day", "{number} days", 2), mark("d"), lazy("e"), _("f"), _(g), a.h("i")
ngettext("j", "k", 2), pgettext("l", "m"), f"{_('n')}", npgettext("o", "p", "q", 2), ngettext(r, "s", 2)
"""
    found = [one.id for one in catalogs.marked_in_python(source)]
    assert found == ["A {b} c.", ("{number} day", "{number} days"), "d", "e", "f", ("j", "k"), "m", "n", ("p", "q")]
