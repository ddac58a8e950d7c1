"""One guest's name in the spellings of channels and hosts, and two guests' names that look alike."""

from __future__ import annotations

import pytest

from rentals.calendars.decide.names import names_differ, same_name

ONE_PERSON = [
    ("O. Brink", "Odalys Brink"),
    ("Brink, O.", "Odalys Brink"),
    ("Odalys B.", "Odalys Brink"),
    ("Brink, Odalys", "Odalys Brink"),
    ("BRINK Odalys", "Odalys Brink"),
    ("Ms Odalys Brink", "Odalys Brink"),
    ("Frau Dr. Odalys Brink", "O. Brink"),
    ("Sra. Odalys Brínk", "Odalys Brink"),
    ("Fam. Brink", "Odalys Brink"),
    ("Brink", "Odalys Brink"),
    ("Wu", "Wu Lan"),
    ("Odalys M. Brink", "Odalys Brink"),
    ("O. M. Brink", "Odalys Maria Brink"),
    ("Jan Müller", "Jan Mueller"),
    ("Ina Göbel", "Ina Goebel"),
    ("Ina Jäger", "Ina Jaeger"),
    ("Đorđe Babić", "Dorde Babic"),
    ("Þór Einarsson", "Thor Einarsson"),
    ("Æsa Cœur", "Aesa Coeur"),
    ("Y\u0131ld\u0131z Ada", "Yildiz Ada"),
    ("Søren Ågård", "Soren Agard"),
    ("Łukasz Żółw", "Lukasz Zolw"),
    ("Anne-Marie Roe", "Annemarie Roe"),
    ("Anne-Marie Roe", "Anne Marie Roe"),
    ("Pat O'Neil", "Pat O\u2019Neil"),
    ("Pat O'Neil", "Pat ONeil"),
    ("Mei-Ling Testowy", "Meiling Testowy"),
    ("Jan van der Berg", "Vanderberg, Jan"),
    ("Mary O Neil", "ONeil, Mary"),
    ("Åse Ågård", "Aase Aagaard"),
    ("\u5c71\u7530 \u592a\u90ce", "\u5c71\u7530\u592a\u90ce"),
    ("\u592a\u90ce \u5c71\u7530", "\u5c71\u7530\u592a\u90ce"),
    ("\uae40 \ubbfc\uc218", "\uae40\ubbfc\uc218"),
    ("Stra\u00dfe Weiss", "Strasse Wei\u00df"),
    ("M & Mme Testowy", "Testowy"),
    ("Anna Maria Luisa Roe-Fox", "Roefox, Anna Maria Luisa"),  # long, and all but one word in common
]
TWO_PEOPLE = [
    ("O. Brink", "Tam Vries"),
    ("O. Brink", "Anna Brink"),
    ("E. Brink", "Anna Brink"),
    ("Odalys Brink", "Odalys Vries"),
    ("O. B.", "Odalys Brink"),
    ("J", "Jan Kowalski"),
    ("Jan Kowalski", "Jan Nowak"),
    ("Mr Jan", "Mr Piotr"),
    ("Anna Maria", "Anna Brink"),
    ("Ann Lee", "Bob Lee"),
    ("A. Anna", "Anna Brink"),  # one word stands for one word
    ("Ann Lee", "Anneel"),  # the same letters are not the same name
    ("\u5c71\u7530 \u592a\u90ce", "\u5c71\u672c \u592a\u90ce"),
]


@pytest.mark.parametrize(("one", "other"), ONE_PERSON)
def test_spellings_of_one_name(one: str, other: str) -> None:
    assert not names_differ(one, other)
    assert not names_differ(other, one)


@pytest.mark.parametrize(("one", "other"), TWO_PEOPLE)
def test_names_of_two_people(one: str, other: str) -> None:
    assert names_differ(one, other)
    assert names_differ(other, one)


def test_a_name_that_is_missing_says_nothing() -> None:
    assert not names_differ("", "Odalys Brink")
    assert not names_differ("...", "Odalys Brink")


def test_the_same_name_is_more_than_one_that_may_be() -> None:
    assert same_name("Ms Brink, Odalys", "Odalys Brínk")
    assert not same_name("O. Brink", "Odalys Brink")
    assert not same_name("Brink", "Odalys Brink")
    assert same_name("", "")
