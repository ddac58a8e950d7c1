"""What shows somebody else's hand on one of our PINs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pins.core import looks
from pins.core.pin_state import Content, Late, Observed, Op
from tests.support.facts import NOW
from tests.support.looks import (
    CONTENT,
    DELETE,
    LOST_PUT,
    PUT,
    SET,
    UNTIL,
)

ENDED = replace(CONTENT, ends_at=NOW + looks.CLOCKS_DIFFER)
GONE = Observed()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (SET, GONE, True),
        (SET, replace(SET, remote_id=9), True),  # removed and added again by hand
        (SET, SET, False),
        (SET, replace(SET, extra_ids=(9,)), False),
        (SET, replace(SET, omitted=True), False),  # one witness
        (replace(SET, must_look=True), GONE, True),  # a 404 asked for the look
        (replace(SET, applied=replace(CONTENT, ends_at=None)), GONE, True),  # a permanent one never expires
        (replace(SET, pending=DELETE), GONE, False),
        (replace(SET, late=Late(UNTIL, 3, 1, frozenset({Op.DELETE}))), GONE, False),
        (replace(SET, applied=None), GONE, False),
        (replace(SET, applied=ENDED), GONE, False),  # the lock's own doing, perhaps
        (Observed(), GONE, False),
    ],
)
def test_a_code_that_is_gone_though_it_should_be_there_shows_a_strangers_hand(
    before: Observed, after: Observed, told: bool
) -> None:
    assert looks.taken_away(before, after, NOW) is told


OTHER = replace(CONTENT, code="777123")


@pytest.mark.parametrize(
    ("seen", "content", "told"),
    [
        (SET, CONTENT, False),
        (SET, replace(CONTENT, code="604173"), True),
        (SET, replace(CONTENT, ends_at=None), True),
        (replace(SET, pending=replace(PUT, content=OTHER), late=LOST_PUT), CONTENT, False),
        (replace(SET, pending=replace(PUT, content=OTHER), late=LOST_PUT), replace(CONTENT, starts_at=None), True),
        (replace(SET, pending=replace(PUT, content=OTHER), late=LOST_PUT), OTHER, False),
        (replace(SET, pending=PUT, late=replace(LOST_PUT, count=2)), replace(CONTENT, code="604173"), False),
        (replace(SET, late=LOST_PUT), replace(CONTENT, code="604173"), False),  # a closing look: it may be the lost one
        (replace(SET, applied=None), CONTENT, False),
        (replace(SET, applied=ENDED), replace(CONTENT, ends_at=None), False),
    ],
)
def test_a_pin_that_says_what_was_never_sent_shows_a_strangers_hand(
    seen: Observed, content: Content, told: bool
) -> None:
    assert looks.rewritten(seen, content, NOW) is told
