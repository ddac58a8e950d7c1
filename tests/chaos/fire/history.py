"""What a run under fire leaves behind: the journal of the cloud, what was done to the machines and when, and what the
bookings asked for at the end. One JSON record a line, without a code or a key. All times are UTC.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pins.simulator.journal import PinChange, RequestRecord

#: What the last line of the file says about the run as a whole.
_END: Final = "end"


@dataclass(frozen=True)
class Rules:
    """`limit` requests in `window` seconds, `under_way` of them at one moment; a second code of a guest may last `look`
    seconds."""

    limit: int
    window: float
    look: float
    under_way: int = 0


@dataclass(frozen=True)
class Blow:
    """One fault, from the moment it began until it was over; `healed` when all that was wrong then was right again."""

    kind: str
    began: datetime
    ended: datetime
    detail: str = ""
    healed: datetime | None = None

    @property
    def recovery(self) -> float | None:
        """Seconds from the end of the fault until all was right; None if that never came."""
        return (self.healed - self.ended).total_seconds() if self.healed is not None else None


@dataclass(frozen=True, order=True)
class Code:
    """A code that a lock should hold or does hold. `mark` is the same for the same digits within one run."""

    lock: int
    reference: str
    mark: str
    starts: datetime | None
    ends: datetime | None


@dataclass(frozen=True)
class Wish:
    """From `at` on, as the host was told, the stay of this code is so; None where nobody knows how."""

    at: datetime
    reference: str
    check_in: datetime | None
    check_out: datetime | None  # None also for a stay that is cancelled

    def is_on(self, moment: datetime) -> bool:
        """Is the guest there?"""
        return self.check_in is not None and self.check_out is not None and self.check_in <= moment < self.check_out


@dataclass(frozen=True)
class Ending:
    """How it was when all had come to rest."""

    wished: tuple[Code, ...] = ()
    found: tuple[Code, ...] = ()  # of ours
    known: frozenset[str] = frozenset()  # references that the database knows
    told: frozenset[str] = frozenset()  # references of which an open incident tells a person
    strays: frozenset[int] = frozenset()  # locks of which a person is told that they hold an unknown code of ours
    renamed: frozenset[str] = frozenset()  # references of codes of ours that lie there under a name without a mark
    foreign_before: tuple[str, ...] = ()  # as people put them there
    foreign_after: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()  # what the database itself says is not done
    lost: tuple[str, ...] = ()  # what was entered and is not there, or not as it was entered
    open_attempts: int = 0


@dataclass(frozen=True)
class History:
    """All of it."""

    rules: Rules
    requests: tuple[RequestRecord, ...] = ()
    changes: tuple[PinChange, ...] = ()
    blows: tuple[Blow, ...] = ()
    wishes: tuple[Wish, ...] = ()
    ending: Ending = field(default_factory=Ending)


def request_of(record: dict[str, Any]) -> RequestRecord:
    """A request as the control side's journal tells it."""
    known = {item.name for item in fields(RequestRecord)}
    moments = {name: datetime.fromisoformat(record[name]) for name in ("at", "answered_at")}
    return RequestRecord(**{name: value for name, value in {**record, **moments}.items() if name in known})


def write(path: Path, history: History) -> None:
    """Keep a history in a file; the folder is made."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w") as file:
        for line in _lines(history):
            file.write(json.dumps(line, default=_plain, sort_keys=True) + "\n")


def read(path: Path) -> History:
    """A history as `write` kept it."""
    kept: dict[str, list[Any]] = {"request": [], "change": [], "blow": [], "wish": []}
    rules, ending = Rules(0, 0, 0), Ending()
    with path.open() as file:
        for text in file:
            ((kind, record),) = json.loads(text).items()
            if kind == "rules":
                rules = Rules(**record)
            elif kind == _END:
                ending = _ending_of(record)
            else:
                kept[kind].append(record)
    return History(
        rules,
        tuple(map(request_of, kept["request"])),
        tuple(map(PinChange.from_json, kept["change"])),
        tuple(map(_blow_of, kept["blow"])),
        tuple(map(_wish_of, kept["wish"])),
        ending,
    )


def _lines(history: History) -> Iterator[Mapping[str, object]]:
    yield {"rules": asdict(history.rules)}
    kinds: dict[str, tuple[Any, ...]] = {
        "blow": history.blows,
        "wish": history.wishes,
        "request": history.requests,
        "change": history.changes,
    }
    for kind, records in kinds.items():
        yield from ({kind: asdict(record)} for record in records)
    yield {_END: asdict(history.ending)}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def _blow_of(record: dict[str, Any]) -> Blow:
    names = ("began", "ended", "healed")
    return Blow(**record | {name: _moment(record[name]) for name in names})


def _wish_of(record: dict[str, Any]) -> Wish:
    return Wish(**record | {name: _moment(record[name]) for name in ("at", "check_in", "check_out")})


def _ending_of(record: dict[str, Any]) -> Ending:
    codes: dict[str, Any] = {name: tuple(_code_of(code) for code in record[name]) for name in ("wished", "found")}
    sets: dict[str, Any] = {name: frozenset(record[name]) for name in ("known", "told", "strays", "renamed")}
    texts: dict[str, Any] = {
        name: tuple(record[name]) for name in ("foreign_before", "foreign_after", "unsettled", "lost")
    }
    return Ending(**codes, **sets, **texts, open_attempts=record["open_attempts"])


def _code_of(record: dict[str, Any]) -> Code:
    return Code(**record | {name: _moment(record[name]) for name in ("starts", "ends")})


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None


def in_order(history: History) -> Iterable[RequestRecord | PinChange]:
    """Requests and changes as they happened, by the number that the journal gave them."""
    return sorted([*history.requests, *history.changes], key=lambda entry: entry.seq)
