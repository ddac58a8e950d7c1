from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core.alias import (
    ALPHABET,
    AliasForm,
    alias_text,
    foreign_name,
    is_ours,
    new_reference,
    reference_in,
    same_but_reference,
    spare_alias,
    staff_alias,
)

KEY = b"a key of the installation"
REFERENCE = "7F3K2Q"
STARTS, ENDS = date(2027, 3, 3), date(2027, 3, 8)


def alias(name: str, starts: date = STARTS, ends: date = ENDS) -> str:
    return alias_text(name, starts, ends, REFERENCE)


def test_a_new_reference_is_ours_and_only_with_our_key() -> None:
    for _ in range(200):
        reference = new_reference(KEY)
        assert len(reference) == 6
        assert set(reference) <= set(ALPHABET)
        assert is_ours(reference, KEY)
    foreign = sum(is_ours(new_reference(b"another key"), KEY) for _ in range(2000))
    assert foreign < 20, "about two in two thousand pass by chance"


def test_references_differ() -> None:
    assert len({new_reference(KEY) for _ in range(500)}) > 490


def test_the_same_draw_gives_the_same_reference() -> None:
    assert new_reference(KEY, randbelow=random.Random(4).randrange) == new_reference(
        KEY, randbelow=random.Random(4).randrange
    )


def test_every_changed_character_is_noticed_almost_always() -> None:
    reference = new_reference(KEY, randbelow=random.Random(5).randrange)
    changed = {
        reference[:place] + other + reference[place + 1 :]
        for place in range(6)
        for other in ALPHABET
        if other != reference[place]
    }
    assert sum(is_ours(text, KEY) for text in changed) <= 3


@pytest.mark.parametrize("text", ["", "7F3K2", "7F3K2QQ", "7F3K2U", "7F3K2 ", "7F3K2\u0660", "######", "\u212a" * 6])
def test_a_text_that_is_no_reference_is_not_ours(text: str) -> None:
    assert not is_ours(text, KEY)


def test_a_retyped_reference_is_still_ours() -> None:
    reference = new_reference(KEY, randbelow=lambda _: 1)
    assert reference.startswith("1111")
    assert is_ours("lIiL" + reference[4:].lower(), KEY)


def test_an_alias_tells_name_dates_and_reference() -> None:
    assert alias("") == "Guest 03-08 Mar #7F3K2Q"
    assert alias("Ann Kowalska") == "Ann 03-08 Mar #7F3K2Q"
    assert alias("Ann", date(2027, 2, 28), date(2027, 3, 3)) == "Ann 28 Feb-03 Mar #7F3K2Q"
    assert alias("Ann", date(2026, 3, 3), date(2027, 3, 3)) == "Ann 03 Mar-03 Mar #7F3K2Q"


def test_long_names_are_cut_to_thirty_characters() -> None:
    assert alias("Bartholomew-Maximilian") == "Bartholomew- 03-08 Mar #7F3K2Q"
    assert alias("Bartholomew", date(2027, 12, 30), date(2028, 1, 2)) == "Bartholo 30 Dec-02 Jan #7F3K2Q"


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("   ", "Guest"),
        ("#", "Guest"),
        ("\u202e\u2066", "Guest"),
        ("\u0301", "Guest"),
        ("\U0001f600", "Guest"),
        ("\ud800", "Guest"),
        ("Ann\u202e\u200b\x00\x1b", "Ann"),
        ("An#n #7F3K2Q", "Ann"),
        ("\tAnn\nKowalska", "Ann"),
        ("Kowalska, Ann", "Kowalska"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("\u674e\u5c0f\u9f99", "\u674e\u5c0f\u9f99"),
        ("\u0410\u043d\u043d\u0430", "\u0410\u043d\u043d\u0430"),
        ("- Ann", "Ann"),
    ],
)
def test_names_are_made_harmless(name: str, first: str) -> None:
    assert alias(name) == f"{first} 03-08 Mar #7F3K2Q"


def test_characters_outside_the_basic_plane_count_twice() -> None:
    assert alias("\U00020000" * 20) == "\U00020000" * 6 + " 03-08 Mar #7F3K2Q"


@settings(deadline=None)
@given(
    name=st.text(),
    starts=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    nights=st.integers(0, 500),
    seed=st.integers(0, 2**32),
)
def test_any_alias_fits_and_gives_its_reference_back(name: str, starts: date, nights: int, seed: int) -> None:
    reference = new_reference(KEY, randbelow=random.Random(seed).randrange)
    text = alias_text(name, starts, starts + timedelta(days=nights), reference)

    assert len(text) <= 30
    assert len(text.encode("utf-16-le")) <= 60
    assert text.isprintable()
    assert text.count("#") == 1
    assert not text.startswith(" ")
    assert reference_in(text) == reference


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann 03-08 Mar #7F3K2Q", "7F3K2Q"),
        ("Ann 03-08 Mar #7f3k2q  \t", "7F3K2Q"),
        ("#7F3K2Q", "7F3K2Q"),
        ("#AAAAAA #7F3K2Q", "7F3K2Q"),
        ("#oiLAAA", "011AAA"),
        ("#7F3K2Q x", "7F3K2Q"),
        ("x #7F3K2Q x", None),
        ("7F3K2Q", None),
        ("# 7F3K2Q", None),
        ("#7F3K2QQ", None),
        ("#7F3K2", None),
        ("#7F3K2U", None),
        ("", None),
        ("cleaning lady", None),
    ],
)
def test_the_reference_is_found_at_the_end_or_the_beginning(text: str, expected: str | None) -> None:
    assert reference_in(text) == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Cleaner", "Cleaner"),
        ("  Cleaner \t\r\n of   the house ", "Cleaner of the house"),
        ("Clea\x00ner\x1b\x7f", "Cleaner"),
        ("\u202erenaelC\u2066\u200b\ud800", "renaelC"),
        ("Zoë #2", "Zoë #2"),
        ("x" * 61, "x" * 60),
        ("x" * 59 + " y", "x" * 59),
        ("\u200b\x00", ""),
        ("", ""),
    ],
)
def test_a_strangers_alias_is_one_short_line_without_invisible_characters(text: str, shown: str) -> None:
    assert foreign_name(text, KEY) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Cleaner 481516", "Cleaner ••••"),
        ("12345", "••••"),
        ("Room 1204", "Room 1204"),
        ("Ring 01712345678", "Ring 01712345678"),
        ("a12345678b 99999", "a••••b ••••"),
    ],
)
def test_digits_that_may_be_a_code_are_hidden_in_a_strangers_alias(text: str, shown: str) -> None:
    assert foreign_name(text, KEY) == shown


def test_a_stray_of_ours_shows_no_guests_name() -> None:
    reference = new_reference(KEY)
    stray = alias_text("Alice", STARTS, ENDS, reference)
    assert foreign_name(stray, KEY) == f"Made by Turnkey, but no longer known here (#{reference})"
    assert foreign_name(stray, b"another key") == stray


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Maria Kowalska", "Maria Kowalska #7F3K2Q"),
        ("  Maria   K. ", "Maria K. #7F3K2Q"),
        ("Maria #7F3K2X", "Maria 7F3K2X #7F3K2Q"),
        ("\u200b#", "Staff #7F3K2Q"),
        ("Maria Magdalena Kowalska-Nowak", "Maria Magdalena Kowals #7F3K2Q"),
    ],
)
def test_somebody_who_works_there_is_named_in_full_without_dates(name: str, text: str) -> None:
    assert staff_alias(name, REFERENCE) == text


def test_a_spare_code_says_that_it_is_one() -> None:
    assert spare_alias(REFERENCE) == "Spare code #7F3K2Q"
    assert spare_alias(REFERENCE, AliasForm(16, reference_first=True)) == "#7F3K2Q Spare co"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (alias("Ann"), "#AAAAAA ann 03-08 mar", True),
        (alias("Ann"), alias("Bob"), False),
        (alias("Ann"), alias("Ann", ends=date(2027, 3, 9)), False),
        ("#7F3K2Q", "#AAAAAA", False),  # nothing is said by either
    ],
)
def test_aliases_are_compared_without_their_references(one: str, other: str, same: bool) -> None:
    assert same_but_reference(one, other) is same
