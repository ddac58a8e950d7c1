"""How the words are kept: a slip of the pen in a table of words would be found by no other test, since they read it."""

from __future__ import annotations

import pytest

from rentals.calendars.classify.details import LABELS
from rentals.calendars.classify.languages import VOCABULARIES
from rentals.calendars.classify.vocabulary import CHANNEL_NAMES, NAMELESS, Vocabulary

KINDS = tuple(Vocabulary.__slots__)


def test_every_language_is_kept_under_its_code() -> None:
    europe = "en de fr es it pt nl pl cs sv da nb fi el hu ro hr sk bg uk ru tr"
    assert list(VOCABULARIES) == [*europe.split(), "ja", "zh", "ko"]


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_kept_in_small_letters_and_once_in_a_language(kind: str) -> None:
    for language, words in VOCABULARIES.items():
        _are_well_kept(getattr(words, kind), f"{language} {kind}")


def test_labels_and_words_of_no_language_are_kept_in_the_same_way() -> None:
    assert list(LABELS) == ["name", "code", "phone", "email", "guests", "adults", "children", "language", "url"]
    for what, words in {**LABELS, "nameless": NAMELESS, "channels": CHANNEL_NAMES}.items():
        _are_well_kept(words, what)


def _are_well_kept(words: str, where: str) -> None:
    every = words.split("|")
    assert all(every), where
    assert [one for one in every if one != " ".join(one.lower().split())] == [], where
    assert len(every) == len(set(every)), where
