"""How often a code may be sent: never beyond the ceiling, whatever the answers, and never held up by refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core import posts
from pins.core.posts import DAY, HOUR, MOST_IN_A_DAY, MOST_IN_AN_HOUR, Post, closed_until
from tests.support.facts import NOW

MINUTE = timedelta(minutes=1)
ENDS = NOW + 30 * DAY


def made(*minutes_ago: float, remote_id: int | None = None, absent: bool = False) -> tuple[Post, ...]:
    """Creations in the order of their moments."""
    return tuple(Post(NOW - ago * MINUTE, remote_id, ENDS, absent) for ago in sorted(minutes_ago, reverse=True))


# -- the ceiling ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "until"),
    [
        ((), None),
        (made(1), None),
        (made(1, 2), NOW - 2 * MINUTE + HOUR),
        (made(1, 60), None),  # an hour ago is no longer within the hour
        (made(1, 59), NOW + MINUTE),
        (made(1, 100, 200, 300), NOW - 300 * MINUTE + DAY),
        (made(1, 2, 200, 300), NOW - 300 * MINUTE + DAY),  # the later of both
        (made(100, 200, 300), None),
        (made(1, 100, 200, 1440), None),  # a day ago is no longer within the day
        (made(1, 2, absent=True), None),
        (made(1, 2, 3, 4, absent=True), NOW - 4 * MINUTE + DAY),
        (made(1, 2, remote_id=7), NOW - 2 * MINUTE + HOUR),  # confirmed, and not held any more
    ],
)
def test_at_most_two_in_an_hour_and_four_in_a_day(sent: tuple[Post, ...], until: datetime | None) -> None:
    assert closed_until(sent, (), NOW) == until


def test_codes_that_we_hold_do_not_count() -> None:
    sent = (*made(2, remote_id=7), *made(1))
    assert closed_until(sent, (), NOW) is not None
    assert closed_until(sent, (7,), NOW) is None


def test_a_person_may_allow_one_more() -> None:
    assert closed_until(made(1, 2), (), NOW, more=1) is None
    assert closed_until(made(1, 2, 3), (), NOW, more=1) == NOW - 3 * MINUTE + HOUR
    assert closed_until(made(1, 100, 200, 300), (), NOW, more=1) is None


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[timedelta, str]]:
    pauses = st.sampled_from([timedelta(seconds=1), MINUTE, 20 * MINUTE, HOUR, 7 * HOUR])
    answers = st.sampled_from(["lost", "201", "refused"])
    return draw(st.lists(st.tuples(pauses, answers), max_size=60))


@settings(deadline=None, max_examples=300)
@given(histories())
def test_without_a_proven_absence_never_more_than_the_ceiling(history: list[tuple[timedelta, str]]) -> None:
    """Every POST is sent as soon as the ceiling lets it. No list ever shows anything."""
    now, next_id = NOW, 100
    may_be_there: list[datetime] = []
    sent: tuple[Post, ...] = ()
    for pause, answer in history:
        now += pause
        until = closed_until(sent, (), now)
        if until is not None:
            assert until > now
            now = until
            assert closed_until(sent, (), now) is None
        before = sent
        sent = posts.begun(sent, now + 30 * DAY, now)
        if answer == "refused":
            assert posts.refused(sent) == tuple(post for post in before if post in sent)
            sent = posts.refused(sent)
            continue
        may_be_there.append(now)
        if answer == "201":
            next_id += 1
            sent = posts.found(sent, (next_id,), newest=True)
        assert sum(moment > now - HOUR for moment in may_be_there) <= MOST_IN_AN_HOUR
        assert sum(moment > now - DAY for moment in may_be_there) <= MOST_IN_A_DAY


@given(st.integers(1, 50))
def test_refusals_never_count(times: int) -> None:
    sent = made(5)
    for _ in range(times):
        assert closed_until(sent, (), NOW) is None
        sent = posts.refused(posts.begun(sent, ENDS, NOW))
    assert sent == made(5)


def test_the_ceiling_opens_when_it_says() -> None:
    sent = made(1, 2, 100, 200)
    for more in (0, 1):
        until = closed_until(sent, (), NOW, more=more)
        if until is not None:
            assert closed_until(sent, (), until - timedelta(microseconds=1), more=more) == until
            assert closed_until(sent, (), until, more=more) is None


# -- what becomes of a creation -------------------------------------------------------------------------------------


def test_a_refusal_takes_back_the_last_one_and_no_confirmed_one() -> None:
    sent = posts.begun((*made(9), *made(5, remote_id=7)), ENDS, NOW)
    assert posts.refused(sent) == (*made(9), *made(5, remote_id=7))
    assert posts.refused(made(5, remote_id=7)) == made(5, remote_id=7)


def test_a_value_that_exists_already_is_that_of_the_lost_one_before() -> None:
    doubted = Post(NOW - 9 * MINUTE, None, ENDS, absent=True, renamed_or_gone=True)
    sent = (*made(20, absent=True), doubted, *made(8, remote_id=7), *made(5))
    assert posts.exists(sent) == (*made(20, absent=True), *made(9), *made(8, remote_id=7))
    assert posts.exists((*made(8, remote_id=7), *made(5))) == (*made(8, remote_id=7), *made(5))


def test_an_answer_names_the_last_one_and_a_list_the_first() -> None:
    sent = made(9, 5, absent=True)
    assert posts.found(sent, (7,), newest=True) == (*made(9, absent=True), *made(5, remote_id=7))
    assert posts.found(sent, (7,)) == (*made(9, remote_id=7), *made(5, absent=True))
    assert posts.found(sent, (7, 8)) == (*made(9, remote_id=7), *made(5, remote_id=8))


def test_an_id_that_is_known_names_nothing_again() -> None:
    sent = (*made(9, remote_id=7), *made(5))
    assert posts.found(sent, (7,)) == sent
    assert posts.found((), (7,)) == ()


def test_what_is_gone_is_forgotten() -> None:
    sent = (*made(9, remote_id=7), *made(5))
    assert posts.gone(sent, 7) == made(5)
    assert posts.gone(sent, 8) == sent
    assert posts.gone(sent, None) == sent


def test_only_a_proven_list_ends_what_it_does_not_show() -> None:
    lost, listed, unlisted, held = made(9), made(8, remote_id=1), made(7, remote_id=2), made(6, remote_id=3)
    sent = (*lost, *listed, *unlisted, *held)
    proven = posts.not_listed(sent, frozenset({1}), (3,), proven=True)
    assert proven == (*listed, *held)
    unproven = posts.not_listed(sent, frozenset({1}), (3,), proven=False)
    assert unproven == (*made(9, absent=True), *listed, *made(7, remote_id=2, absent=True), *held)
    assert posts.not_listed(unproven, frozenset({1}), (3,), proven=False) == unproven


def test_a_new_creation_drops_what_the_lock_ended_and_what_nobody_can_find_after_a_day() -> None:
    ended = Post(NOW - 3 * HOUR, 7, NOW - HOUR)
    just_ended = Post(NOW - 3 * HOUR, 8, NOW - HOUR + MINUTE)
    old_and_known = Post(NOW - 3 * DAY, 9, None)
    old_and_lost = Post(NOW - DAY, None, ENDS)
    fresh_and_lost = Post(NOW - DAY + MINUTE, None, ENDS)
    before = (ended, just_ended, old_and_known, old_and_lost, fresh_and_lost)
    assert posts.begun(before, ENDS, NOW) == (just_ended, old_and_known, fresh_and_lost, Post(NOW, None, ENDS))


@pytest.mark.parametrize(
    ("post", "remote_id", "ended"),
    [
        (Post(NOW - DAY, 7, NOW), 7, True),
        (Post(NOW - DAY, 7, NOW + MINUTE), 7, False),
        (Post(NOW - DAY, 7, None), 7, False),
        (Post(NOW - DAY, 7, NOW), 8, False),
        (Post(NOW - DAY, None, NOW), None, False),
    ],
)
def test_whether_we_gave_a_code_an_end_that_has_come(post: Post, remote_id: int | None, ended: bool) -> None:
    assert posts.has_ended([post], remote_id, NOW) is ended


def test_how_many_codes_may_be_on_the_lock() -> None:
    assert posts.living((), (), NOW) == 0
    assert posts.living((*made(9), *made(5, remote_id=7)), (7, 8), NOW) == 3
    assert posts.living((*made(9, absent=True), Post(NOW - DAY, 6, NOW)), (), NOW) == 0
    assert posts.living((Post(NOW - DAY, 6, None),), (), NOW) == 1


@pytest.mark.parametrize(
    ("codes", "wanted", "told"), [(3, 0, False), (4, 0, True), (13, 10, False), (14, 10, True), (110, 100, False)]
)
def test_codes_pile_up_when_there_are_many_more_than_stays(codes: int, wanted: int, told: bool) -> None:
    assert posts.pile_up(codes, wanted) is told


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    st.none() | st.integers(1, 2**53),
    st.booleans(),
)
def test_a_column_gives_back_what_was_stored(at: datetime, remote_id: int | None, absent: bool) -> None:
    for ends_at in (None, at + DAY):
        post = Post(at, remote_id, ends_at, absent)
        assert Post.from_json(post.to_json()) == post
