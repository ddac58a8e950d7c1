"""The lists of stays on the board: who comes and goes today and tomorrow, and what a search finds. Reads no code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from django.db.models import Case, Q, When
from django.utils.translation import gettext as _

from pins.board import rows
from pins.board.rows import StayRow
from pins.status import stay_lists
from pins.status.stay_lists import Stay
from rentals import end_to_end
from rentals.access import Scope, visible
from rentals.models import Booking
from rentals.wording import WORST_FIRST, Tone

#: How many lines of a list are shown unasked, the worst first.
SHOWN = 25
#: How many stays a search finds beside the lists; the list of bookings has all of them.
MOST_FOUND = 50


@dataclass(frozen=True, slots=True)
class DayList:
    """Arrivals or departures of one day. `key`: its name in addresses and anchors."""

    key: str
    title: str
    rows: tuple[StayRow, ...]
    hidden: int
    ready: int
    total: int

    @property
    def counts_ready(self) -> bool:
        """Whether its title says how many are ready: arrivals."""
        return self.key.startswith("arrivals")


class Show(StrEnum):
    """Which stays the lists are narrowed to."""

    ALL = ""
    OPEN = "open"  # not ready yet, or not gone yet
    UNDISCLOSED = "untold"  # ready, and nobody was shown the code; the value is in people's bookmarks

    def includes(self, row: StayRow) -> bool:
        """Whether the row is among them."""
        if self is Show.OPEN:
            return not row.settled
        return self is Show.ALL or row.undisclosed


def days(
    stays: Sequence[Stay], now: datetime, query: str, ready: Mapping[int, datetime]
) -> Iterable[tuple[str, str, list[StayRow]]]:
    """Today and tomorrow, each property's own days: key, title and rows of each list. `ready`: by property, when
    somebody who works there said that it is."""
    leaving: defaultdict[tuple[int, date], list[Booking]] = defaultdict(list)
    for one in stays:
        if one.booking.status == Booking.Status.CONFIRMED:
            leaving[one.booking.property_id, one.booking.departure_date].append(one.booking)
    chosen = [one for one in stays if matches(one.booking, query)]
    for offset, day in enumerate(("today", "tomorrow")):
        came = [one for one in chosen if one.booking.arrival_date == _day_at(one.booking, now, offset)]
        goes = [
            one
            for one in chosen
            if one.booking.departure_date == _day_at(one.booking, now, offset)
            and one.booking.status == Booking.Status.CONFIRMED
        ]
        arrivals = [
            rows.arrival(
                one,
                now,
                turnover=_turnover(one.booking, leaving),
                ready_at=_ready_at(one.booking, leaving, ready.get(one.booking.property_id)),
            )
            for one in came
        ]
        arriving = _("Arriving tomorrow") if offset else _("Arriving today")
        leaving_then = _("Leaving tomorrow") if offset else _("Leaving today")
        yield f"arrivals-{day}", arriving, arrivals
        yield f"departures-{day}", leaving_then, [rows.departure(one, now) for one in goes]


def _turnover(booking: Booking, leaving: Mapping[tuple[int, date], Collection[Booking]]) -> str:
    """Whether somebody leaves the property on the day of arrival, and whether that is another guest."""
    others = [one for one in leaving.get((booking.property_id, booking.arrival_date), ()) if one.pk != booking.pk]
    if not others:
        return ""
    stays_on = all(end_to_end.is_same_guest(one.guest_name, booking.guest_name) for one in others)
    return _("stays on") if stays_on else _("same-day turnover")


def _ready_at(
    booking: Booking, leaving: Mapping[tuple[int, date], Collection[Booking]], said_at: datetime | None
) -> datetime | None:
    """When the flat was said to be ready for this guest: after everybody who leaves that day had left."""
    if said_at is None:
        return None
    left = [one.check_out for one in leaving.get((booking.property_id, booking.arrival_date), ()) if one != booking]
    return said_at if max(left, default=said_at) <= said_at <= booking.check_in else None


def _day_at(booking: Booking, now: datetime, offset: int) -> date:
    return now.astimezone(booking.property.zone).date() + timedelta(days=offset)


def matches(booking: Booking, query: str) -> bool:
    said = f"{booking.guest_name} {booking.property.name}".casefold()
    return all(word in said for word in query.casefold().split())


def cut(key: str, title: str, stays: list[StayRow], show: Show, whole: str, *, in_order: bool = False) -> DayList:
    """A list, the worst first, or in the given order, and at most `SHOWN` of it unless `whole` is its key."""
    found = [one for one in stays if show.includes(one)]
    if not in_order:
        found.sort(key=lambda one: (WORST_FIRST.index(one.tone), one.moment, one.place))
    kept = found if whole == key else found[:SHOWN]
    return DayList(
        key=key,
        title=title,
        rows=tuple(kept),
        hidden=len(found) - len(kept),
        ready=sum(one.tone is Tone.READY for one in found),
        total=len(found),
    )


def look_for(query: str, listed: Collection[int], now: datetime, scope: Scope) -> list[StayRow]:
    """Stays of any time with these words, without those of the other lists: the coming ones, then the latest."""
    asked = ~Q(pk__in=listed)
    for word in query.split():
        asked &= _says("guest_name", word) | _says("property__name", word)
    is_coming = When(check_out__gt=now, then="check_in")
    by_time = (Case(is_coming, default=None).asc(nulls_last=True), "-check_in", "pk")
    ids = visible(Booking.objects.filter(asked), scope).order_by(*by_time).values_list("pk", flat=True)[:MOST_FOUND]
    found = {one.pk: one for one in stay_lists.load(Q(pk__in=list(ids)), scope)}
    return [rows.found(stay_lists.stay_of(found[pk], now), now) for pk in ids if pk in found]


def _says(field: str, word: str) -> Q:
    """Whether a text has a word, in small or capital letters: SQLite knows that only of the letters a to z."""
    spellings = {word, word.lower(), word.upper(), word.capitalize()}
    asked = Q()
    for one in spellings:
        asked |= Q(**{f"{field}__icontains": one})
    return asked
