"""Hypothesis strategies for a PIN and for what a list shows of it: every combination of facts, likely or not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from hypothesis import strategies as st

from pins.core.pin_state import Blocked, Content, Desired, Late, Observed, Op, PendingWrite, PinView, Twin
from pins.core.posts import Post
from pins.core.witness import Credit, Sighting
from pins.tedee.messages import Recurrence

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
past = offsets.map(lambda offset: NOW - abs(offset))
POST_AGES = [timedelta(0), timedelta(seconds=5), timedelta(minutes=59), timedelta(hours=1), timedelta(hours=30)]
revisions = st.integers(0, 3)
ids = st.integers(1, 5)
recurrences = st.sampled_from([None, Recurrence(48), Recurrence(31, time(9), time(17))])


@st.composite
def contents(draw: st.DrawFn) -> Content:
    starts_at = draw(st.none() | moments)
    ends_at = draw(st.none() | moments)
    return Content(draw(st.sampled_from(CODES)), starts_at, ends_at, draw(recurrences))


@st.composite
def periods(draw: st.DrawFn) -> tuple[datetime, datetime]:
    starts_at = draw(moments)
    return starts_at, starts_at + draw(st.sampled_from([60, 3600, 90000, 200_000])) * timedelta(seconds=1)


@st.composite
def desires(draw: st.DrawFn) -> Desired:
    """Most have a period; some are permanent, or have only a start."""
    starts_at: datetime | None
    ends_at: datetime | None
    starts_at, ends_at = draw(periods())
    if draw(st.integers(0, 4)) == 0:
        starts_at, ends_at = draw(st.none() | st.just(starts_at)), None
    disclosed = draw(st.booleans())
    return Desired(
        wanted=draw(st.booleans()),
        admitted=draw(st.booleans()),
        content=Content(draw(st.sampled_from(CODES)), starts_at, ends_at, draw(recurrences)),
        rev=draw(st.integers(1, 3)),
        issue_at=draw(moments),
        disclosed=disclosed,
        reserve=not disclosed and draw(st.integers(0, 4)) == 0,
    )


@st.composite
def pending_writes(draw: st.DrawFn, held: int | None = None) -> PendingWrite:
    """`held`: the id at which a PUT is aimed; no answer changes it while the PUT is under way."""
    op = draw(st.sampled_from(Op))
    return PendingWrite(
        op=op,
        rev=draw(revisions),
        content=None if op is Op.DELETE else draw(contents()),
        remote_id=None if op is Op.POST else held if op is Op.PUT and held is not None else draw(ids),
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
def made_posts(draw: st.DrawFn) -> Post:
    remote_id = draw(st.none() | ids)
    return Post(NOW - draw(st.sampled_from(POST_AGES)), remote_id, draw(st.none() | moments), draw(st.booleans()))


@st.composite
def observations(draw: st.DrawFn) -> Observed:
    remote_id = draw(st.none() | ids)
    others = [one for one in range(1, 6) if one != remote_id]
    return Observed(
        remote_id=remote_id,
        applied=None if remote_id is None else draw(st.none() | contents()),
        extra_ids=tuple(draw(st.lists(st.sampled_from(others), unique=True, max_size=2))),
        pending=draw(st.none() | pending_writes(remote_id)),
        must_look=draw(st.booleans()),
        must_read=remote_id is not None and draw(st.booleans()),
        omitted=remote_id is not None and draw(st.booleans()),
        not_found=remote_id is not None and draw(st.booleans()),
        nominees=tuple(draw(st.lists(st.integers(11, 13), unique=True, max_size=2))) if remote_id is None else (),
        posts=tuple(sorted(draw(st.lists(made_posts(), max_size=5)), key=lambda post: post.at)),
        more_posts=draw(st.integers(0, 1)),
        listed_at=draw(st.none() | past),
        list_doubted_at=draw(st.none() | past),
        edited_at=draw(st.none() | past),
        left_ends=frozenset(draw(st.lists(st.none() | moments, max_size=2))),
        suspected_at=draw(st.none() | past),
        twins=tuple(draw(st.lists(st.builds(Twin, st.integers(21, 22), st.just("Gate")), max_size=1))),
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


@st.composite
def sightings(draw: st.DrawFn) -> Sighting:
    """What a list shows that is not stale. Ids of ours are 1 to 5 (`ids`), those that may be ours 11 to 13."""
    ours = tuple(draw(st.lists(ids, unique=True, max_size=3)))
    nominees = tuple(draw(st.lists(st.integers(11, 13), unique=True, max_size=2)))
    foreign = draw(st.frozensets(st.integers(21, 22), max_size=2))
    credit = draw(st.sampled_from([one for one in Credit if one is not Credit.STALE]))
    return Sighting(ours, draw(st.booleans()), nominees, frozenset({*ours, *nominees}) | foreign, credit)


@st.composite
def looks_at(draw: st.DrawFn) -> tuple[PinView, Sighting]:
    """A PIN and what a list shows about it: only an id that is held, and not under our name, can be renamed."""
    view, seen = draw(views), draw(sightings())
    held = view.observed.remote_id
    renamed = seen.renamed and held is not None and held not in seen.ours
    listed = seen.listed | {held} if renamed and held is not None else seen.listed
    return view, replace(seen, renamed=renamed, listed=listed)
