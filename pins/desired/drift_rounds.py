"""The slow part of the drift check: all codes that are not over, and all stays to come without one, slice by slice.

Each minute takes one slice of each. A round takes half an hour, because a row may move behind the slice of this minute:
at the latest the next round meets it, so within an hour of its change. Minutes in which no worker runs come on top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, QuerySet

from pins.desired import differences
from pins.models import AccessGrant, ScanPosition
from rentals.models import Booking

#: A slice is at least so large: up to so many codes are compared each minute as a whole.
LEAST: Final = 1_000
#: So many slices are a round: one a minute.
SLICES: Final = 30

_Key = tuple[datetime, int]


@dataclass(frozen=True)
class Round:
    """A walk through a table in the order of `end`, an indexed column, and the key."""

    name: str
    end: str
    rows: Callable[[datetime], QuerySet[Any]]  # what is to be seen at a moment
    differing: Callable[[Sequence[int], datetime], Iterable[int]]  # bookings to be put right, from keys of rows


def _codes(now: datetime) -> QuerySet[AccessGrant]:
    return AccessGrant.objects.filter(kind=AccessGrant.Kind.GUEST, booking__isnull=False, ends_at__gt=now)


def _stays(now: datetime) -> QuerySet[Booking]:
    return Booking.objects.filter(status=Booking.Status.CONFIRMED, check_out__gt=now - differences.LONGEST_BUFFER)


def _stays_without_code(keys: Sequence[int], now: datetime) -> Iterator[int]:
    """Without a grant, or with one that ended although the stay goes on."""
    stays = Booking.objects.filter(pk__in=keys)
    yield from differences.without_grant(stays, now)
    ended = AccessGrant.objects.filter(booking__in=keys, kind=AccessGrant.Kind.GUEST, ends_at__lte=now).order_by()
    yield from differences.of_grants(list(ended.values_list("pk", flat=True)), now)


CODES: Final = Round("codes", "ends_at", _codes, differences.of_grants)
ROUNDS: Final = (
    CODES,
    Round("stays", "check_out", _stays, _stays_without_code),
)


@contextmanager
def next_slice(one: Round, now: datetime) -> Iterator[list[int]]:
    """The keys of the next slice. The position moves when it has been worked on, so that a crash repeats it."""
    position, _ = ScanPosition.objects.get_or_create(name=one.name)
    after = (position.at, position.row) if position.at is not None else None
    size = position.size if after is not None else max(LEAST, -(-one.rows(now).count() // SLICES))
    keys = _page(one, after, size, now)
    yield [key for _, key in keys]
    at, row = keys[-1] if len(keys) == size else (None, 0)
    # Two looks at once have worked on the same slice: the first one moves on.
    same = ScanPosition.objects.filter(name=one.name, at=position.at, row=position.row)
    same.update(at=at, row=row, size=size)


def slices(one: Round, now: datetime) -> Iterator[list[int]]:
    """The keys of a whole round."""
    after: _Key | None = None
    while keys := _page(one, after, LEAST, now):
        yield [key for _, key in keys]
        after = keys[-1]


def _page(one: Round, after: _Key | None, size: int, now: datetime) -> list[_Key]:
    rows = one.rows(now)
    if after is not None:
        at, row = after
        later = Q(**{f"{one.end}__gt": at}) | Q(**{one.end: at, "pk__gt": row})
        rows = rows.filter(later, **{f"{one.end}__gte": at})
    return list(rows.order_by(one.end, "pk").values_list(one.end, "pk")[:size])
