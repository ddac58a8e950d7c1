"""What a booking is, from all the feeds that list it and from what a person set. Pure.

Several feeds may list one stay. Its dates follow the source that names the guest; it lives while any source has it.
A field that a person set stays as it is: it is the one that differs from what the feeds last asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

CONFIRMED, TENTATIVE, CANCELLED = "confirmed", "tentative", "cancelled"


@dataclass(frozen=True, slots=True)
class Source:
    """One feed's item that lists the stay. The oldest item has the lowest `order`."""

    order: int
    tentative: bool
    starts_at: datetime
    ends_at: datetime
    whole_days: bool
    name: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Combined:
    """What the feeds ask for, all of them together."""

    status: str
    check_in: datetime
    check_out: datetime
    guest_name: str
    whole_days: bool


@dataclass(frozen=True, slots=True)
class Stay:
    """A booking as it is, and what the feeds last asked for (`feed_*`; None or "" where none ever said anything)."""

    status: str
    check_in: datetime
    check_out: datetime
    guest_name: str
    follows_property_times: bool
    feed_check_in: datetime | None = None
    feed_check_out: datetime | None = None
    feed_guest_name: str = ""
    feed_status: str = ""
    needs_review: bool = False


def combine(sources: Sequence[Source]) -> Combined | None:
    """What the sources ask for together; None when no source is left."""
    if not sources:
        return None
    leader = min(sources, key=lambda one: (one.tentative, not (one.name or one.code), one.order))
    name = leader.name or next((one.name for one in sorted(sources, key=lambda one: one.order) if one.name), "")
    status = TENTATIVE if all(one.tentative for one in sources) else CONFIRMED
    return Combined(status, leader.starts_at, leader.ends_at, name, leader.whole_days)


def follow(stay: Stay, combined: Combined | None, now: datetime) -> Stay:
    """The stay after the feeds have spoken.

    A stay that has begun keeps its check-in, keeps its status (only `give_up` ends it), and does not end in the past
    because a feed says so: such a wish marks it for review. One that is over changes only when it is made longer.
    """
    if combined is None:
        return give_up(stay)
    begun, over = stay.status != CANCELLED and stay.check_in <= now, stay.check_out <= now
    if over and combined.check_out <= now:
        return stay
    new = replace(stay, guest_name=stay.guest_name, feed_guest_name=combined.guest_name)
    if stay.guest_name == stay.feed_guest_name:
        new = replace(new, guest_name=combined.guest_name)
    new = _follow_times(new, combined, now, begun=begun)
    return _follow_status(new, combined, begun=begun)


def _follow_times(stay: Stay, combined: Combined, now: datetime, *, begun: bool) -> Stay:
    check_in = combined.check_in if not begun and stay.check_in == stay.feed_check_in else stay.check_in
    check_out = combined.check_out if stay.check_out == stay.feed_check_out else stay.check_out
    cut_short = begun and check_out != stay.check_out and check_out <= now
    if cut_short:
        return replace(stay, needs_review=True)
    if check_out <= check_in:  # not of a stay that has begun: its end is as it was, or to come
        # A person set one end, and the feed moved the whole stay beyond it: that edit was about other days. A code for
        # those days would leave the guest in front of a locked door.
        check_in, check_out = combined.check_in, combined.check_out
        stay = replace(stay, needs_review=True)
    feed_check_in = stay.feed_check_in if begun else combined.check_in
    as_combined = (check_in, check_out) == (feed_check_in, combined.check_out)
    return replace(
        stay,
        check_in=check_in,
        check_out=check_out,
        feed_check_in=feed_check_in,
        feed_check_out=combined.check_out,
        follows_property_times=combined.whole_days if as_combined else stay.follows_property_times,
    )


def _follow_status(stay: Stay, combined: Combined, *, begun: bool) -> Stay:
    if not stay.feed_status:
        return stay  # entered by hand: a person decides its status
    if begun and combined.status != CONFIRMED:
        return replace(stay, needs_review=True)
    follows = stay.status == stay.feed_status
    return replace(stay, status=combined.status if follows else stay.status, feed_status=combined.status)


def give_up(stay: Stay) -> Stay:
    """The stay when no feed lists it any more, which is certain or approved. A status that a person set stays."""
    if not stay.feed_status or stay.status == CANCELLED:
        return stay
    status = CANCELLED if stay.status == stay.feed_status else stay.status
    return replace(stay, status=status, feed_status=CANCELLED)


def new_stay(combined: Combined, *, needs_review: bool) -> Stay:
    """A stay that a feed lists for the first time."""
    return Stay(
        status=combined.status,
        check_in=combined.check_in,
        check_out=combined.check_out,
        guest_name=combined.guest_name,
        follows_property_times=combined.whole_days,
        feed_check_in=combined.check_in,
        feed_check_out=combined.check_out,
        feed_guest_name=combined.guest_name,
        feed_status=combined.status,
        needs_review=needs_review,
    )
