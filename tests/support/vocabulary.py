"""The words of all languages, and those that no sample contains."""

from __future__ import annotations

from rentals.calendars.classify.languages import VOCABULARIES
from rentals.calendars.classify.phrases import fold
from tests.support.paths import SAMPLES

ALL_SAMPLES = b"".join(path.read_bytes() for path in SAMPLES.glob("*.ics")).decode()


def phrases(kind: str) -> list[tuple[str, str]]:
    return [
        (language, phrase) for language, words in VOCABULARIES.items() for phrase in getattr(words, kind).split("|")
    ]


def unseen(kind: str) -> list[tuple[str, str]]:
    """Phrases that no sample contains."""
    known = fold(ALL_SAMPLES)
    return [(language, phrase) for language, phrase in phrases(kind) if fold(phrase) not in known]
