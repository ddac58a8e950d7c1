"""Judges a run under fire from its history alone, as Jepsen does. Pure: the same history always has the same verdict.

twice     one guest has two codes on one lock for longer than a look takes
conflict  two requests of ours were under way on one lock, or the cloud said that they met
foreign   a code of somebody else was changed or removed by us
budget    more requests than the account may send
end       at rest a lock holds something else than the stays ask for, and nobody is told
lost      what was entered is not in the database, or not as it was entered
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pins.core.alias import reference_in
from pins.simulator.journal import PinChange, RequestRecord
from pins.simulator.lives import living
from tests.chaos.fire.history import Blow, Code, Ending, History, Wish, in_order

#: The fault after which half of the requests count as spent, whatever was sent before.
RESTORED: Final = "backup_restored"
#: So many lines of the journal are shown before a break, and so much time around it.
LINES_BEFORE: Final = 12
AROUND: Final = timedelta(seconds=5)
#: How long after a change the host is told of it, at most, and how long work goes on by what it read before.
HEARD_AFTER: Final = timedelta(seconds=40)


@dataclass(frozen=True)
class Break:
    """One invariant that did not hold, where and when."""

    invariant: str
    what: str
    lock: int | None = None
    reference: str | None = None
    begins: datetime | None = None
    ends: datetime | None = None

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


def judge(history: History) -> list[Break]:
    """Every break, in the order of the list above; none is what a run must show."""
    return [
        *_twice(history),
        *_taken(history),
        *_conflicts(history),
        *_foreign(history),
        *_budget(history),
        *at_rest(history.ending),
        *(Break("lost", what) for what in history.ending.lost),
    ]


def reference_of(change: PinChange) -> str | None:
    """Whose code it is, by the alias that we sent; None for codes of other people."""
    return None if change.foreign else reference_in(change.alias_sent) or f"without a reference: {change.uid}"


# -- twice --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Doubled:
    """A guest had more than one code on a lock; `seconds` of it while nothing was being done to us."""

    lock: int
    reference: str
    begins: datetime
    ends: datetime
    seconds: float


def doubled(history: History) -> list[Doubled]:
    """Every time that a guest had more than one code on one lock."""
    changes = sorted(history.changes, key=lambda change: change.seq)
    end = max((entry.at for entry in in_order(history)), default=None)
    found = []
    for (lock, reference), line in living(changes, reference_of).items():
        begins: datetime | None = None
        for at, count in [*line, *([(end, 0)] if end is not None else [])]:
            if count > 1 and begins is None:
                begins = at
            elif count <= 1 and begins is not None:
                found.append(Doubled(lock, reference, begins, at, _calm(history.blows, begins, at)))
                begins = None
    return found


def _twice(history: History) -> Iterator[Break]:
    for one in doubled(history):
        if one.seconds > history.rules.look:
            whole = (one.ends - one.begins).total_seconds()
            what = f"#{one.reference} was twice on lock {one.lock} for {whole:.1f} s, {one.seconds:.1f} s of them calm"
            yield Break("twice", what, one.lock, one.reference, one.begins, one.ends)


def _calm(blows: Iterable[Blow], begins: datetime, ends: datetime) -> float:
    """Seconds of a span in which no fault was under way."""
    calm, reached = 0.0, begins
    for blow in sorted(blows, key=lambda blow: blow.began):
        if blow.began > reached:
            calm += max(0.0, (min(blow.began, ends) - reached).total_seconds())
        reached = max(reached, min(blow.ended, ends))
    return calm + max(0.0, (ends - reached).total_seconds())


# -- taken --------------------------------------------------------------------------------------------------------


def _taken(history: History) -> Iterator[Break]:
    held: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
    for change in sorted(history.changes, key=lambda change: change.seq):
        reference = reference_of(change)
        if reference is None:
            continue
        codes = held[change.lock_id, reference]
        if change.action == "created":
            codes.add(change.uid)
        elif change.action in ("deleted", "expired"):
            codes.discard(change.uid)
        if change.action != "deleted" or change.request_seq is None or change.late or codes:
            continue
        if _is_there(history.wishes, reference, change.at) and not _clock_is_wrong(history.blows, change.at):
            what = f"#{reference} was removed by us from lock {change.lock_id} while the guest was there"
            yield Break("taken", what, change.lock_id, reference, change.at, change.at)


def _is_there(wishes: Iterable[Wish], reference: str, moment: datetime) -> bool:
    """Was the guest there by every wish that may have held then? The host hears of a change a little after it holds."""
    known = [wish for wish in wishes if wish.reference == reference and wish.at <= moment + HEARD_AFTER]
    before = [wish for wish in known if wish.at <= moment]
    held = [*before[-1:], *(wish for wish in known if wish.at > moment)]
    return bool(before) and all(wish.is_on(moment) for wish in held)


def _clock_is_wrong(blows: Iterable[Blow], moment: datetime) -> bool:
    """By a clock that stands ahead the stay is over; work that had begun goes on by it for a while."""
    return any(blow.kind.startswith("clock_") and blow.began <= moment <= blow.ended + HEARD_AFTER for blow in blows)


# -- conflicts, foreign codes, the budget ---------------------------------------------------------------------------


def _conflicts(history: History) -> Iterator[Break]:
    last: dict[int, RequestRecord] = {}
    for request in sorted(history.requests, key=lambda request: (request.at, request.seq)):
        if request.lock_id is None:
            continue
        before = last.get(request.lock_id)
        if request.collision or (before is not None and request.at < before.answered_at):
            what = f"{request.method} number {request.seq} met another request of ours on lock {request.lock_id}"
            yield Break("conflict", what, request.lock_id, None, request.at, request.answered_at)
        elif request.status == 409 and request.fault is None:
            what = f"lock {request.lock_id} was busy, and nobody but us was there"
            yield Break("conflict", what, request.lock_id, None, request.at, request.answered_at)
        if before is None or request.answered_at > before.answered_at:
            last[request.lock_id] = request


def _foreign(history: History) -> Iterator[Break]:
    for change in history.changes:
        if change.foreign and change.request_seq is not None:
            what = f"pin {change.pin_id} of somebody else on lock {change.lock_id} was {change.action} by us"
            yield Break("foreign", what, change.lock_id, None, change.at, change.at)
    before, after = set(history.ending.foreign_before), set(history.ending.foreign_after)
    for text in sorted(before - after):
        yield Break("foreign", f"a code of somebody else is gone or changed: {text}")


def _budget(history: History) -> Iterator[Break]:
    rules, span = history.rules, timedelta(seconds=history.rules.window)
    restored = [blow.ended for blow in history.blows if blow.kind == RESTORED]
    window: deque[datetime] = deque()
    for request in sorted(history.requests, key=lambda request: (request.at, request.seq)):
        if request.status == 401:
            continue  # refused before it counts
        window.append(request.at)
        while window[0] <= request.at - span:
            window.popleft()
        # Nobody knows what was sent between the backup and its restore: half of the limit is counted for that.
        since = any(request.at - span <= moment <= request.at for moment in restored)
        limit = rules.limit + (math.ceil(rules.limit / 2) if since else 0)
        # A request is counted before it is sent: those that are under way may arrive within a later window.
        if len(window) > limit + rules.under_way:
            what = f"{len(window)} requests within {rules.window:.0f} s, {limit} are allowed"
            yield Break("budget", what, None, None, window[0], request.at)
            return
        if request.status == 429 and request.fault is None and not since and len(window) <= limit:
            yield Break("budget", "the cloud refused a request as one too many", None, None, request.at, request.at)
            return


# -- at rest ------------------------------------------------------------------------------------------------------


def at_rest(ending: Ending) -> Iterator[Break]:
    """What is not right yet, or for ever."""
    wished, found = set(ending.wished), set(ending.found)
    for code in sorted(wished - found, key=_by_place):
        if code.reference not in ending.told:
            yield _at_end("should be on", code)
    for code in sorted(found - wished, key=_by_place):
        # A code that a restored database does not know may be somebody's only one: it is shown, and stays. One that a
        # person has given another name is nobody's whom the database knows: it is listed with the codes of others.
        unknown = code.reference not in ending.known
        shown = unknown and (code.lock in ending.strays or code.reference in ending.renamed)
        if code.reference not in ending.told and not shown:
            yield _at_end("should not be on", code)
    if len(ending.found) != len(found):
        yield Break("end", f"{len(ending.found) - len(found)} codes are on their locks twice")
    yield from (Break("end", f"not settled: {what}") for what in ending.unsettled)
    if ending.open_attempts:
        yield Break("end", f"{ending.open_attempts} requests have no outcome")


def _at_end(words: str, code: Code) -> Break:
    period = f"{code.starts or 'always'} to {code.ends or 'for ever'}"
    return Break("end", f"#{code.reference}, {period}, {words} lock {code.lock}", code.lock, code.reference)


def _by_place(code: Code) -> tuple[int, str, str]:
    return code.lock, code.reference, str(code.ends)


# -- the minimal history --------------------------------------------------------------------------------------------


def around(history: History, broken: Break) -> list[str]:
    """The lines of the history that concern a break: of that lock, of that guest if it is about one, and the faults."""
    begins, ends = broken.begins, broken.ends
    entries = [entry for entry in in_order(history) if broken.lock is not None and _concerns(entry, broken, history)]
    before = [entry for entry in entries if begins is not None and entry.at < begins - AROUND]
    inside = [entry for entry in entries if begins is None or entry.at >= begins - AROUND]
    inside = [entry for entry in inside if ends is None or entry.at <= ends + AROUND]
    shown = [*before[-LINES_BEFORE:], *(inside if begins is not None else inside[-4 * LINES_BEFORE :])]
    lines = [(entry.at, _line(entry)) for entry in shown]
    first = min((at for at, _ in lines), default=begins)
    last = ends or max((at for at, _ in lines), default=None)
    lines += [
        (blow.began, f"== {blow.kind} until {_time(blow.ended)}. {blow.detail}")
        for blow in history.blows
        if first is not None and last is not None and blow.began <= last and blow.ended >= first
    ]
    return [f"{_time(at)} {text}" for at, text in sorted(lines)]


def _concerns(entry: RequestRecord | PinChange, broken: Break, history: History) -> bool:
    if entry.lock_id != broken.lock:
        return False
    if broken.reference is None:
        return True
    if isinstance(entry, PinChange):
        return reference_of(entry) == broken.reference
    if entry.alias is not None:
        return reference_in(entry.alias) == broken.reference
    ids = {
        change.pin_id
        for change in history.changes
        if change.lock_id == broken.lock and reference_of(change) == broken.reference
    }
    return entry.pin_id is None or entry.pin_id in ids


def _line(entry: RequestRecord | PinChange) -> str:
    if isinstance(entry, PinChange):
        cause = f"by request {entry.request_seq}" if entry.request_seq is not None else "by itself or a hand"
        late = ", late" if entry.late else ""
        period = f"{_time(entry.start)} to {_time(entry.end)}"
        return f"   [{entry.seq}] pin {entry.pin_id} (#{reference_of(entry)}) {entry.action} {cause}{late}; {period}"
    fault = f" ({entry.fault})" if entry.fault else ""
    return f"[{entry.seq}] {entry.method} {entry.path} -> {entry.status}{fault}, until {_time(entry.answered_at)}"


def _time(moment: datetime | None) -> str:
    return moment.strftime("%d %H:%M:%S.%f")[:-3] if moment is not None else "-"


def told(history: History, breaks: Sequence[Break], *, most: int = 5) -> str:
    """The breaks as text, the first ones with their minimal history."""
    parts = []
    for number, broken in enumerate(breaks):
        parts.append(str(broken))
        if number < most:
            parts += [f"    {line}" for line in around(history, broken)]
    return "\n".join(parts)
