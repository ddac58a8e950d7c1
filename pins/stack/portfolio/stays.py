"""The dates of one property's stays. Pure: the same random numbers give the same stays."""

from __future__ import annotations

import random
from dataclasses import dataclass

#: Lengths of stays in nights, and their weights.
_NIGHTS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 14, 21, 28)
_COMMON = (8, 22, 24, 14, 9, 5, 10, 2, 2, 2, 1, 1)
#: The chance that the next guest arrives on the day when the last one leaves.
_SAME_DAY = 0.35
#: The chance that two channels sold the same night.
_OVERLAP = 0.012


class TooManyStaysError(Exception):
    """More stays than a property has nights."""


@dataclass(frozen=True, slots=True)
class Nights:
    """A stay in days of the span."""

    arrives: int
    leaves: int


def stays(rng: random.Random, count: int, days: int) -> list[Nights]:
    """`count` stays within a span of `days`, in the order of arrival. Raises TooManyStaysError when count > days.

    1. Draw their lengths, and cut the longest ones until all fit. 2. Share the free nights among the gaps; many gaps
    get none. 3. Let a few stays begin a day before the previous one ends.
    """
    if count > days:
        raise TooManyStaysError
    lengths = _lengths(rng, count, days)
    gaps = _gaps(rng, count, days - sum(lengths))
    found = []
    day = 0
    for length, gap in zip(lengths, gaps, strict=True):
        overlaps = gap == 0 and day > 0 and rng.random() < _OVERLAP
        day += gap
        found.append(Nights(day - 1 if overlaps else day, day + length))
        day += length
    return found


def _lengths(rng: random.Random, count: int, days: int) -> list[int]:
    lengths = rng.choices(_NIGHTS, _COMMON, k=count)
    surplus = sum(lengths) - days
    while surplus > 0:
        longest = max(range(count), key=lengths.__getitem__)
        cut = min(surplus, max(1, lengths[longest] // 2))
        lengths[longest] -= cut
        surplus -= cut
    return lengths


def _gaps(rng: random.Random, count: int, free: int) -> list[int]:
    """The free nights before each stay. The rest comes after the last one."""
    shares = [0.0 if rng.random() < _SAME_DAY else rng.expovariate(1) for _ in range(count)]
    whole = sum(shares) + rng.expovariate(1)
    reached, gaps = 0.0, []
    for share in shares:
        # Fractions of a night are carried over: otherwise every gap of a busy property would be rounded to nothing.
        before, reached = reached, reached + free * share / whole
        gaps.append(int(reached) - int(before))
    return gaps
