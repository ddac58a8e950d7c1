from __future__ import annotations

import math
import random
from functools import cache
from itertools import combinations, product

import pytest

from pins.core.code_rules import NoValueLeft, from_phone, generate, is_guessable, is_valid, problems

ACCEPTED = {5: 98_136, 6: 996_780, 7: 9_994_080, 8: 99_988_470}


@pytest.mark.parametrize("length", [5, 6])
def test_every_value_of_five_and_six_digits(length: int) -> None:
    accepted = sum(is_valid(f"{number:0{length}d}") for number in range(10**length))
    assert accepted == ACCEPTED[length]


def refused(length: int) -> set[str]:
    """Every value that the rules refuse, built from the rules and not by trying."""
    pairs = {"".join(digits) for two in combinations("0123456789", 2) for digits in product(two, repeat=length)}
    rising = {"".join(digits) for digits in combinations("0123456789", length)}
    return pairs | rising | {value[::-1] for value in rising}


@pytest.mark.parametrize("length", [5, 6, 7, 8])
def test_the_refused_values_are_exactly_those_of_the_rules(length: int) -> None:
    formula = 10**length - 10 - 45 * (2**length - 2) - 2 * math.comb(10, length)
    bad = refused(length)

    assert formula == 10**length - len(bad) == ACCEPTED[length]
    assert not any(is_valid(value) for value in bad)
    draw = random.Random(length)
    others = (f"{draw.randrange(10**length):0{length}d}" for _ in range(20_000))
    assert all(is_valid(value) for value in others if value not in bad)


@pytest.mark.parametrize(
    "value",
    [
        None,
        739105,
        True,
        7391.05,
        b"739105",
        ["7", "3", "9", "1", "0"],
        "",
        "     ",
        " 739105",
        "739105 ",
        "739105\n",
        "+73910",
        "-73910",
        "73,910",
        "7391a5",
        "7391\u0660\u0665",
        "\uff17\uff13\uff19\uff11\uff10",
        "7391\u00b25",
        "7391",
        "739105739",
        "12345",
        "54321",
        "13579",
        "97531",
        "02468",
        "11111",
        "12121",
    ],
)
def test_values_that_no_lock_takes(value: object) -> None:
    assert problems(value)
    assert not is_valid(value)


@pytest.mark.parametrize("value", ["67890", "09876", "121213", "20272", "00123", "123321"])
def test_a_person_may_insist_on_a_guessable_value(value: str) -> None:
    assert problems(value) == ()


def test_each_broken_rule_has_its_own_sentence() -> None:
    assert problems("11") == ("Use 5 to 8 digits.", "Use at least 3 different digits.")
    assert problems("12345") == ("Mix the order: the digits must not only rise or only fall.",)
    assert problems("12x") == ("Use 5 to 8 digits.", "Use only the digits 0 to 9, without spaces, signs or letters.")
    assert problems(12345) == ("Enter the code as text made of digits.",)
    assert problems("739105", minimum=4, maximum=4) == ("Use 4 to 4 digits.",)


def test_messages_never_repeat_the_value() -> None:
    for value in ("9999", "999999999", "98765", "9999a", "99999"):
        assert not any(value in message for message in problems(value))


@pytest.mark.parametrize(
    "value",
    [
        "67890",
        "09876",
        "890123",
        "210987",
        "24680",
        "135791",
        "112233",
        "332211",
        "111223",
        "123457",
        "912345",
        "121212",
        "123123",
        "12312",
        "12341234",
        "1231231",
        "123321",
        "12321",
        "739937",
        "1987345",
        "202745",
        "451999",
        "20272028",
        "147258",
        "159357",
        "14725",
        "36925814",
        "258071",
        "910852",
    ],
)
def test_shapes_that_people_choose_and_strangers_try(value: str) -> None:
    assert is_guessable(value)


@pytest.mark.parametrize("value", ["739105", "40862", "5830274", "61407382", "718293", "903617", "123470", "903456"])
def test_ordinary_values_are_not_guessable(value: str) -> None:
    assert not is_guessable(value)


@cache
def good_values(length: int) -> list[str]:
    every = (f"{number:0{length}d}" for number in range(10**length))
    return [value for value in every if is_valid(value) and not is_guessable(value)]


def test_most_values_stay_available() -> None:
    draw = random.Random(1)
    sample = [f"{draw.randrange(10**6):06d}" for _ in range(20_000)]
    assert sum(is_valid(value) and not is_guessable(value) for value in sample) > 0.93 * len(sample)
    assert len(good_values(5)) > 85_000


def test_generated_values_are_uniform_over_the_good_ones() -> None:
    rank = {value: number for number, value in enumerate(good_values(5))}
    draw = random.Random(20270303)
    cells = 100
    draws = 20_000
    counts = [0] * cells
    for _ in range(draws):
        counts[rank[generate(5, frozenset(), randbelow=draw.randrange)] * cells // len(rank)] += 1

    expected = draws / cells
    chi_square = sum((count - expected) ** 2 / expected for count in counts)
    freedom = cells - 1
    assert chi_square < freedom + 6 * math.sqrt(2 * freedom)


@pytest.mark.parametrize("length", [5, 6, 7, 8])
def test_generated_values_are_good_with_the_systems_randomness(length: int) -> None:
    for _ in range(200):
        value = generate(length, ())
        assert len(value) == length
        assert is_valid(value)
        assert not is_guessable(value)


def test_taken_values_are_avoided_whatever_collection_holds_them() -> None:
    script = iter([739105, 739105, 40862, 903617])
    assert generate(6, ["739105", "040862"], randbelow=lambda _: next(script)) == "903617"


def test_values_that_no_lock_takes_are_never_drawn() -> None:
    script = iter([12_479, 97_421, 22_722, 40_862])
    assert generate(5, (), randbelow=lambda _: next(script)) == "40862"


def test_the_last_free_values_are_found_and_chosen_evenly() -> None:
    good = good_values(5)
    free = {good[0], good[len(good) // 2], good[-1]}
    taken = frozenset(good) - free
    draw = random.Random(7)
    assert {generate(5, taken, randbelow=draw.randrange) for _ in range(10)} == free


def test_no_value_left_is_an_error() -> None:
    with pytest.raises(NoValueLeft, match="longer"):
        generate(5, frozenset(good_values(5)))


@pytest.mark.parametrize("length", [0, 4, 9])
def test_other_lengths_are_a_programming_error(length: int) -> None:
    with pytest.raises(ValueError, match="5 to 8"):
        generate(length, ())


@pytest.mark.parametrize(
    ("phone", "length", "code"),
    [
        ("+48 601 739 105", 6, "739105"),
        ("(0048) 601-739-105", 8, "01739105"),
        ("739105", 6, "739105"),
        ("39105", 6, ""),  # too short
        ("", 5, ""),
        ("+48 601 111 122", 6, ""),  # refused by locks
        ("+48 601 123 456", 6, ""),
        ("+48 601 147 258", 6, ""),  # a line on the keypad
        ("+48 601 731 984", 6, ""),  # ends in a year
        ("٧٣٩١٠٥", 6, ""),
    ],
)
def test_the_last_digits_of_a_phone_are_a_code_where_we_would_make_it_ourselves(
    phone: str, length: int, code: str
) -> None:
    assert from_phone(phone, length) == code
