"""Many changed rows in few statements.

`bulk_update` builds an expression for each row and column. Where thousands of rows change alike, as when a calendar
loses all its stays, that took minutes, with the database locked on SQLite.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Manager, Model

#: Rows per statement.
BATCH = 500
#: From so many rows on, a change that they share is worth a statement of its own.
_ALIKE = 20

_Row = TypeVar("_Row", bound=Model)


def write_changed(objects: Manager[_Row], rows: Iterable[_Row], columns: Mapping[int, Iterable[str]]) -> None:
    """Write those columns of each row that `columns` names by the row's key."""
    alike: defaultdict[tuple[tuple[str, Any], ...], list[_Row]] = defaultdict(list)
    for row in rows:
        alike[tuple((name, getattr(row, name)) for name in sorted(columns[row.pk]))].append(row)
    single = [row for group in alike.values() if len(group) < _ALIKE for row in group]
    for change, group in alike.items():
        if len(group) >= _ALIKE:
            for part in batches([row.pk for row in group]):
                objects.filter(pk__in=part).update(**dict(change))
    if single:
        names = sorted({name for row in single for name in columns[row.pk]})
        objects.bulk_update(single, names, batch_size=BATCH)


def batches(keys: Sequence[int]) -> Iterable[Sequence[int]]:
    return (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))
