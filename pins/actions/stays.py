"""What a person can do about the codes of a stay: one function per action, with a sentence about what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from pins import tasks
from pins.actions import departures, guests
from pins.actions.results import ActionResult, done, left_out_text, nothing, observed_among, trying
from pins.core.code_rules import NoValueLeft
from pins.core.pin_state import State
from pins.desired import code_overrides, grants
from pins.guests import links
from pins.models import AccessGrant, Pin
from pins.reconcile import by_hand
from pins.status.stays import guest_grants
from rentals.calendars import conflicts
from rentals.ending import ended_by_calendar
from rentals.models import Booking
from rentals.phrases import mark, phrase, phrases
from rentals.wording import said

Action = Callable[[Booking, datetime], ActionResult]


_NOTHING_OPEN: Final = mark("nothing is open, every lock is as it should be.")


def _why_no_code(booking: Booking, now: datetime) -> str:
    if booking.status != Booking.Status.CONFIRMED:
        return _("it is not confirmed, so it gets no code.")
    if booking.check_out <= now:
        return _("the stay is over, so it gets no code.")
    return _("it has no code yet, because its time to be put on the locks has not come.")


def try_again(booking: Booking, now: datetime) -> ActionResult:
    """Lift blocks and rests and let the locks be tried at once."""
    return try_all_again([booking], now)[0]


def try_all_again(bookings: Sequence[Booking], now: datetime) -> list[ActionResult]:
    """The same for several stays, with a few statements; all or none."""
    with transaction.atomic():
        granted = set(guest_grants().filter(booking__in=bookings).values_list("booking", flat=True))
        new = [one.pk for one in bookings if one.pk not in granted]
        grants.sync_bookings(new, now)
        pins = Pin.objects.filter(grant__booking__in=bookings, grant__kind=AccessGrant.Kind.GUEST)
        open_ones: defaultdict[int | None, set[int]] = defaultdict(set)
        retried: list[int] = []
        rows = pins.exclude(state__in=[State.SET, State.REMOVED]).order_by("pk")
        for pin_id, booking_id, lock_id in rows.values_list("pk", "grant__booking", "lock"):
            open_ones[booking_id].add(lock_id)
            if booking_id in granted:
                retried.append(pin_id)
        by_hand.try_now(retried, now)
        woken = set().union(*open_ones.values())
        tasks.wake_locks_on_commit(sorted(woken))
        observed = observed_among(woken)
    return [
        _tried(open_ones[one.pk], observed)
        if open_ones[one.pk]
        else nothing(_(_NOTHING_OPEN) if one.pk in granted else _why_no_code(one, now))
        for one in bookings
    ]


def _tried(touched: set[int], observed: set[int]) -> ActionResult:
    written, left_out = len(touched - observed), left_out_text(len(touched & observed))
    if not written:
        return nothing(" ".join(filter(None, (_("nothing was tried."), said(left_out)))))
    return done(trying(written), left_out)


def new_code(booking: Booking, now: datetime) -> ActionResult:
    """Another code, chosen by Turnkey. A revoked stay gets its code back with it."""
    return new_codes([booking], now)[0]


def new_codes(bookings: Sequence[Booking], now: datetime) -> list[ActionResult]:
    """The same for several stays, with a few statements."""
    with transaction.atomic():
        found = {one.booking_id: one.pk for one in guest_grants().filter(booking__in=bookings)}
        going = {
            one.pk: found[one.pk]
            for one in bookings
            if one.pk in found and one.status == Booking.Status.CONFIRMED and one.check_out > now
        }
        answers = code_overrides.renew_codes(going.values(), now)
        woken: set[int] = set().union(*(one for one in answers.values() if isinstance(one, set)))
        tasks.wake_locks_on_commit(sorted(woken))
        observed = observed_among(woken)
    return [
        _renewed(answers[going[one.pk]], observed) if one.pk in going else nothing(_why_no_code(one, now))
        for one in bookings
    ]


def _renewed(answer: code_overrides.Renewal, observed: set[int]) -> ActionResult:
    if isinstance(answer, code_overrides.CodeDisclosedError):
        return nothing(
            _("the present code was already shown. Revoke it first, then press “New code” and tell the guest.")
        )
    if isinstance(answer, NoValueLeft):
        return nothing(_(str(answer)))
    if not answer:
        return done(phrase("a new code was chosen. No lock needs it at present."))
    written, left_out = len(answer - observed), left_out_text(len(answer & observed))
    if not written:
        return done(phrase("a new code was chosen."), left_out)
    chosen = phrases(
        "a new code was chosen and goes onto {number} lock.",
        "a new code was chosen and goes onto {number} locks.",
        written,
    )
    return done(chosen, left_out)


def revoke(booking: Booking, now: datetime) -> ActionResult:
    """Take the code off the locks, whatever the booking says, until somebody asks for a new one."""
    return revoke_all([booking], now)[0]


def revoke_all(bookings: Sequence[Booking], now: datetime) -> list[ActionResult]:
    """The same for several stays, with a few statements; all or none."""
    with transaction.atomic():
        found = {one.booking_id: one for one in guest_grants().filter(booking__in=bookings)}
        refused = {one.pk: why_not_revoked(one, found.get(one.pk), now) for one in bookings}
        going = {one.pk: found[one.pk].pk for one in bookings if not refused[one.pk]}
        touched = code_overrides.revoke(going.values(), now)
        links.rotate(going)  # whoever has a former link must not see what comes next
        woken = set().union(*touched.values())
        tasks.wake_locks_on_commit(sorted(woken))
        observed = observed_among(woken)
    return [
        nothing(refused[one.pk]) if one.pk not in going else _revoked(touched[going[one.pk]], observed)
        for one in bookings
    ]


def _revoked(touched: set[int], observed: set[int]) -> ActionResult:
    written, left_out = len(touched - observed), left_out_text(len(touched & observed))
    if not written:
        return done(phrase("the code is revoked."), left_out)
    revoked = phrases(
        "the code is revoked and comes off {number} lock.", "the code is revoked and comes off {number} locks.", written
    )
    return done(revoked, left_out)


def why_not_revoked(booking: Booking, grant: AccessGrant | None, now: datetime) -> str:
    """Why there is nothing to revoke; empty where there is."""
    if grant is None:
        return _("there is no code to revoke. If none should be issued, cancel the booking.")
    if grant.revoked_at is not None:
        return _("its code was revoked already.")
    return _("the stay is over, and its code comes off the locks by itself.") if booking.check_out <= now else ""


def looks_right(booking: Booking, now: datetime) -> ActionResult:
    """A person looked at a stay that needed a review, and finds it right."""
    if conflicts.clear_review(booking):
        return done(phrase("thank you, it is no longer marked for review."))
    return nothing(_("it was not marked for review any more."))


def follow_calendar(booking: Booking, now: datetime) -> ActionResult:
    """Give up what a person set, where the calendars say something else. Not where that ends a stay that runs."""
    if (stay := ended_by_calendar(booking, now)) is not None:
        unchanged = _("Nothing was changed: open the stay and decide there.")
        return nothing(f"{stay.question} {unchanged}")
    return follow_calendar_now(booking, now)


def follow_calendar_now(booking: Booking, now: datetime) -> ActionResult:
    """The same, after the person was told that the guest is in the house."""
    if conflicts.follow_calendar(booking):
        return done(phrase("it is what the calendar says now, and follows it again."))
    return nothing(_("what you set and what the calendar says do not fit together. Set the dates by hand."))


#: Those that are done for several stays together.
TOGETHER: dict[str, Callable[[Sequence[Booking], datetime], list[ActionResult]]] = {
    "try_again": try_all_again,
    "new_code": new_codes,
    "revoke": revoke_all,
}
#: By their name in URLs and in the list of bookings.
ACTIONS: dict[str, Action] = {
    "try_again": try_again,
    "new_code": new_code,
    "revoke": revoke,
    "looks_right": looks_right,
    "follow_calendar": follow_calendar,
    "follow_calendar_now": follow_calendar_now,
    "check_out_now": departures.check_out_now,
    "undo_check_out": departures.undo_check_out,
    "make_guest_page": guests.make_guest_page,
    "new_guest_link": guests.new_guest_link,
    "release_guest": guests.release_guest,
    "tell_guest": guests.tell_guest,
    "guest_is_in": guests.guest_is_in,
}
#: The text of the button, for the history of a stay: English, as all of it is.
_BUTTONS = {
    "try_again": "Try again now",
    "new_code": "New code",
    "revoke": "Revoke",
    "looks_right": "Looks right",
    "follow_calendar": "Follow the calendar",
    "follow_calendar_now": "Follow the calendar",
    "check_out_now": "Check out now",
    "undo_check_out": "Undo the check-out",
    "make_guest_page": "Make the guest's page",
    "new_guest_link": "New link",
    "release_guest": "Release",
    "tell_guest": "Send the message",
    "guest_is_in": "The guest is in",
    "late_check_out": "Late check-out",
    "change_days": "Other days",
}


def history_line(name: str, result: ActionResult) -> str:
    """What the history of the booking says about an action."""
    return f"{_BUTTONS[name]}: {result.noted or result.text}"
