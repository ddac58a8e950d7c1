"""What a person must fix, the most severe first: arrivals that wait for a person, and open incidents, one per cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _

from pins.board.incident_rows import Row, at, holder_of, is_about_staff, subject_of, url_of, when, when_of
from pins.board.root_causes import LOCK_OFF, REVIEW, WAITING, Entry, Known, entries
from pins.core.pin_state import Blocked, State
from pins.incidents import texts, unreadable
from pins.models import Incident, Pin
from pins.models.incident import SEVERITIES, rank
from pins.status.pins import is_mute, pin_badge
from pins.status.stay_lists import Stay
from pins.status.wording import Kind
from rentals.models import Booking, LockAccount
from rentals.phrases import mark
from rentals.wording import Badge, Tone, ago

MOST = 40
#: How many of the stays that wait for one cause are named with it.
_NAMED = 3
_NAMES_ROWS: Final = frozenset({Incident.Kind.FEED_UNREADABLE.value})
#: What is wrong with a stay as a whole, and what to do about it.
_STAYS: Final[dict[StrEnum | None, tuple[str, str]]] = {
    Kind.NO_LOCK: (
        mark("The property has no active lock"),
        mark("Choose its locks on the page of the property."),
    ),
    Kind.PROPERTY_OFF: (
        mark("The property is switched off, and a guest is expected"),
        mark("Switch it on, cancel the stay, or let the guest in another way."),
    ),
    Kind.REVOKED: (
        mark("The code is revoked, and its guest is expected"),
        mark("Press “New code” on the stay, or cancel the stay."),
    ),
}
#: The same for stays whose code is ready.
_READY_STAYS: Final[dict[str, tuple[str, str]]] = {
    REVIEW: (
        mark("The stay needs a review"),
        mark("Compare it with the channel, then press “Looks right” on the stay."),
    ),
    LOCK_OFF: (
        mark("A lock of the property is switched off, so it has no code"),
        mark("Switch the lock on, or take it off the property on its page."),
    ),
}


@dataclass(frozen=True, slots=True)
class Concern:
    """A stay that waits for an issue to be fixed."""

    who: str
    when: str
    url: str


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that a person must fix. All texts are for people."""

    subject: str  # about whom or what
    what: str  # what is wrong
    remedy: str  # what to do
    badge: Badge
    url: str  # where to do it
    since: str  # when it was found
    when: str = ""  # when its stay begins, began or ended
    concerns: tuple[Concern, ...] = ()  # stays whose codes wait for it
    more: int = 0  # how many more stays wait
    all_url: str = ""  # where all of them are listed


def issues(
    now: datetime, stays: Iterable[Stay], incidents: Iterable[Row], *, present: Iterable[Stay] = ()
) -> tuple[tuple[Issue, ...], int]:
    """At most `MOST`, and how many more there are. `stays`: those that begin soon, and those whose guest may be shut
    out. `incidents`: those of `open_incidents`. `present`: guests in the house, of whom only a lock is told that is
    switched off: the door that it opens closed on them."""
    rows_by_id = {row["pk"]: row for row in incidents}
    by_id = {one.booking.pk: one for one in stays if one.booking.status == Booking.Status.CONFIRMED}
    waiting = {pk: one for pk, one in by_id.items() if one.tone in (Tone.ACT, Tone.OVER)}
    known = [known for one in waiting.values() for known in _known_of_stay(one, now)]
    known += [known for one in by_id.values() for known in _doubts_of(one)]
    inside = {one.booking.pk: one for one in present if one.booking.pk not in by_id}
    known += [known for one in inside.values() for known in _doubts_of(one) if known.kind == LOCK_OFF]
    known += [_known_of_incident(row) for row in rows_by_id.values()]
    found = entries(known)
    feeds = unreadable.feeds_of((row["kind"], row["feed"]) for row in rows_by_id.values())
    wording = _Wording(now, rows_by_id, by_id | inside, unreadable.words(feeds, now))
    return tuple(wording.issue(entry) for entry in found[:MOST]), max(0, len(found) - MOST)


def _known_of_stay(stay: Stay, now: datetime) -> Iterable[Known]:
    """Once for each code of the stay that waits for a person; or once for the stay, where none of its codes does."""
    booking, weight = stay.booking, len(SEVERITIES) - 1
    whom = _stay_key(booking.pk)
    pins = [one for one in stay.pins if _waits_for_person(one, now)]
    for pin in pins:
        yield Known(
            booking.pk,
            WAITING,
            weight,
            None,
            pin=pin.pk,
            lock=pin.lock_id,
            account=pin.lock.account_id,
            budget=pin.lock.account.budget_key,
            whom=whom,
            moment=booking.check_in,
            admitted=pin.admitted,
        )
    if not pins:
        yield Known(booking.pk, WAITING, weight, None, whom=whom, moment=booking.check_in)


def _doubts_of(stay: Stay) -> Iterable[Known]:
    """What a person should look at although the code may be ready."""
    booking, weight = stay.booking, SEVERITIES.index(Incident.Severity.WARNING)
    if booking.needs_review:
        yield Known(booking.pk, REVIEW, weight, None, moment=booking.check_in)
    if stay.has_lock_off and stay.locks:
        yield Known(booking.pk, LOCK_OFF, weight, None, moment=booking.check_in)


def _waits_for_person(pin: Pin, now: datetime) -> bool:
    return pin.wanted and (is_mute(pin) or pin_badge(pin, now).tone is Tone.ACT)


def _known_of_incident(row: Row) -> Known:
    about = "pin__lock__" if row["pin"] else "lock__" if row["lock"] else ""
    account, group = row[f"{about}account"], row[f"{about}account__rate_group"]
    booking, grant = row["pin__grant__booking"], row["pin__grant"]
    if row["kind"] == Incident.Kind.NO_LOCK:  # says of the stay what the stay says of itself
        booking = row["booking"]
    return Known(
        key=row["pk"],
        kind=row["kind"],
        weight=rank(row["severity"]),
        opened_at=row["opened_at"],
        pin=row["pin"],
        lock=row["pin__lock"] or row["lock"],
        account=account,
        budget=LockAccount(pk=account, rate_group=group or "").budget_key if account else "",
        whom=_stay_key(booking) if booking else f"grant {grant}" if grant else "",
        moment=row["pin__grant__booking__check_in"] or row["pin__grant__starts_at"],
        admitted=row["pin__admitted"] is not False,
    )


def _stay_key(booking_id: int) -> str:
    return f"stay {booking_id}"


@dataclass(frozen=True, slots=True)
class _Wording:
    """Puts entries into words, from the rows that they were made of."""

    now: datetime
    incidents: dict[int, Row]
    stays: dict[int, Stay]
    unread: dict[int, str]  # by feed, its rows that cannot be read

    def issue(self, entry: Entry) -> Issue:
        head = entry.head
        badge = texts.severity_badge(SEVERITIES[entry.weight])
        if head.kind == WAITING or head.kind in _READY_STAYS:
            said_of_ready = _translated(_READY_STAYS.get(head.kind))
            return self._of_stay(self.stays[head.key], badge, *(said_of_ready or ()))
        row = self.incidents[head.key]
        if head.kind == Incident.Kind.NO_LOCK and (known := self.stays.get(row["booking"])) is not None:
            issue = self._of_stay(known, badge, *_of_badge(known, texts.text_of(head.kind)))
            return replace(issue, since=ago(row["opened_at"], self.now))
        # The usual text says that Turnkey puts it right.
        edited = row["pin__blocked"] == Blocked.EDITED_AGAIN and row["pin__state"] == State.BLOCKED
        said = texts.text_of(head.kind, staff=is_about_staff(row), edited_again=edited)
        return Issue(
            subject=subject_of(row, self.now),
            what=unreadable.what(said.what, self.unread.get(row["feed"]) if head.kind in _NAMES_ROWS else None),
            remedy=said.remedy,
            badge=badge,
            url=url_of(row),
            since=ago(row["opened_at"], self.now),
            when=when_of(row, self.now),
            concerns=tuple(self._concern(one) for one in entry.concerns[:_NAMED]),
            more=max(0, len(entry.concerns) - _NAMED),
            all_url=url_of(row) if row["lock"] else reverse("admin:pins_incident_changelist"),
        )

    def _of_stay(self, stay: Stay, badge: Badge, what: str = "", remedy: str = "") -> Issue:
        booking, zone = stay.booking, stay.booking.property.zone
        if not what:
            what, remedy = _of_kind(stay) or (stay.badge.label, _("Open the stay: it says what to do."))
        return Issue(
            subject=at(booking.guest_name, booking.property.name),
            what=what,
            remedy=remedy,
            badge=badge,
            url=reverse("stay", args=[booking.pk]),
            since="",
            when=when(booking.check_in, booking.check_out, zone, self.now, is_in=stay.opens(self.now)),
        )

    def _concern(self, one: Known) -> Concern:
        if one.kind == WAITING:
            stay = self.stays[one.key].booking
            said = when(stay.check_in, stay.check_out, stay.property.zone, self.now)
            return Concern(at(stay.guest_name, stay.property.name), said, reverse("stay", args=[stay.pk]))
        row = self.incidents[one.key]
        return Concern(holder_of(row), when_of(row, self.now), url_of(row))


def _of_badge(stay: Stay, said: texts.IncidentText) -> tuple[str, str]:
    """Why no lock can let a guest in: what the stay itself knows, or else what is said of all such stays."""
    return _of_kind(stay) or (said.what, said.remedy)


def _of_kind(stay: Stay) -> tuple[str, str] | None:
    return _translated(_STAYS.get(stay.badge.kind))


def _translated(marked: tuple[str, str] | None) -> tuple[str, str] | None:
    return (_(marked[0]), _(marked[1])) if marked is not None else None
