"""Sentences that know what they were made of, in a column and back."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from rentals.models import FeedItem
from rentals.models.sentences import SentenceField
from rentals.phrases import Phrase, packed, phrase, phrases, together, unpacked
from rentals.wording import said

_WORDS = st.text(st.characters(codec="utf-8", exclude_characters="{}"))
_VALUES = st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.text() | st.integers(), max_size=3)


@st.composite
def _phrases(draw: st.DrawFn, depth: int = 2) -> Phrase:
    values: dict[str, object] = dict(draw(_VALUES))
    if depth and draw(st.booleans()):
        values["inner"] = draw(_phrases(depth=depth - 1))
    text = draw(_WORDS) + "".join(f" {{{name}}}" for name in values) or "A sentence."
    if draw(st.booleans()):
        return phrases(f"{text} {{number}} row", f"{text} {{number}} rows", draw(st.integers(0, 5)), **values)
    return phrase(text, **values)


@given(_phrases())
def test_a_phrase_comes_back_as_it_was(made: Phrase) -> None:
    back = unpacked(packed(made))
    assert isinstance(back, Phrase)
    assert back == made
    assert said(back) == said(made)
    assert packed(back) == packed(made)


@given(st.text() | st.builds('{{"one":{}'.format, st.text()) | _phrases().map(packed))
def test_any_other_text_comes_back_as_it_was(text: str) -> None:
    assert unpacked(packed(text)) == text


def test_a_constant_sentence_is_stored_as_plain_english() -> None:
    assert packed(phrase("A date in it does not exist.")) == "A date in it does not exist."
    assert isinstance(unpacked("A date in it does not exist."), Phrase)  # also of an earlier release


@pytest.mark.parametrize(
    "stored",
    ["", "It lasts {nights} nights.", '{"one":', '{"one":1}', '{"one":"{nights} nights"}', '{"one":"a","values":[1]}'],
)
def test_what_is_no_phrase_of_ours_reads_as_it_is(stored: str) -> None:
    assert unpacked(stored) == stored
    assert not isinstance(unpacked(stored), Phrase)
    assert said(unpacked(stored)) == stored


def test_sentences_stand_together() -> None:
    odd = phrase("Its code ends at {time}, before the check-out time.", time="09:00")
    both = together(odd, "", phrase("Please check."))
    assert both == "Its code ends at 09:00, before the check-out time. Please check."
    assert together("", odd) is odd
    with translation.override("pl"):
        assert said(both) == f"{said(odd)} {said(phrase('Please check.'))}"


def test_a_column_keeps_what_a_sentence_was_made_of() -> None:
    column = SentenceField(max_length=200)
    made = phrase("It lasts more than {nights} nights.", nights=9)
    stored = column.get_prep_value(made)
    assert stored == '{"one":"It lasts more than {nights} nights.","values":{"nights":9}}'
    back = column.from_db_value(stored, None, connection)
    assert isinstance(back, Phrase)
    assert back == made
    assert column.from_db_value(None, None, connection) is None


def test_what_does_not_fit_is_stored_as_plain_english() -> None:
    made = phrase("It lasts more than {nights} nights.", nights=9)
    assert SentenceField(max_length=40).get_prep_value(made) == "It lasts more than 9 nights."
    assert SentenceField(max_length=10).get_prep_value(made) == "It lasts m"


def test_a_dump_keeps_what_a_sentence_was_made_of() -> None:
    made = phrase("It lasts more than {nights} nights.", nights=9)
    column = FeedItem._meta.get_field("reason")
    back = column.to_python(column.value_to_string(FeedItem(reason=made)))
    assert isinstance(back, Phrase)
    assert (back, back.values) == (made, {"nights": 9})
    assert column.get_prep_value(None) is None
