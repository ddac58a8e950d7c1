"""Which values may be a PIN, and how a good one is made.

Two questions are kept apart. A value is *valid* when the lock takes it (Tedee API, PIN value requirements); a person
may insist on any valid value. It is *guessable* when a stranger would try it early; the generator never makes
one of these.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from collections.abc import Set as AbstractSet
from itertools import pairwise

from rentals.phrases import phrase

MINIMUM_LENGTH = 5
MAXIMUM_LENGTH = 8
MINIMUM_DIFFERENT = 3
DIGITS = frozenset("0123456789")  # `str.isdigit` would let Arabic and superscript digits through

_DRAWS = 1000
# Straight lines of three on the keypad 1-2-3 / 4-5-6 / 7-8-9, in both directions.
_ROWS = ("123", "456", "789")
_COLUMNS_AND_DIAGONALS = ("147", "258", "369", "159", "357")
_LINES = frozenset(line[::step] for line in _ROWS + _COLUMNS_AND_DIAGONALS for step in (1, -1))
_MIDDLE_COLUMN = ("2580", "0852")


class NoValueLeft(Exception):
    """Every good value of this length is taken. Choose a longer code."""


def problems(value: object, *, minimum: int = MINIMUM_LENGTH, maximum: int = MAXIMUM_LENGTH) -> tuple[str, ...]:
    """Every rule that a value breaks, as a sentence (a phrase) that says what to do; empty when it is valid.

    Only text is accepted: a number has lost its leading zeros. Messages never repeat the value.
    """
    if not isinstance(value, str):
        return (phrase("Enter the code as text made of digits."),)
    found: list[str] = []
    if not minimum <= len(value) <= maximum:
        found.append(phrase("Use {minimum} to {maximum} digits.", minimum=minimum, maximum=maximum))
    if not DIGITS.issuperset(value):
        found.append(phrase("Use only the digits 0 to 9, without spaces, signs or letters."))
        return tuple(found)
    if len(set(value)) < MINIMUM_DIFFERENT:
        found.append(phrase("Use at least {different} different digits.", different=MINIMUM_DIFFERENT))
    if len(value) > 1 and _is_monotonic(value):
        found.append(phrase("Mix the order: the digits must not only rise or only fall."))
    return tuple(found)


def is_valid(value: object) -> bool:
    """Whether the lock takes this value."""
    return not problems(value)


def is_guessable(value: str) -> bool:
    """Whether a string of digits has a shape that people choose and strangers try."""
    return _is_run(value) or _is_periodic(value) or value == value[::-1] or _has_year(value) or _follows_keypad(value)


def from_phone(phone: str, length: int) -> str:
    """The last digits of a telephone number, which its owner remembers. Empty: the number is too short, or these digits
    are no code that we would make ourselves."""
    value = "".join(sign for sign in phone if sign in DIGITS)[-length:]
    return value if len(value) == length and is_valid(value) and not is_guessable(value) else ""


def generate(length: int, taken: Collection[str], *, randbelow: Callable[[int], int] = secrets.randbelow) -> str:
    """A value that is valid, not guessable and not taken, every such value being equally likely.

    1. Draw and reject. As long as good values are not rare this ends after a draw or two.
    2. After many misses walk through all values once and keep a random good one, so that the last free
       value is found too. Raises `NoValueLeft` when there is none, `ValueError` for a length outside 5 to 8.
    """
    if not MINIMUM_LENGTH <= length <= MAXIMUM_LENGTH:
        raise ValueError(f"A code has {MINIMUM_LENGTH} to {MAXIMUM_LENGTH} digits.")
    claimed = taken if isinstance(taken, AbstractSet) else frozenset(taken)

    def is_good(value: str) -> bool:
        return value not in claimed and is_valid(value) and not is_guessable(value)

    for _ in range(_DRAWS):
        value = f"{randbelow(10**length):0{length}d}"
        if is_good(value):
            return value
    chosen = None
    count = 0
    for number in range(10**length):
        value = f"{number:0{length}d}"
        if is_good(value):
            count += 1
            if randbelow(count) == 0:
                chosen = value
    if chosen is None:
        raise NoValueLeft(phrase("Every good code of this length is in use on these locks. Choose longer codes."))
    return chosen


def _is_monotonic(value: str) -> bool:
    """Strictly rising or strictly falling, by any step: the safe reading of "ascending or descending sequence"."""
    return all(a < b for a, b in pairwise(value)) or all(a > b for a, b in pairwise(value))


def _steps(value: str) -> list[int]:
    return [(int(b) - int(a)) % 10 for a, b in pairwise(value)]


def _is_run(value: str) -> bool:
    """Even steps that may wrap (67890, 09876, 24680), a run with digits doubled (112233), or with one digit off it."""
    steps = _steps(value)
    moving = [step for step in steps if step]
    if len(set(steps)) == 1 or (moving and set(moving) in ({1}, {9})):
        return True
    return any(set(part) in ({1}, {9}) for part in (steps[1:], steps[:-1]))


def _is_periodic(value: str) -> bool:
    """A block that repeats, the last time perhaps cut short: 121212, 123123, 12121."""
    return any(
        all(value[i] == value[i - period] for i in range(period, len(value)))
        for period in range(1, len(value) // 2 + 1)
    )


def _has_year(value: str) -> bool:
    """A year from 1900 to 2099 at either end: birthdays and the year of the stay."""
    return value[:2] in ("19", "20") or value[-4:-2] in ("19", "20")


def _follows_keypad(value: str) -> bool:
    """Lines drawn on the keypad one after the other (147258, 159357), or its middle column (2580)."""
    if any(column in value for column in _MIDDLE_COLUMN):
        return True
    parts = [value[i : i + 3] for i in range(0, len(value), 3)]
    return all(any(line.startswith(part) for line in _LINES) for part in parts)
