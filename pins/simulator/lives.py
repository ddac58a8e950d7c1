"""How many pins of one name lived on a lock, and when: proofs about a run, from the journal of changes. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime

from pins.simulator.journal import PinChange

Name = Callable[[PinChange], str | None]  # under which name a pin counts; None: it does not count
Line = list[tuple[datetime, int]]  # from this moment (UTC) on, so many


def name_sent(change: PinChange) -> str | None:
    """The alias as requests gave it, whatever the cloud or a person made of it; pins set by hand do not count."""
    return None if change.foreign else change.alias_sent


def living(changes: Iterable[PinChange], name: Name = name_sent) -> dict[tuple[int, str], Line]:
    """For each lock and name: how many pins lived, from the moment of each change on."""
    present: dict[tuple[int, int], str] = {}
    counts: Counter[tuple[int, str]] = Counter()
    lines: dict[tuple[int, str], Line] = defaultdict(list)
    for change in changes:
        place = (change.lock_id, change.uid)
        before = present.pop(place, None)
        after = name(change) if change.action in ("created", "updated") else None
        if after is not None:
            present[place] = after
        if before == after:
            continue
        for called, step in ((before, -1), (after, 1)):
            if called is not None:
                counts[change.lock_id, called] += step
                lines[change.lock_id, called].append((change.at, counts[change.lock_id, called]))
    return dict(lines)


def most_living(changes: Iterable[PinChange], name: Name = name_sent) -> dict[tuple[int, str], int]:
    """For each lock and name: the most pins that lived at once."""
    return {key: max(count for _, count in line) for key, line in living(changes, name).items()}
