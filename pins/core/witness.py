"""What a lock's list may be believed about. Pure.

A list is one witness. It may lag behind, leave PINs out, or show their names changed. A 201 to our own request, and a
PIN that was read by its id, are stronger; and an absence is believed only of a list that shows what it must show.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from pins.core.alias import may_be, reference_in
from pins.tedee.messages import PinListing

#: For so long after a change of ours a list with too low a version is taken for an old one. Later the version itself is
#: doubted: nobody promises that it counts every change.
LONGEST_LAG = timedelta(minutes=3)
#: How long a lock's lists are believed after one of them showed a PIN that we knew to be there.
PROOF_HOLDS = timedelta(days=7)


class Credit(Enum):
    """How far a list may be believed."""

    STALE = auto()  # older than changes that the lock confirmed to us: it says nothing about now
    DOUBTFUL = auto()  # it lacks a PIN that a stronger witness knows: what it shows is there, the rest is unknown
    UNPROVEN = auto()  # nothing contradicts it, but lists of this lock have never shown what we knew
    PROVEN = auto()  # it shows what we know, or earlier ones did and nothing unexplained happened since

    @property
    def shows_absence(self) -> bool:
        """May a PIN be taken for absent because the list lacks it?"""
        return self in (Credit.UNPROVEN, Credit.PROVEN)


@dataclass(frozen=True)
class ListMemory:
    """What we remember of a lock's earlier lists, and of our own changes since."""

    version: int | None = None  # of the last list that was believed
    confirmed_since: int = 0  # changes of ours that the lock confirmed since that list
    written_at: datetime | None = None  # when we last sent a change (UTC)
    proven_at: datetime | None = None  # when a list last showed a PIN that we knew to be there (UTC)

    @property
    def least_version(self) -> int | None:
        """The lowest version that a list of now can have."""
        return None if self.version is None else self.version + self.confirmed_since


def credit(listing: PinListing, memory: ListMemory, believed: frozenset[int], now: datetime) -> Credit:
    """How far this list may be believed. `believed`: the ids on this lock that a stronger witness knows, and whose end
    has not come."""
    least, version = memory.least_version, listing.version
    written_just_now = memory.written_at is not None and now < memory.written_at + LONGEST_LAG
    if least is not None and version is not None and version < least and written_just_now:
        return Credit.STALE
    if not believed <= {listed.id for listed in listing.pins}:
        return Credit.DOUBTFUL
    if believed:
        return Credit.PROVEN
    if least is not None and version is not None and version > least:
        return Credit.DOUBTFUL  # something changed that is neither ours nor shown: it may be the code we search for
    proven = memory.proven_at is not None and now < memory.proven_at + PROOF_HOLDS
    return Credit.PROVEN if proven else Credit.UNPROVEN


def version_counts(listing: PinListing, memory: ListMemory) -> bool | None:
    """Has the list's version risen with the changes that the lock confirmed to us? `None`: nobody can tell."""
    least = memory.least_version
    if least is None or listing.version is None or not memory.confirmed_since:
        return None
    return listing.version >= least


@dataclass(frozen=True)
class Sighting:
    """What a list shows about one PIN."""

    ours: tuple[int, ...]  # ids under an alias of ours, and the id that we hold if its alias may be ours
    renamed: bool  # the id that we hold is there, under a name that says nothing
    nominees: tuple[int, ...]  # ids that may be ours under a changed name: reading them tells
    listed: frozenset[int]  # every id on the list
    credit: Credit
    late_enough: bool = True  # a creation that was given up would be on it by now


def sighting(
    listing: PinListing,
    credit: Credit,
    *,
    reference: str,
    sent_alias: str,
    held: int | None,
    taken: frozenset[int],
    suspects: frozenset[int] = frozenset(),
    late_enough: bool = True,
) -> Sighting:
    """Look for one PIN on a list. `sent_alias`: its name as last sent; `held`: the id under which we know it; `taken`:
    ids that belong to other PINs of ours; `suspects`: ids that may be ours whatever they are called now."""
    ours: list[int] = []
    nominees: list[int] = []
    renamed = False
    for one in listing.pins:
        if reference_in(one.alias) == reference:
            ours.append(one.id)
        elif one.id == held:
            if may_be(one.alias, sent_alias, reference):
                ours.append(one.id)
            else:
                renamed = True
        elif one.id not in taken and (one.id in suspects or may_be(one.alias, sent_alias, reference)):
            nominees.append(one.id)
    listed = frozenset(one.id for one in listing.pins)
    return Sighting(tuple(ours), renamed, tuple(nominees), listed, credit, late_enough)
