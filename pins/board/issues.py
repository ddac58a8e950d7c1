"""What a person must fix, the most severe first: arrivals that wait for a person, and open incidents, one per cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.urls import reverse

from pins.board.root_causes import WAITING, Entry, Known, entries
from pins.incidents import texts, unreadable
from pins.models import Incident, Pin
from pins.models.incident import MOST_SEVERE_FIRST, SEVERITIES, rank
from pins.status.pins import is_mute, pin_badge
from pins.status.stay_lists import Stay
from pins.status.wording import Kind
from rentals.access import Scope, visible
from rentals.models import LockAccount
from rentals.wording import Badge, Tone, ago, brief, clock_time

MOST = 40
#: How many of the stays that wait for one cause are named with it.
_NAMED = 3
#: The columns that are read of an incident: names and times, no code and no secret.
_COLUMNS = (
    *("pk", "kind", "severity", "opened_at", "pin", "lock", "account", "feed", "booking"),
    *("pin__admitted", "pin__grant", "pin__grant__holder_name", "pin__grant__starts_at", "pin__grant__ends_at"),
    *("pin__grant__booking", "pin__grant__booking__check_in", "pin__grant__booking__check_out"),
    *("pin__grant__booking__property__name", "pin__grant__booking__property__timezone"),
    *("pin__lock", "pin__lock__name", "pin__lock__account", "pin__lock__account__rate_group"),
    *("lock__name", "lock__account", "lock__account__rate_group", "account__name", "account__rate_group"),
    *("feed__name", "feed__property__name", "booking__guest_name", "booking__property__name"),
    *("booking__check_in", "booking__check_out", "booking__property__timezone"),
)
_Row = dict[str, Any]
_NAMES_ROWS: Final = frozenset({Incident.Kind.FEED_UNREADABLE.value})
#: What is wrong with a stay as a whole, and what to do about it.
_STAYS: Final[dict[StrEnum | None, tuple[str, str]]] = {
    Kind.NO_LOCK: ("The property has no active lock", "Choose its locks on the page of the property."),
    Kind.PROPERTY_OFF: (
        "The property is switched off, and a guest is expected",
        "Switch it on, cancel the stay, or let the guest in another way.",
    ),
    Kind.REVOKED: (
        "The code is revoked, and its guest is expected",
        "Press “New code” on the stay, or cancel the stay.",
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


def issues(now: datetime, stays: Iterable[Stay], scope: Scope) -> tuple[tuple[Issue, ...], int]:
    """At most `MOST`, and how many more there are. `stays`: those that begin soon, and those whose guest may be shut
    out.

    Every open incident is read, in one query: only then it shows which of them have the same cause.
    """
    open_ones = visible(Incident.objects.filter(resolved_at=None), scope)
    rows_by_id = {row["pk"]: row for row in open_ones.order_by(MOST_SEVERE_FIRST, "opened_at", "pk").values(*_COLUMNS)}
    waiting = {one.booking.pk: one for one in stays if one.tone in (Tone.ACT, Tone.OVER)}
    known = [known for one in waiting.values() for known in _known_of_stay(one, now)]
    known += [_known_of_incident(row) for row in rows_by_id.values()]
    found = entries(known)
    feeds = unreadable.feeds_of((row["kind"], row["feed"]) for row in rows_by_id.values())
    wording = _Wording(now, rows_by_id, waiting, unreadable.words(feeds, now))
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


def _waits_for_person(pin: Pin, now: datetime) -> bool:
    return pin.wanted and (is_mute(pin) or pin_badge(pin, now).tone is Tone.ACT)


def _known_of_incident(row: _Row) -> Known:
    about = "pin__lock__" if row["pin"] else "lock__" if row["lock"] else ""
    account, group = row[f"{about}account"], row[f"{about}account__rate_group"]
    booking, grant = row["pin__grant__booking"], row["pin__grant"]
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
    incidents: dict[int, _Row]
    waiting: dict[int, Stay]
    unread: dict[int, str]  # by feed, its rows that cannot be read

    def issue(self, entry: Entry) -> Issue:
        head = entry.head
        badge = texts.severity_badge(SEVERITIES[entry.weight])
        if head.kind == WAITING:
            return self._of_stay(self.waiting[head.key], badge)
        row = self.incidents[head.key]
        said = texts.text_of(head.kind)
        return Issue(
            subject=_subject(row),
            what=unreadable.what(said.what, self.unread.get(row["feed"]) if head.kind in _NAMES_ROWS else None),
            remedy=said.remedy,
            badge=badge,
            url=_url(row),
            since=ago(row["opened_at"], self.now),
            when=self._when(row),
            concerns=tuple(self._concern(one) for one in entry.concerns[:_NAMED]),
            more=max(0, len(entry.concerns) - _NAMED),
            all_url=_url(row) if row["lock"] else reverse("admin:pins_incident_changelist"),
        )

    def _of_stay(self, stay: Stay, badge: Badge) -> Issue:
        booking = stay.booking
        what, remedy = _STAYS.get(stay.badge.kind, (stay.badge.label, "Open the stay: it says what to do."))
        return Issue(
            subject=_at(booking.guest_name, booking.property.name),
            what=what,
            remedy=remedy,
            badge=badge,
            url=reverse("stay", args=[booking.pk]),
            since="",
            when=_when(booking.check_in, booking.check_out, booking.property.zone, self.now),
        )

    def _concern(self, one: Known) -> Concern:
        if one.kind == WAITING:
            stay = self.waiting[one.key].booking
            when = _when(stay.check_in, stay.check_out, stay.property.zone, self.now)
            return Concern(_at(stay.guest_name, stay.property.name), when, reverse("stay", args=[stay.pk]))
        row = self.incidents[one.key]
        who = _at(row["pin__grant__holder_name"], row["pin__grant__booking__property__name"])
        return Concern(who, self._when(row), _url(row))

    def _when(self, row: _Row) -> str:
        about = "booking" if row["booking"] else "pin__grant__booking"
        zone = ZoneInfo(row[f"{about}__property__timezone"] or "UTC")
        begins = row[f"{about}__check_in"] or row["pin__grant__starts_at"]
        ends = row[f"{about}__check_out"] or row["pin__grant__ends_at"]
        if begins is None or ends is None:
            return ""
        if row["kind"] == Incident.Kind.CODE_STAYS and ends > self.now:
            return "the code should be gone"
        return _when(begins, ends, zone, self.now)


def _when(begins: datetime, ends: datetime, zone: ZoneInfo, now: datetime) -> str:
    if ends <= now:
        return f"left {brief(ends, now, zone)}"
    if begins <= now:
        return f"here since {brief(begins, now, zone)}"
    if begins.astimezone(zone).date() == now.astimezone(zone).date():
        return f"arrives today {clock_time(begins, zone)}"
    return f"arrives {brief(begins, now, zone)}"


def _at(guest: str, place: str | None) -> str:
    return f"{guest or 'Guest'} at {place}" if place else guest or "Guest"


def _subject(row: _Row) -> str:
    if row["pin"]:
        place = row["pin__grant__booking__property__name"]
        who = _at(row["pin__grant__holder_name"], place)
        return _once(who, row["pin__lock__name"]) if place else f"{who}, {row['pin__lock__name']}"
    if row["booking"]:
        return _at(row["booking__guest_name"], row["booking__property__name"])
    if row["feed"]:
        return _once(row["feed__name"], row["feed__property__name"])
    return str(row["lock__name"] or row["account__name"])


def _once(said: str, name: str) -> str:
    """A lock or a calendar often has the name of its property, which need not be said twice."""
    return said if said.endswith(name) else f"{said}, {name}"


def _url(row: _Row) -> str:
    pages: Sequence[tuple[str, str]] = (
        ("pin__grant__booking", "stay"),
        ("pin__lock", "lock"),
        ("booking", "stay"),
        ("lock", "lock"),
        ("feed", "admin:rentals_calendarfeed_change"),
    )
    for name, page in pages:
        if row[name]:
            return reverse(page, args=[row[name]])
    return reverse("admin:rentals_lockaccount_change", args=[row["account"]])
