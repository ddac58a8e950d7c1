"""Warnings about a stay that was just saved, although nothing is wrong with the form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pins.core.periods import stay_period
from pins.status.stays import guest_grants
from pins.status.wording import observe_only_note
from rentals.fields import behind
from rentals.models import Booking, LockAccount
from rentals.wording import day_and_time

LONG_STAY = timedelta(days=180)


def stay_warnings(booking: Booking, now: datetime) -> Iterator[str]:
    """Sentences about one saved booking, its property loaded. `now` in UTC; the sentences' times are the property's."""
    if booking.status != Booking.Status.CONFIRMED:
        return
    prop = booking.property
    if booking.check_out <= now:
        yield _("This stay is over, so it gets no code.")
        return
    yield from overlaps(booking)
    grant = guest_grants().filter(booking=booking).first()
    if grant is not None and grant.revoked_at is not None:
        yield _("The code of this stay was revoked. Press “New code” to give the guest one again.")
    elif not prop.is_active:
        if grant is not None and grant.wanted:
            yield _("“{place}” is switched off. The guest keeps the code until check-out.").format(place=prop)
        else:
            off = _("“{place}” is switched off, so this stay gets no code. Switch the property on to issue one.")
            yield off.format(place=prop)
            return
    yield from _locks(booking)
    starts_at = stay_period(booking.check_in, booking.check_out, early_minutes=prop.early_minutes).starts_at
    issue_at = starts_at - timedelta(days=prop.issue_ahead_days)
    is_observed = prop.locks.filter(is_active=True, account__observe_only=True).exists()
    if now < issue_at and not is_observed:
        yield ngettext(
            "The code will be put on the locks on {when}, {number} day before the arrival.",
            "The code will be put on the locks on {when}, {number} days before the arrival.",
            prop.issue_ahead_days,
        ).format(when=day_and_time(issue_at, prop.zone), number=prop.issue_ahead_days)
    yield from long_stay(booking)


def long_stay(booking: Booking) -> Iterator[str]:
    """A warning about a stay so long that its year may be a typing error."""
    if booking.check_out - booking.check_in > LONG_STAY:
        days = (booking.departure_date - booking.arrival_date).days
        yield ngettext(
            "This stay lasts {number} day. Is the year right?",
            "This stay lasts {number} days. Is the year right?",
            days,
        ).format(number=days)


def clock_changes(booking: Booking, moments: dict[str, tuple[datetime, str]]) -> Iterator[str]:
    """Warnings about times of day that a clock change skips or repeats. `moments`: by end of the stay (`arrival`,
    `departure`), the instant and what was typed for it."""
    zone = booking.property.zone
    for end, (instant, typed) in moments.items():
        local = instant.astimezone(zone)
        shown = f"{local:%H:%M}"
        if shown != typed:
            skipped = (
                _("The clocks skip {typed} on the day of the arrival. The code uses what they show then: {shown}.")
                if end == "arrival"
                else _(
                    "The clocks skip {typed} on the day of the departure. The code uses what they show then: {shown}."
                )
            )
            yield skipped.format(typed=typed, shown=shown)
        elif (local.replace(fold=1)).utcoffset() != (local.replace(fold=0)).utcoffset():
            twice = (
                _("The clocks show {typed} twice on the day of the arrival. Turnkey takes {taken}.")
                if end == "arrival"
                else _("The clocks show {typed} twice on the day of the departure. Turnkey takes {taken}.")
            )
            yield twice.format(typed=typed, taken=f"{local:%H:%M %Z}")


def overlaps(booking: Booking) -> Iterator[str]:
    """A warning where another confirmed stay of the property shares a moment with this one."""
    others = Booking.objects.filter(
        property_id=booking.property_id,
        status=Booking.Status.CONFIRMED,
        check_in__lt=booking.check_out,
        check_out__gt=booking.check_in,
    ).exclude(pk=booking.pk)
    names = []
    for other in others.order_by("check_in")[:4]:
        other.property = booking.property
        names.append(str(other))
    if names:
        said = (
            _("Overlaps with another stay here: {stays} and more. Both guests get a code of their own.")
            if len(names) == 4
            else _("Overlaps with another stay here: {stays}. Both guests get a code of their own.")
        )
        yield said.format(stays="; ".join(names[:3]))


def _locks(booking: Booking) -> Iterator[str]:
    secrets = behind("account", LockAccount.SECRETS)
    locks = list(booking.property.locks.select_related("account").defer(*secrets).order_by("name"))
    active = [lock for lock in locks if lock.is_active]
    if not active:
        what = (
            _("All locks of this property are switched off, so the guest's code opens nothing yet.")
            if locks
            else _("This property has no locks, so the guest's code opens nothing yet.")
        )
        choose = _("Choose its locks on the page of “{place}”.").format(place=booking.property)
        yield f"{what} {choose}"
    observed = [lock.name for lock in active if lock.account.observe_only]
    if observed:
        yield observe_only_note(observed)
    for lock in active:
        if lock.has_keypad is False:
            yield _("“{lock}” has no keypad: the guest cannot enter a code there.").format(lock=lock)
        if lock.has_bridge is False:
            yield _("“{lock}” has no bridge: the code cannot be put on it from afar.").format(lock=lock)
