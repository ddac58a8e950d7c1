"""What a list may be believed about, and what it shows about one PIN."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core.witness import (
    LONGEST_LAG,
    PROOF_HOLDS,
    Credit,
    ListMemory,
    Sighting,
    credit,
    sighting,
    version_counts,
)
from pins.tedee.messages import ListedPin, PinListing
from tests.support.facts import NOW

SECOND = timedelta(seconds=1)
REFERENCE, ALIAS = "7F3K2Q", "Anna 03-08 Mar #7F3K2Q"
#: Version 5 was believed; since then the lock confirmed two changes of ours, the last one a moment ago.
MEMORY = ListMemory(version=5, confirmed_since=2, written_at=NOW - SECOND)


def listing(*ids: int, version: int | None = 7) -> PinListing:
    return PinListing(version, tuple(ListedPin(one, "x") for one in ids))


def worth(shown: PinListing, memory: ListMemory = MEMORY, believed: tuple[int, ...] = ()) -> Credit:
    return credit(shown, memory, frozenset(believed), NOW)


@pytest.mark.parametrize(
    ("shown", "memory", "believed", "expected"),
    [
        (listing(1, version=6), MEMORY, (1,), Credit.STALE),  # one of our two changes is not in it
        (listing(1, version=7), MEMORY, (1,), Credit.PROVEN),
        (listing(1, version=8), MEMORY, (1,), Credit.PROVEN),
        (listing(1, version=None), MEMORY, (1,), Credit.PROVEN),  # a cloud without versions
        (listing(version=7), MEMORY, (1,), Credit.DOUBTFUL),
        (listing(1, version=7), MEMORY, (1, 2), Credit.DOUBTFUL),
        (listing(version=7), MEMORY, (), Credit.UNPROVEN),
        (listing(9, version=None), ListMemory(), (), Credit.UNPROVEN),
        (listing(version=8), MEMORY, (), Credit.DOUBTFUL),  # somebody changed something that is not shown to be ours
    ],
)
def test_how_far_a_list_is_believed(
    shown: PinListing, memory: ListMemory, believed: tuple[int, ...], expected: Credit
) -> None:
    assert worth(shown, memory, believed) is expected


@pytest.mark.parametrize(
    ("version", "memory", "expected"),
    [
        (7, MEMORY, True),
        (9, MEMORY, True),
        (6, MEMORY, False),
        (5, MEMORY, False),
        (None, MEMORY, None),
        (7, ListMemory(version=5), None),  # nothing of ours in between
        (7, ListMemory(confirmed_since=2), None),
    ],
)
def test_whether_the_version_counts_our_changes(version: int | None, memory: ListMemory, expected: bool | None) -> None:
    assert version_counts(listing(1, version=version), memory) is expected


def test_a_low_version_is_a_lag_only_for_a_while() -> None:
    """Nobody promises that the version counts every change."""
    low = listing(1, version=6)
    minutes = timedelta(minutes=3)
    assert worth(low, replace(MEMORY, written_at=NOW - minutes + SECOND), (1,)) is Credit.STALE
    assert worth(low, replace(MEMORY, written_at=NOW - minutes), (1,)) is Credit.PROVEN
    assert worth(low, replace(MEMORY, written_at=None), (1,)) is Credit.PROVEN


def test_a_proof_holds_for_a_week_unless_something_unexplained_happened() -> None:
    week = timedelta(days=7)
    proven = replace(MEMORY, proven_at=NOW - week + SECOND)
    assert worth(listing(), proven) is Credit.PROVEN
    assert worth(listing(version=8), proven) is Credit.DOUBTFUL
    assert worth(listing(), replace(MEMORY, proven_at=NOW - week)) is Credit.UNPROVEN


def test_only_a_list_with_credit_shows_absence() -> None:
    assert {one for one in Credit if one.shows_absence} == {Credit.UNPROVEN, Credit.PROVEN}


versions = st.none() | st.integers(0, 9)
memories = st.builds(
    ListMemory,
    version=versions,
    confirmed_since=st.integers(0, 3),
    written_at=st.sampled_from([None, NOW - SECOND, NOW - LONGEST_LAG]),
    proven_at=st.sampled_from([None, NOW - SECOND, NOW - PROOF_HOLDS]),
)


@settings(deadline=None, max_examples=200)
@given(st.frozensets(st.integers(1, 4)), versions, memories, st.frozensets(st.integers(1, 4)))
def test_a_list_that_lacks_what_we_know_never_shows_absence(
    listed: frozenset[int], version: int | None, memory: ListMemory, believed: frozenset[int]
) -> None:
    found = credit(listing(*listed, version=version), memory, believed, NOW)
    if not believed <= listed:
        assert not found.shows_absence
    least = memory.least_version
    if version is not None and least is not None and version < least and memory.written_at == NOW - SECOND:
        assert found is Credit.STALE


# -- what a list shows about one PIN --------------------------------------------------------------------------------


def shows(*pins: tuple[int, str], held: int | None = None, taken: tuple[int, ...] = (), sent: str = ALIAS) -> Sighting:
    shown = PinListing(1, tuple(ListedPin(one, alias) for one, alias in pins))
    return sighting(shown, Credit.PROVEN, reference=REFERENCE, sent_alias=sent, held=held, taken=frozenset(taken))


def test_a_reference_makes_an_entry_ours() -> None:
    seen = shows((7, ALIAS), (8, "#7f3k2q Bob"), (9, "Bob 03-08 Mar #7F3K2X"))
    assert (seen.ours, seen.nominees, seen.renamed) == ((7, 8), (), False)
    assert seen.listed == {7, 8, 9}


@pytest.mark.parametrize(
    "name", ["Anna 03-08 Mar", "ANNA 03-08 MAR #7F3", "Anna 03-08 Mar 7F3K2Q", "anna0308", "7F3K2Q Anna"]
)
def test_a_changed_name_only_nominates(name: str) -> None:
    assert shows((7, name)).nominees == (7,)
    assert shows((7, name)).ours == ()


@pytest.mark.parametrize("name", ["Anna 03", "Anna", "", "Anna 03-09 Mar", "Cleaner", "03-08 Mar"])
def test_too_little_likeness_nominates_nobody(name: str) -> None:
    seen = shows((7, name))
    assert (seen.ours, seen.nominees) == ((), ())


def test_the_id_that_we_hold_is_ours_under_a_changed_name_and_read_under_another() -> None:
    assert shows((7, "Anna 03-08 M"), held=7).ours == (7,)
    renamed = shows((7, "Cleaner"), held=7)
    assert (renamed.ours, renamed.renamed, renamed.nominees) == ((), True, ())
    assert not shows((8, "Cleaner"), held=7).renamed


def test_a_pin_of_another_guest_is_not_nominated() -> None:
    assert shows((8, "Anna 03-08 Mar"), taken=(8,)).nominees == ()
