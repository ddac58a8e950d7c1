"""A booking between its feeds and a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from rentals.calendars.decide.merge import (
    CANCELLED,
    CONFIRMED,
    TENTATIVE,
    Combined,
    Source,
    Stay,
    combine,
    follow,
    give_up,
    new_stay,
)

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def source(order: int = 1, *, shift: timedelta = timedelta(), tentative: bool = False, name: str = "") -> Source:
    return Source(order, tentative, NOW + DAY + shift, NOW + 4 * DAY + shift, whole_days=True, name=name)


def stay(*sources: Source) -> Stay:
    told = combine(sources or (source(),))
    assert told is not None
    return new_stay(told, needs_review=False)


def after(one: Stay, *sources: Source, now: datetime = NOW) -> Stay:
    return follow(one, combine(sources), now)


def test_the_dates_follow_the_source_that_names_the_guest_else_the_oldest() -> None:
    named = combine([source(1), source(2, shift=DAY, name="Anna")])
    oldest = combine([source(2, shift=DAY), source(1)])
    assert named is not None
    assert oldest is not None
    assert (named.check_in, named.guest_name) == (NOW + 2 * DAY, "Anna")
    assert oldest.check_in == NOW + DAY


def test_one_confirmed_source_is_enough() -> None:
    both = combine([source(1, tentative=True, name="Anna"), source(2, shift=DAY)])
    assert both is not None
    assert (both.status, both.check_in, both.guest_name) == (CONFIRMED, NOW + 2 * DAY, "Anna")
    assert after(stay(source(tentative=True)), source()).status == CONFIRMED
    assert after(stay(), source(tentative=True)).status == TENTATIVE


def test_an_untouched_stay_follows() -> None:
    moved = after(stay(), source(shift=DAY, name="Anna"))
    assert moved == stay(source(shift=DAY, name="Anna"))


def test_each_field_that_a_person_set_stays() -> None:
    late = replace(stay(), check_out=NOW + 4 * DAY + timedelta(hours=2), follows_property_times=False)
    moved = after(late, source(shift=-timedelta(hours=1)))
    assert moved.check_in == NOW + DAY - timedelta(hours=1)
    assert moved.check_out == late.check_out
    assert not moved.follows_property_times
    named = after(replace(stay(), guest_name="Anna"), source(name="A. N."))
    assert (named.guest_name, named.feed_guest_name) == ("Anna", "A. N.")
    assert after(replace(stay(), status=CANCELLED), source(shift=DAY)).status == CANCELLED


def test_a_person_who_agrees_with_the_feed_again_follows_it_again() -> None:
    edited = replace(stay(), check_out=NOW + 5 * DAY)
    agreed = after(edited, source(shift=DAY))
    assert agreed.check_out == agreed.feed_check_out == NOW + 5 * DAY
    assert after(agreed, source(shift=2 * DAY)).check_out == NOW + 6 * DAY


def test_a_stay_that_has_begun_keeps_its_beginning_and_its_status() -> None:
    running = stay(source(shift=-2 * DAY))
    moved = after(running, source(shift=-DAY))
    assert (moved.check_in, moved.check_out) == (running.check_in, NOW + 3 * DAY)
    assert moved.feed_check_in == running.feed_check_in
    doubtful = after(running, source(shift=-2 * DAY, tentative=True))
    assert (doubtful.status, doubtful.needs_review) == (CONFIRMED, True)


def test_a_running_stay_does_not_end_in_the_past_because_a_feed_says_so() -> None:
    running = stay(source(shift=-2 * DAY))
    cut = after(running, Source(1, False, NOW - DAY, NOW - timedelta(hours=1), whole_days=True))
    assert (cut.check_out, cut.status, cut.needs_review) == (running.check_out, CONFIRMED, True)
    shortened = after(running, Source(1, False, NOW - DAY, NOW + timedelta(hours=1), whole_days=True))
    assert shortened.check_out == NOW + timedelta(hours=1)


def test_a_stay_that_is_over_changes_only_when_it_is_made_longer() -> None:
    over = stay(source(shift=-9 * DAY))
    assert after(over, source(shift=-10 * DAY)) == over
    assert after(over, Source(1, False, NOW - 8 * DAY, NOW + DAY, whole_days=True)).check_out == NOW + DAY


def test_an_end_that_a_person_set_counts_no_longer_when_the_whole_stay_moves_beyond_it() -> None:
    edited = replace(stay(), check_in=NOW + 3 * DAY)
    moved = after(edited, Source(1, False, NOW + DAY, NOW + 2 * DAY, whole_days=True))
    assert (moved.check_in, moved.check_out, moved.needs_review) == (NOW + DAY, NOW + 2 * DAY, True)
    assert (moved.feed_check_in, moved.feed_check_out) == (moved.check_in, moved.check_out)


def test_giving_up_cancels_unless_a_person_set_the_status() -> None:
    assert after(stay()).status == CANCELLED
    assert give_up(replace(stay(source(tentative=True)), status=CONFIRMED)).status == CONFIRMED
    by_hand = Stay(CONFIRMED, NOW + DAY, NOW + 2 * DAY, "Anna", follows_property_times=False)
    assert give_up(by_hand) == by_hand


def test_a_stay_cancelled_by_a_person_does_not_come_back_with_its_feed() -> None:
    cancelled = give_up(replace(stay(), status=CANCELLED))
    assert after(cancelled, source()).status == CANCELLED


def test_a_stay_entered_by_hand_keeps_what_the_person_entered() -> None:
    by_hand = Stay(CONFIRMED, NOW + DAY, NOW + 4 * DAY, "Anna", follows_property_times=False)
    joined = after(by_hand, source(shift=timedelta(hours=3)))
    assert (joined.check_in, joined.check_out, joined.guest_name) == (by_hand.check_in, by_hand.check_out, "Anna")
    assert after(joined, source(tentative=True)).status == CONFIRMED


def test_a_stay_to_come_that_its_feed_moves_wholly_into_the_past_is_over() -> None:
    moved = after(stay(), Source(1, False, NOW - 5 * DAY, NOW - 2 * DAY, whole_days=True))
    assert (moved.check_in, moved.check_out) == (NOW - 5 * DAY, NOW - 2 * DAY)
    assert (moved.feed_check_in, moved.feed_check_out) == (moved.check_in, moved.check_out)
    assert (moved.status, moved.needs_review) == (CONFIRMED, False)


def test_a_stay_begins_and_ends_at_the_very_moment() -> None:
    beginning = stay(Source(1, False, NOW, NOW + DAY, whole_days=True))
    assert after(beginning, source()).check_in == NOW
    cut = after(beginning, Source(1, False, NOW, NOW, whole_days=True))
    assert (cut.check_out, cut.needs_review) == (NOW + DAY, True)
    over = stay(Source(1, False, NOW - DAY, NOW, whole_days=True))
    assert after(over, Source(1, False, NOW - 2 * DAY, NOW, whole_days=True, name="Anna")) == over


def test_a_stay_in_progress_follows_only_in_its_end_and_its_guest() -> None:
    running = stay(source(shift=-2 * DAY, name="Anna"))
    moved = after(running, Source(1, False, NOW - DAY, NOW + 5 * DAY, whole_days=False, name="Ben"))
    assert moved == replace(
        running,
        check_out=NOW + 5 * DAY,
        feed_check_out=NOW + 5 * DAY,
        guest_name="Ben",
        feed_guest_name="Ben",
        follows_property_times=False,
    )


def test_a_cancelled_stay_has_not_begun_and_comes_back_with_all_its_days() -> None:
    gone = give_up(stay(source(shift=-2 * DAY)))
    assert (gone.status, gone.feed_status) == (CANCELLED, CANCELLED)
    back = after(gone, source(shift=-DAY))
    assert (back.status, back.check_in, back.check_out) == (CONFIRMED, NOW, NOW + 3 * DAY)


def test_times_of_the_property_are_followed_where_the_days_are_the_feeds() -> None:
    own = replace(stay(), check_in=NOW + DAY + HOUR, follows_property_times=False)
    assert not after(own, source()).follows_property_times
    agreed = replace(stay(), follows_property_times=False)
    assert after(agreed, source()).follows_property_times
    assert not after(stay(), replace(source(), whole_days=False)).follows_property_times


def test_a_running_stay_follows_the_propertys_times_only_where_its_check_in_is_the_feeds_too() -> None:
    begun = replace(stay(source(shift=-2 * DAY)), follows_property_times=False)
    assert after(begun, source(shift=-2 * DAY)).follows_property_times
    early = replace(begun, check_in=begun.check_in - HOUR)
    assert not after(early, source(shift=-2 * DAY)).follows_property_times


def test_a_stay_that_comes_back_in_its_own_time_keeps_the_check_in_that_a_person_set() -> None:
    gone = replace(give_up(stay(source(shift=-DAY))), check_in=NOW - HOUR, follows_property_times=False)
    back = after(gone, source(shift=-DAY))
    assert (back.status, back.check_in, back.follows_property_times) == (CONFIRMED, NOW - HOUR, False)
    assert after(back, source(shift=-DAY)) == back


def test_the_guest_is_named_by_the_leader_else_by_the_oldest_who_can() -> None:
    told = combine([source(1), source(3, name="Cleo"), source(2, tentative=True, name="Ben")])
    assert told is not None
    assert told.guest_name == "Cleo"
    coded = combine([source(4, name="Dan"), source(5, name="Eve"), replace(source(1), code="HM1")])
    assert coded is not None
    assert coded.guest_name == "Dan"  # the leader has a code and no name
    nobody = combine([source(1), source(2)])
    assert nobody is not None
    assert nobody.guest_name == ""


def test_a_new_stay_is_what_the_feed_says_and_a_person_looks_at_it_where_told() -> None:
    told = combine([source(tentative=True, name="Anna")])
    assert told is not None
    assert new_stay(told, needs_review=True) == Stay(
        TENTATIVE,
        NOW + DAY,
        NOW + 4 * DAY,
        "Anna",
        follows_property_times=True,
        feed_check_in=NOW + DAY,
        feed_check_out=NOW + 4 * DAY,
        feed_guest_name="Anna",
        feed_status=TENTATIVE,
        needs_review=True,
    )


moments = st.integers(-6, 6).map(lambda hours: NOW + hours * HOUR)


@st.composite
def spans(draw: st.DrawFn) -> tuple[datetime, datetime]:
    starts_at = draw(moments)
    return starts_at, starts_at + draw(st.integers(1, 9)) * HOUR


@st.composite
def stays(draw: st.DrawFn) -> Stay:
    """Entered by hand, made by a feed, or by a feed and then changed by a person."""
    check_in, check_out = draw(spans())
    first, last = draw(st.just((check_in, check_out)) | spans() | st.just((None, None)))
    status = draw(st.sampled_from([CONFIRMED, TENTATIVE, CANCELLED]))
    feed_status = draw(st.just(status) | st.sampled_from([CONFIRMED, TENTATIVE, CANCELLED, ""]))
    return Stay(status, check_in, check_out, "", draw(st.booleans()), first, last, "", feed_status)


@st.composite
def wishes(draw: st.DrawFn) -> Combined:
    status = draw(st.sampled_from([CONFIRMED, TENTATIVE]))
    return Combined(status, *draw(spans()), "", whole_days=draw(st.booleans()))


@settings(deadline=None, max_examples=300)
@given(stays(), wishes())
def test_no_wish_of_a_feed_makes_a_stay_impossible_or_locks_out_who_is_in_the_house(one: Stay, told: Combined) -> None:
    new = follow(one, told, NOW)
    assert new.check_in < new.check_out
    assert new.check_out in (one.check_out, told.check_out)
    if one.check_in <= NOW < one.check_out and one.status != CANCELLED:
        assert new.check_in == one.check_in
        assert new.check_out > NOW
        assert new.status in (one.status, CONFIRMED)
    if new.status != one.status:
        assert one.status == one.feed_status
    assert follow(new, told, NOW) in (new, replace(new, needs_review=True))  # said twice, done once
