"""Several events with one key: versions, twins, and pieces of one stay (RFC 5545, 3.8.7.4; RFC 5546, 2.1.5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rentals.calendars.ical.records import Record, key_of
from rentals.calendars.ical.times import stamp


@dataclass(frozen=True, slots=True)
class Settled:
    """The records that count, in the order of the file, and whether stamps decided anything. `doubtful`: older ones
    that may be no older version, but somebody else's stay."""

    records: list[Record]
    by_stamps: bool = False
    doubtful: Sequence[Record] = ()


def settle(records: Iterable[Record]) -> Settled:
    """The key is UID and RECURRENCE-ID, case kept. The order in which versions stand in the file never matters."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.uid, record.recurrence_id), []).append(record)
    done = [Settled(group) if len(group) == 1 else _settle_one(group) for group in groups.values()]
    return Settled(
        sorted((record for one in done for record in one.records), key=lambda record: record.order),
        any(one.by_stamps for one in done),
        sorted((record for one in done for record in one.doubtful), key=lambda record: record.order),
    )


def _settle_one(group: list[Record]) -> Settled:
    """1. exact twins are one, 2. the highest SEQUENCE, 3. pieces that touch are one stay, 4. the latest stamp."""
    without_twins = _without_twins(group)
    if group[0].unnamed:  # without a UID nothing says that one is a version of the other
        return Settled(_told_apart(without_twins))
    highest = max(record.sequence for record in without_twins)
    newest = [record for record in without_twins if record.sequence == highest]
    joined = _joined(newest)
    last = max(_stamps(record) for record in joined)
    kept = [record for record in joined if _stamps(record) == last]
    decided = len(newest) < len(without_twins) or len(kept) < len(joined)
    doubtful = [record for record in joined if record not in kept and _is_another(record, kept)]
    return Settled(_told_apart(kept), decided, doubtful)


def _is_another(record: Record, kept: Iterable[Record]) -> bool:
    """Whether an exporter may have given one UID to several stays: other words, and no day in common."""
    return all(
        record.summary.casefold() != one.summary.casefold()
        and (record.end.day <= one.start.day or one.end.day <= record.start.day)
        for one in kept
    )


def _stamps(record: Record) -> tuple[datetime, datetime]:
    made = stamp(record.dtstamp)
    return (stamp(record.last_modified) if record.last_modified else made, made)


def _rank(record: Record) -> tuple[int, tuple[datetime, datetime]]:
    return (record.sequence, _stamps(record))


def _without_twins(group: list[Record]) -> list[Record]:
    """One record for each content: its newest, so that nothing depends on the order."""
    by_content: dict[tuple[object, ...], Record] = {}
    for record in group:
        twin = by_content.get(record.content)
        if twin is None or _rank(record) > _rank(twin):
            by_content[record.content] = record
    return list(by_content.values())


def _joined(records: list[Record]) -> list[Record]:
    """Join pieces to one stay where one ends when the next begins, on that day or at that instant."""
    whole = [record for record in records if _is_piece(record)]
    if len(whole) < 2:
        return records
    others = [record for record in records if not _is_piece(record)]
    whole.sort(key=lambda record: (key_of(record.starts), key_of(record.ends), record.order))
    done: list[Record] = []
    at: dict[tuple[object, ...], list[int]] = {}  # which of them end there
    for record in whole:
        said = (record.summary.casefold(), record.status)
        fits = at.pop((record.starts, *said), [])
        if fits:
            number, rest = fits[0], fits[1:]
            if rest:
                at[(record.starts, *said)] = rest
            done[number] = _join(done[number], record)
        else:
            number = len(done)
            done.append(record)
        at.setdefault((record.ends, *said), []).append(number)
    return others + done


def _is_piece(record: Record) -> bool:
    return (record.start.wall is None) == (record.end.wall is None) and not record.recurs


def _join(one: Record, other: Record) -> Record:
    newer = max(one, other, key=_rank)
    return replace(
        newer, order=min(one.order, other.order), start=one.start, starts=one.starts, end=other.end, ends=other.ends
    )


def _told_apart(records: list[Record]) -> list[Record]:
    """Events that no stamp tells apart. A guest in front of a locked door is the worst outcome, so all are kept; where
    only the description differs, the longest counts. Each but the first gets a `part` made from its start."""
    fullest: dict[tuple[object, ...], Record] = {}
    for record in sorted(records, key=lambda one: (-len(one.description), one.description, one.order)):
        fullest.setdefault((record.starts, record.ends, record.summary, record.status, record.rules), record)
    ordered = sorted(
        fullest.values(), key=lambda one: (key_of(one.starts), key_of(one.ends), one.summary, one.status, one.rules)
    )
    parts: set[str] = {""}
    named = ordered[:1]
    for number, record in enumerate(ordered[1:], start=2):
        part = str(number) if record.unnamed else key_of(record.starts)
        if part in parts:
            part = f"{part}#{number}"
        parts.add(part)
        named.append(replace(record, part=part))
    return named
