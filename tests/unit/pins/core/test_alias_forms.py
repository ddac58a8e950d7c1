"""Aliases as a cloud keeps them: cut, in capitals, without signs; and what one that was read back teaches."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core.alias import (
    LENGTH,
    SHORT_LENGTH,
    USUAL_FORM,
    AliasForm,
    alias_text,
    form_learned,
    full_length,
    may_be,
    reference_in,
)

REFERENCE = "7F3K2Q"
STARTS, ENDS = date(2027, 3, 3), date(2027, 3, 8)
ALIAS = alias_text("Anna", STARTS, ENDS, REFERENCE)
FULL = full_length(ALIAS)

forms = st.builds(AliasForm, length=st.integers(LENGTH + 1, 30), reference_first=st.just(True))


def test_the_first_alias_of_an_account_is_as_long_as_any_can_be() -> None:
    assert FULL == "Anna........ 03-08 Mar #7F3K2Q"
    assert len(FULL) == 30
    assert full_length(FULL) == FULL


@given(st.text(max_size=40))
def test_the_full_length_holds_in_both_ways_of_counting_and_keeps_the_reference(name: str) -> None:
    full = full_length(alias_text(name, STARTS, ENDS, REFERENCE))
    assert len(full) <= 30
    assert len(full.encode("utf-16-le")) == 60
    assert reference_in(full) == REFERENCE


@pytest.mark.parametrize("form", [USUAL_FORM, AliasForm(20, reference_first=True), AliasForm(16)])
def test_a_form_is_stored_as_text(form: AliasForm) -> None:
    assert AliasForm.parse(str(form)) == form


@pytest.mark.parametrize("text", ["", "first", "x,first", "-1", "\u0663\u0660", "3.5"])
def test_another_text_means_the_usual_form(text: str) -> None:
    assert AliasForm.parse(text) == USUAL_FORM


def test_a_form_always_has_room_for_the_reference() -> None:
    assert AliasForm.parse("3,first") == AliasForm(LENGTH + 1, reference_first=True)


def test_a_refused_name_is_shortened_once_for_all() -> None:
    short = USUAL_FORM.shorter()
    assert short == AliasForm(SHORT_LENGTH, reference_first=True)
    assert short.shorter() == short
    assert AliasForm(10, reference_first=True).shorter() == AliasForm(10, reference_first=True)
    assert alias_text("Anna", STARTS, ENDS, REFERENCE, short) == "#7F3K2Q Anna 03-"


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=40), forms)
def test_every_form_keeps_the_reference_and_its_length(name: str, form: AliasForm) -> None:
    text = alias_text(name, STARTS, ENDS, REFERENCE, form)
    assert len(text.encode("utf-16-le")) <= 2 * form.length
    assert reference_in(text) == REFERENCE
    assert text == text.strip()


@pytest.mark.parametrize(
    ("shown", "learned"),
    [
        (FULL, None),
        (FULL[:20], AliasForm(20, reference_first=True)),
        (FULL[:4], AliasForm(LENGTH + 1, reference_first=True)),
        (FULL.upper(), AliasForm(30, reference_first=True)),
        (FULL.replace("#", ""), AliasForm(30, reference_first=True)),
        ("", AliasForm(30, reference_first=True)),
    ],
)
def test_an_alias_that_was_read_back_teaches_the_form(shown: str, learned: AliasForm | None) -> None:
    assert form_learned(FULL, shown) == learned


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 30), st.sampled_from([str, str.upper, str.lower]), st.sampled_from(["", "#", " ", "."]))
def test_whatever_a_cloud_does_to_a_name_it_may_be_ours_while_eight_signs_are_left(
    length: int, case: object, dropped: str
) -> None:
    assert callable(case)
    shown = str(case(FULL[:length]))
    shown = shown.replace(dropped, "") if dropped else shown
    left = sum(mark.isalnum() for mark in shown)
    assert may_be(shown, FULL, REFERENCE) is (left >= 8)


@pytest.mark.parametrize("name", ["", "Anna", "Anna 03-09 Mar #7F3K2X", "Bob 03-08 Mar", "#7F3K2"])
def test_another_name_is_not_taken_for_ours(name: str) -> None:
    assert not may_be(name, FULL, REFERENCE)


def test_a_reference_alone_is_likeness_enough_and_no_reference_is_none() -> None:
    assert may_be("x7f3k2qx", FULL, REFERENCE)
    assert not may_be("Cleaner", FULL, "")
    assert not may_be("", "", "")
