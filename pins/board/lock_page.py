"""One lock: what is on its keypad, what should be there, and the state of the device. Reads no code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pins.models import AccessGrant, Pin, PinAttempt, StaffAccess
from pins.status import wording
from pins.status.locks import is_low, lock_badge, pause, said_full, zone_of_lock
from pins.status.pins import AttemptLine, attempt_line, next_step, pin_badge, pins_for_people
from pins.status.spares import on_lock
from pins.status.staff import staff_holder, works_when
from pins.tedee.errors import Cause
from rentals.access import Scope, visible
from rentals.fields import behind
from rentals.models import Lock
from rentals.wording import Badge, brief, day_and_time, soon

_MOST_PINS = 120
_OF_GRANT = ("grant__booking__property", "grant__staff", "grant__place")
_SECRETS = behind("grant__staff", StaffAccess.SECRETS)
_MOST_ATTEMPTS = 25


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One of our codes on this lock."""

    url: str  # empty for the code of a deleted booking or access
    holder: str
    alias: str
    period: str
    badge: Badge
    step: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One line about the device."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Happening:
    """One request to the lock, and for whom it was."""

    at: str
    what: str
    holder: str
    result: str


@dataclass(frozen=True, slots=True)
class LockPage:
    """What the page of a lock shows."""

    badge: Badge
    trouble: str  # why it rests or is offline, and what to do; else empty
    observe_only: str  # that Turnkey only observes it, and what that means; else empty
    facts: tuple[Fact, ...]
    on_it: tuple[CodeLine, ...]  # ours, surely or perhaps on the lock
    missing: tuple[CodeLine, ...]  # expected but not there yet
    planned: int  # codes whose time has not come
    foreign: int
    foreign_names: tuple[str, ...]  # when the list was last read; empty for people who may not read them
    foreign_more: int  # how many codes of other people are not named there
    alike: tuple[tuple[str, str], ...]  # of those: its name, and for whom Turnkey sent its digits
    attempts: tuple[Happening, ...]
    looked_at: str


def lock_page(lock: Lock, now: datetime, scope: Scope) -> LockPage:
    """What a person with this scope sees of the lock, times on its own clock. `lock` with `operation` and
    `account__operation` loaded."""
    zone = zone_of_lock(lock)
    live = Q(remote_id__isnull=False) | ~Q(op="") | Q(wanted=True, grant__ends_at__gt=now)
    found = visible(pins_for_people(), scope).filter(lock=lock).filter(live).order_by("grant__starts_at", "pk")
    pins = list(found.select_related(*_OF_GRANT).defer(*_SECRETS)[:_MOST_PINS])
    planned = [one for one in pins if one.remote_id is None and one.grant.issue_at > now and not one.op]
    missing = [one for one in pins if one.remote_id is None and one not in planned]
    state = getattr(lock, "operation", None)
    tried = visible(PinAttempt.objects.filter(Q(pin__lock=lock) | Q(lock=lock)), scope)
    tried = tried.annotate(
        holder=Coalesce(F("pin__grant__holder_name"), Value("")),
        whose=Coalesce(F("pin__grant__kind"), Value("")),
        trade=Coalesce(F("pin__grant__staff__kind"), Value("")),
    )
    attempts = tried.order_by("-started_at", "-pk")[:_MOST_ATTEMPTS]
    looked_at = max(filter(None, (state.looked_at, state.audited_at)), default=None) if state is not None else None
    foreign = state.foreign_pins if state is not None else 0
    # A name may be that of a guest of any property that the lock serves.
    names: tuple[str, ...] = tuple(state.foreign_names) if state is not None and not scope.restricted else ()
    alike = pins_for_people().filter(lock=lock).exclude(twins=[]).select_related(*_OF_GRANT).defer(*_SECRETS)
    return LockPage(
        badge=lock_badge(lock, now),
        trouble=_trouble(lock, zone, now),
        observe_only=wording.observe_only_note([lock.name]) if lock.account.observe_only else "",
        # Counted over all properties: the room that is left is the same for everybody.
        facts=tuple(_facts(lock, now, Pin.objects.filter(lock=lock, remote_id__isnull=False).count())),
        on_it=tuple(_line(one, zone, now) for one in pins if one.remote_id is not None),
        missing=tuple(_line(one, zone, now) for one in missing),
        planned=len(planned),
        foreign=foreign,
        foreign_names=names,
        foreign_more=max(foreign - len(names), 0) if names else 0,
        alike=tuple((twin[1], _line(one, zone, now).holder) for one in alike for twin in one.twins) if names else (),
        attempts=tuple(
            _happening(attempt_line(one, zone), _holder(one.holder, one.whose, one.trade)) for one in attempts
        ),
        looked_at=day_and_time(looked_at, zone) if looked_at is not None else "",
    )


def _holder(name: str, whose: str, trade: str) -> str:
    """For whom a request was; somebody who works there with what they do, as in the list of codes."""
    return staff_holder(name, trade) if whose == AccessGrant.Kind.STAFF else name


def _happening(line: AttemptLine, holder: str) -> Happening:
    return Happening(line.at, line.what, holder, line.result)


def _trouble(lock: Lock, zone: ZoneInfo, now: datetime) -> str:
    cause, until = pause(lock, now)
    if not cause or until is None:
        offline = Cause.OFFLINE.value
        known = lock.is_active and lock.is_connected is False and lock.has_bridge is not False
        return f"{wording.reason(offline)} {wording.remedy(offline)}" if known else ""
    again = _("Next try {when}.").format(when=soon(until, now, zone))
    return f"{wording.reason(cause)} {again} {wording.remedy(cause)}".strip()


def _facts(lock: Lock, now: datetime, ours: int) -> list[Fact]:
    state, account_state = getattr(lock, "operation", None), getattr(lock.account, "operation", None)
    foreign = state.foreign_pins if state is not None else 0
    listed_at = account_state.listed_at if account_state is not None else None
    # A request that found it offline is newer than what Tedee said about the connection.
    is_connected = False if pause(lock, now)[0] == Cause.OFFLINE.value else lock.is_connected
    known = {True: _("yes"), False: _("no"), None: _("unknown")}
    free = max(lock.pin_capacity - ours - foreign, 0)
    return [
        Fact(_("Connected"), known[is_connected]),
        Fact(_("Battery"), _battery(lock)),
        Fact(_("Keypad"), known[lock.has_keypad]),
        Fact(_("Bridge"), known[lock.has_bridge]),
        Fact(
            _("Last news from Tedee"),
            _("not yet") if listed_at is None else brief(listed_at, now, zone_of_lock(lock)),
        ),
        Fact(_("Room for codes"), said_full(lock, now) or _free(free, lock.pin_capacity)),
        *([Fact(_("Spare codes"), spares)] if (spares := on_lock(lock, now)) else []),
        Fact(_("Time zone in the Tedee app"), lock.time_zone or _("unknown")),
        Fact(_("Serial number"), lock.serial_number or _("unknown")),
        Fact(_("Account"), lock.account.name),
    ]


def _battery(lock: Lock) -> str:
    if lock.battery_level is None:
        return _("unknown")
    level = _("{level} % (low)") if is_low(lock) else _("{level} %")
    said = level.format(level=lock.battery_level)
    # Tedee tells no level of a lock that is offline.
    return _("{level}, last known").format(level=said) if lock.is_connected is False else said


def _free(free: int, capacity: int) -> str:
    return ngettext("{number} of {total} free", "{number} of {total} free", free).format(number=free, total=capacity)


def _of_staff(grant: AccessGrant, zone: ZoneInfo, now: datetime) -> tuple[str, str, str]:
    """Whose code it is, its page, and when it works."""
    place = f", {grant.place.name}" if grant.place is not None else ""
    url = reverse("admin:pins_staffaccess_change", args=[grant.staff_id]) if grant.staff_id is not None else ""
    holder = staff_holder(grant.holder_name, grant.staff.kind if grant.staff is not None else "")
    return f"{holder}{place}", url, works_when(grant, zone, now)


def _line(pin: Pin, zone: ZoneInfo, now: datetime) -> CodeLine:
    grant = pin.grant
    if grant.kind == AccessGrant.Kind.STAFF:
        holder, url, period = _of_staff(grant, zone, now)
    else:
        place = f", {grant.booking.property.name}" if grant.booking is not None else ""
        holder = f"{grant.holder_name or _('Guest')}{place}"
        url = reverse("stay", args=[grant.booking_id]) if grant.booking_id is not None else ""
        if grant.is_reserve:
            holder, url = _("Spare code"), reverse("admin:rentals_lock_change", args=[pin.lock_id])
        elif grant.kind == AccessGrant.Kind.BACKUP:
            holder = _("Spare code of {guest}").format(guest=holder)
        first, last = brief(grant.starts_at, now, zone), brief(grant.ends_at, now, zone)
        period = _("{first} to {last}").format(first=first, last=last)
    return CodeLine(
        url=url,
        holder=holder,
        alias=pin.alias,
        period=period,
        badge=pin_badge(pin, now),
        step=next_step(pin, zone, now),
    )
