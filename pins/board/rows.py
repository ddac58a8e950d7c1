"""Stays as lines of the board, with the state of each of their locks. Reads no code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from pins.status import arrivals
from pins.status.disclosure import is_live
from pins.status.pins import next_step, pin_badge
from pins.status.stay_lists import Stay
from rentals.models import Booking
from rentals.wording import Badge, Tone, brief, clock_time, span


@dataclass(frozen=True, slots=True)
class RowLock:
    """One lock of a stay, for people."""

    lock_id: int
    name: str
    badge: Badge
    step: str  # "next try 14:05 CET"; empty where nothing is to come


@dataclass(frozen=True, slots=True)
class StayRow:
    """One stay. `moment`: the end of the stay that its list is about; `at` says it on the property's clock."""

    booking_id: int
    guest: str
    place: str
    moment: datetime
    at: str
    badge: Badge
    locks: tuple[RowLock, ...]  # those that deserve a look
    flags: tuple[str, ...]
    undisclosed: bool  # the code is ready, and nobody was shown it
    settled: bool  # asks for nothing more: ready, or gone

    @property
    def tone(self) -> Tone:
        return self.badge.tone


def arrival(stay: Stay, now: datetime, *, turnover: str, ready_at: datetime | None = None) -> StayRow:
    """A guest who arrives. `turnover`: what is said of those who leave the property on that day, if anybody does.
    `ready_at`: when somebody said that the flat is ready."""
    flags = []
    if stay.booking.status == Booking.Status.TENTATIVE:
        flags.append(_("not confirmed"))
    if turnover:
        flags.append(turnover)
    if ready_at is not None:
        flags.append(_("flat ready {time}").format(time=clock_time(ready_at, stay.booking.property.zone)))
    flags += [*arrivals.flags(stay.booking, now), *_doubts(stay)]
    grant = stay.grant
    undisclosed = grant is not None and stay.tone is Tone.READY and is_live(grant, now) and grant.disclosed_at is None
    if undisclosed:
        flags.append(_("not shown yet"))
    settled = stay.tone is Tone.READY or stay.booking.check_out <= now
    return _row(stay, stay.booking.check_in, now, tuple(flags), settled=settled, undisclosed=undisclosed)


def departure(stay: Stay, now: datetime) -> StayRow:
    """A guest who leaves."""
    return _row(stay, stay.booking.check_out, now, (), settled=stay.tone in (Tone.READY, Tone.OVER))


def shut_out(stay: Stay, now: datetime) -> StayRow:
    """A guest who may stand before a closed door, whenever the stay began and ends."""
    begins = stay.booking.check_in
    since = _("expected since {when}").format(when=brief(begins, now, stay.booking.property.zone))
    return replace(_row(stay, begins, now, tuple(arrivals.flags(stay.booking, now)), settled=False), at=since)


def in_house(stay: Stay, now: datetime, *, next_from: datetime | None = None) -> StayRow:
    """A guest whose stay runs. `Here` is only said of guests who could get in: their code opens every lock. Not
    where the locks tell that nobody came.

    `next_from`: from when the next stay of the guest lets them in, where this one is over already."""
    booking, zone = stay.booking, stay.booking.property.zone
    is_absent = arrivals.has_come(booking) is False
    came = _("here since {when}") if stay.opens(now) and not is_absent else _("expected since {when}")
    if next_from is not None:
        until = _("stays on, with the code of the next stay from {when}").format(when=brief(next_from, now, zone))
    else:
        until = _("until {when}").format(when=brief(booking.check_out, now, zone))
    said = f"{came.format(when=brief(booking.check_in, now, zone))}, {until}"
    flags = (*arrivals.flags(booking, now), *_doubts(stay))
    row = _row(stay, booking.check_out, now, flags, settled=stay.tone is Tone.READY)
    return replace(row, at=said)


def found(stay: Stay, now: datetime) -> StayRow:
    """A stay that somebody looked for, whenever it is."""
    booking = stay.booking
    words = {Booking.Status.TENTATIVE: [_("not confirmed")], Booking.Status.CANCELLED: [_("cancelled")]}
    flags = (*words.get(Booking.Status(booking.status), ()), *_doubts(stay))
    row = _row(stay, booking.check_in, now, flags, settled=stay.tone is not Tone.ACT)
    today = now.astimezone(booking.property.zone).date()
    return replace(row, at=span(booking.arrival_date, booking.departure_date, today))


def _doubts(stay: Stay) -> list[str]:
    found = [_("overlaps another stay")] if stay.overlaps else []
    found += [_("needs review")] if stay.booking.needs_review else []
    return found + ([_("a lock is switched off")] if stay.has_lock_off else [])


def _row(
    stay: Stay, moment: datetime, now: datetime, flags: tuple[str, ...], *, settled: bool, undisclosed: bool = False
) -> StayRow:
    booking = stay.booking
    return StayRow(
        booking_id=booking.pk,
        guest=booking.guest_name or _("Guest"),
        place=booking.property.name,
        moment=moment,
        at=clock_time(moment, booking.property.zone),
        badge=stay.badge,
        locks=tuple(_locks(stay, now)),
        flags=flags,
        undisclosed=undisclosed,
        settled=settled,
    )


def _locks(stay: Stay, now: datetime) -> list[RowLock]:
    found = []
    for pin in stay.pins:
        badge = pin_badge(pin, now)
        if badge.tone in (Tone.READY, Tone.OVER):
            continue
        step = next_step(pin, stay.booking.property.zone, now)
        found.append(RowLock(pin.lock_id, pin.lock.name, badge, step))
    return found
