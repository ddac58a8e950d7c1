"""Hypothesis strategies for both sides of a PIN: every combination of facts, likely or not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from pins.core.pin_state import Blocked, Content, Desired, Late, Observed, Op, PendingWrite, PinView

NOW = datetime(2027, 3, 3, 14, tzinfo=UTC)
CODES = ("481516", "234289", "777123")

#: A code that should be on the lock from an hour from now, for two days, and how it is known once it is there.
WISH = Desired(
    wanted=True,
    admitted=True,
    content=Content("481516", NOW + timedelta(hours=1), NOW + timedelta(days=2)),
    rev=1,
    issue_at=NOW - timedelta(days=1),
    disclosed=False,
)
SET = Observed(remote_id=7, applied=WISH.content, tried_rev=1)

#: Around now, so that every "before", "at" and "after" is common.
offsets = st.sampled_from([-90000, -7300, -3700, -130, -60, -1, 0, 1, 30, 60, 121, 3600, 86400]).map(
    lambda seconds: timedelta(seconds=seconds)
)
moments = offsets.map(lambda offset: NOW + offset)
revisions = st.integers(0, 3)
ids = st.integers(1, 5)


@st.composite
def contents(draw: st.DrawFn) -> Content:
    starts_at = draw(st.none() | moments)
    ends_at = draw(st.none() | moments)
    return Content(draw(st.sampled_from(CODES)), starts_at, ends_at)


@st.composite
def periods(draw: st.DrawFn) -> tuple[datetime, datetime]:
    starts_at = draw(moments)
    return starts_at, starts_at + draw(st.sampled_from([60, 3600, 90000, 200_000])) * timedelta(seconds=1)


@st.composite
def desires(draw: st.DrawFn) -> Desired:
    starts_at, ends_at = draw(periods())
    return Desired(
        wanted=draw(st.booleans()),
        admitted=draw(st.booleans()),
        content=Content(draw(st.sampled_from(CODES)), starts_at, ends_at),
        rev=draw(st.integers(1, 3)),
        issue_at=draw(moments),
        disclosed=draw(st.booleans()),
    )


@st.composite
def pending_writes(draw: st.DrawFn) -> PendingWrite:
    op = draw(st.sampled_from(Op))
    return PendingWrite(
        op=op,
        rev=draw(revisions),
        content=None if op is Op.DELETE else draw(contents()),
        remote_id=None if op is Op.POST else draw(ids),
        in_doubt=draw(st.booleans()),
    )


lates = st.builds(
    Late,
    until=moments,
    rev=revisions,
    count=st.integers(1, 3),
    kinds=st.sets(st.sampled_from(Op), min_size=1).map(frozenset),
    codes=st.sets(st.sampled_from(CODES), max_size=2).map(frozenset),
)


@st.composite
def observations(draw: st.DrawFn) -> Observed:
    remote_id = draw(st.none() | ids)
    others = [one for one in range(1, 6) if one != remote_id]
    return Observed(
        remote_id=remote_id,
        applied=None if remote_id is None else draw(st.none() | contents()),
        extra_ids=tuple(draw(st.lists(st.sampled_from(others), unique=True, max_size=2))),
        pending=draw(st.none() | pending_writes()),
        must_look=draw(st.booleans()),
        late=draw(st.none() | lates),
        hold_until=draw(st.none() | moments),
        hold_rev=draw(revisions),
        troubles=draw(st.integers(0, 3)),
        exists=draw(st.booleans()),
        refused=draw(st.booleans()),
        lapsed=draw(st.booleans()),
        start_refused=draw(st.booleans()),
        refusals=draw(st.integers(0, 6)),
        blocked=draw(st.sampled_from(["", *(reason.value for reason in Blocked)])),
        blocked_rev=draw(revisions),
        tried_rev=draw(revisions),
    )


views = st.builds(PinView, desires(), observations())
