"""One cause, one entry: which open problems have the same cause. Pure.

A lock that is offline makes every code late that is due there. A person fixes the lock, so the lock is the entry, and
the stays whose codes wait for it are listed below. A code with a trouble of its own, such as refused digits, stays an
entry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Final

#: The kind of a stay that waits for a person. The other kinds are those of incidents, and those below.
WAITING: Final = "waiting"
#: Of a stay whose code is ready, and that a person should look at: a calendar was not certain; a lock of the property
#: is switched off.
REVIEW: Final = "review"
LOCK_OFF: Final = "lock_off"
#: The incident about a stay that no lock lets in: it says what the stay says of itself, and is urgent with it.
NO_LOCK: Final = "no_lock"

_NOT_SET: Final = frozenset({"code_late", "outcome_unknown", WAITING})
#: Troubles of a code that something else causes. A trouble of the same code that is not among them outweighs them.
CONSEQUENCES: Final = _NOT_SET | {"code_stays"}
#: By trouble of a lock or an account: which troubles of a code it explains. Where two explain one, the first here
#: counts.
EXPLAINS: Final[dict[str, frozenset[str]]] = {
    "dead_key": CONSEQUENCES,
    "connection_ended": CONSEQUENCES,
    "connection_fails": CONSEQUENCES,
    "lock_unknown": CONSEQUENCES,
    "no_permission": CONSEQUENCES,
    "no_write_scope": CONSEQUENCES,
    "codes_pile_up": _NOT_SET,
    "lock_offline": CONSEQUENCES,
    "no_keypad": _NOT_SET,
    "no_room": _NOT_SET,
    "too_many_codes": _NOT_SET,
    "budget_spent": CONSEQUENCES,
}
_OF_ACCOUNTS: Final = frozenset({"dead_key", "connection_ended", "connection_fails"})
#: Troubles of a code that make it late whatever is wrong with its lock.
OWN_REASONS: Final = frozenset({"value_refused", "value_taken", "created_often", "changed_in_app"})


@dataclass(frozen=True, slots=True)
class Known:
    """One open incident, or a stay that waits for a person. Ids are of our rows; `None` where there is none."""

    key: int  # with `kind` it names the row that this was made of
    kind: str
    weight: int  # the rank of its severity: more is worse
    opened_at: datetime | None  # None for a stay that waits: it comes before incidents of the same severity
    pin: int | None = None
    lock: int | None = None  # the lock itself, or the lock of the code
    account: int | None = None  # the account itself, or the account of the lock
    budget: str = ""  # under which the requests of this account are counted
    whom: str = ""  # a key of the stay, or of the grant where there is none
    moment: datetime | None = None  # when that guest arrives
    admitted: bool = True  # the keypad has room for the code


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to fix. `concerns`: whose codes wait for it, each stay once, the most urgent first."""

    head: Known
    weight: int  # the greatest of all that it stands for
    concerns: tuple[Known, ...] = ()


def entries(known: Iterable[Known]) -> list[Entry]:
    """The things to fix, the most severe first, then the oldest first; equal ones keep the given order."""
    heads: dict[tuple[str, object], Known] = {}
    codes: defaultdict[int, list[Known]] = defaultdict(list)
    alone: defaultdict[tuple[str, object], list[Known]] = defaultdict(list)
    stays: list[Known] = []
    for one in known:
        if one.pin is not None:
            codes[one.pin].append(one)
        elif one.kind in (WAITING, NO_LOCK):
            stays.append(one)
        elif one.kind in EXPLAINS:
            heads[one.kind, _subject(one, one.kind)] = one
        else:
            alone[one.kind, one.key] = [one]
    below: defaultdict[tuple[str, object], list[Known]] = defaultdict(list)
    for pin, ones in codes.items():
        has_reason = any(one.kind in OWN_REASONS for one in ones)
        for one in ones:
            cause = None if has_reason else _cause(one, heads)
            if cause is not None:
                below[cause].append(one)
            elif [one.kind] == [other.kind for other in ones] == [WAITING]:
                stays.append(one)
            else:
                alone["pin", pin].append(one)
    named = {one.whom for ones in alone.values() for one in ones if one.whom}
    explained = {one.whom for ones in below.values() for one in ones}
    for one in stays:  # once a stay, and not where an entry about one of its codes says more
        if one.whom not in named and not (one.kind == NO_LOCK and one.whom in explained):
            alone[WAITING, one.whom].append(one)
    found = [_under(head, below[at]) for at, head in heads.items()] + [_by_itself(ones) for ones in alone.values()]
    return sorted(found, key=_severe_and_old_first)


def _subject(one: Known, cause: str) -> object:
    """The account, budget or lock that a cause of this kind would be about, if it explained `one`."""
    if cause in _OF_ACCOUNTS:
        return one.account
    return one.budget if cause == "budget_spent" else one.lock


def _cause(one: Known, heads: dict[tuple[str, object], Known]) -> tuple[str, object] | None:
    for cause, explained in EXPLAINS.items():
        at = (cause, _subject(one, cause))
        if at in heads and one.kind in explained and not (cause == "too_many_codes" and one.admitted):
            return at
    return None


def _under(head: Known, ones: Iterable[Known]) -> Entry:
    first: dict[str, Known] = {}
    for one in sorted(ones, key=_urgent_first):
        first.setdefault(one.whom, one)
    return Entry(head, max([head.weight, *(one.weight for one in first.values())]), tuple(first.values()))


def _by_itself(ones: list[Known]) -> Entry:
    """One entry for the troubles of one code. Its head is a cause before a consequence, then the most severe, then the
    most telling kind."""
    order = ("outcome_unknown", "code_late", "code_stays", WAITING)
    head = min(
        ones,
        key=lambda one: (
            one.kind in CONSEQUENCES,
            -one.weight,
            order.index(one.kind) if one.kind in order else -1,
        ),
    )
    return Entry(head, max(one.weight for one in ones))


def _urgent_first(one: Known) -> tuple[int, float]:
    return -one.weight, inf if one.moment is None else one.moment.timestamp()


def _severe_and_old_first(entry: Entry) -> tuple[int, float]:
    opened_at = entry.head.opened_at
    return -entry.weight, -inf if opened_at is None else opened_at.timestamp()
