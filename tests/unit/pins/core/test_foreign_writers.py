"""Who seems to have put a code on a lock, by its name."""

from __future__ import annotations

import re

import pytest

from pins.core.foreign_writers import REMEDIES, Writer, counted_writers, writer_of


@pytest.mark.parametrize(
    ("name", "writer"),
    [
        # As Airbnb documents them.
        ("07/24 Brian xNSAgd", Writer.AIRBNB),
        ("07/24 Guest DEsDDf", Writer.AIRBNB),
        ("12/31 Żaneta abcdef", Writer.AIRBNB),
        ("Anna HMABCDEFGH", Writer.AIRBNB),
        ("Hospitable backup 1", Writer.HOSPITABLE),
        ("Guesty ••••", Writer.TEDEE_PORTAL),
        ("Tedee booking ••••", Writer.TEDEE_PORTAL),
        ("Booking ••••", Writer.TOOL),
        ("Backup code 2", Writer.TOOL),
        ("Anna 2027-03-01", Writer.TOOL),
        ("Anna 1.3. to 4.3.", Writer.TOOL),
        ("07/24 Brian", Writer.TOOL),
        ("13/24 Brian xNSAgd", Writer.TOOL),
        # By hand, and not to be mistaken.
        ("Cleaner", Writer.PERSON),
        ("Owner", Writer.PERSON),
        ("Anna and Bernd", Writer.PERSON),
        ("Seamus", Writer.PERSON),
        ("", Writer.PERSON),
    ],
)
def test_a_name_tells_its_writer(name: str, writer: Writer) -> None:
    assert writer_of(name) is writer


def test_writers_are_counted_those_with_most_first() -> None:
    names = ["Cleaner", "07/24 Brian xNSAgd", "07/25 Eva xNSAge"]
    assert counted_writers(names) == ((Writer.AIRBNB, 2), (Writer.PERSON, 1))
    assert counted_writers([]) == ()


def test_each_writer_has_words_and_each_tool_a_way_to_switch_it_off() -> None:
    assert all(one.words for one in Writer)
    assert set(REMEDIES) == set(Writer) - {Writer.PERSON}


def test_a_remedy_is_a_sentence() -> None:
    for text in REMEDIES.values():
        assert re.fullmatch(r"[A-Z][a-z]*,? .*[a-z]\.", text), text
