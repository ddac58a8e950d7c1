"""What nobody knows about the guests of now and of the next 24 hours: the board promises nothing over it. Reads no
code."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from pins.board.headline import Doubts
from pins.board.undecided import Undecided
from pins.models import Incident
from pins.status.stay_lists import Stay
from rentals.access import Scope, visible
from rentals.models import Booking, FeedItem

#: Troubles of a calendar that may hide an arrival of the next days.
_HIDE_ARRIVALS: Final = frozenset({"feed_unreadable", "feed_stale", "feed_reset", "feed_refused"})


def doubts_of(
    soon: Sequence[Stay],
    begun: Sequence[Stay],
    questions: Sequence[Undecided],
    incidents: Sequence[Mapping[str, Any]],
    scope: Scope,
) -> Doubts:
    """`soon`: confirmed and tentative stays that begin in the next 24 hours; `begun`: those that run. `questions`: the
    calendar rows that a person must decide about now. `incidents`: the open ones (`incident_rows`)."""
    expected = [one for one in soon if one.booking.status == Booking.Status.CONFIRMED]
    present = [one for one in begun if one.booking.status == Booking.Status.CONFIRMED]
    guests = {one.booking.pk for one in (*expected, *present)}
    held = FeedItem.objects.filter(awaits_approval=True, gone_at=None, booking__in=[one.booking.pk for one in expected])
    places = {one.booking.property_id for one in soon}
    return Doubts(
        undecided=len(questions),
        urgent=any(one.is_urgent for one in questions),
        unconfirmed=len(soon) - len(expected) + len(begun) - len(present),
        held=visible(held, scope).values("booking").distinct().count() if expected else 0,
        review=sum(one.booking.needs_review for one in expected),
        lock_off=sum(one.has_lock_off and bool(one.locks) for one in (*expected, *present)),
        changed=len({one["pin__grant__booking"] for one in incidents if _is_changed(one)} & guests),
        shut_out=sum(one["kind"] == Incident.Kind.GUEST_SHUT_OUT for one in incidents),
        unread=len({one["feed"] for one in incidents if _hides_arrivals(one, places)}),
    )


def _is_changed(incident: Mapping[str, Any]) -> bool:
    """Whether a guest knows a code that opens nothing any more, and nobody was shown the new one since."""
    return bool(incident["kind"] == Incident.Kind.CODE_CHANGED)


def _hides_arrivals(incident: Mapping[str, Any], places: Collection[int]) -> bool:
    """Whether a calendar may know of guests whom we do not know. What is only worth a notice, such as some failures in
    a row, counts where somebody arrives: there a change matters at once."""
    if incident["kind"] == Incident.Kind.FEED_FAILING:
        return incident["feed__property"] in places
    if incident["kind"] not in _HIDE_ARRIVALS:
        return False
    return incident["severity"] != Incident.Severity.NOTICE or incident["feed__property"] in places
