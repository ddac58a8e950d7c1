"""A stay's codes for people: its badge for lists, and for its page everything, lock by lock. Reads no code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pins.core.pin_state import State
from pins.models import AccessGrant, Pin, PinAttempt
from pins.status import staying_on, wording
from pins.status.disclosure import disclosure_badge, is_live, reveals_of_present_code
from pins.status.pins import AttemptLine, attempt_line, next_step, pin_badge, pins_for_people, standing
from pins.status.wording import Kind
from rentals.access import Scope, visible
from rentals.models import Booking
from rentals.wording import Badge, Tone, clock_time, day_and_time

_LATEST_ATTEMPTS: Final = 12


@dataclass(frozen=True)
class LockLine:
    """One lock of the stay."""

    lock_id: int
    name: str
    badge: Badge
    reasons: tuple[str, ...]
    next_step: str  # empty where nothing is to come
    failed_tries: int
    attempts: tuple[AttemptLine, ...]


@dataclass(frozen=True)
class Panel:
    """What the page of a stay says about its codes."""

    badge: Badge
    zone: str  # the name of the property's time zone; all times are in it
    period: str  # a sentence: when the code works, or would work where it is not known to be on every lock; or empty
    notes: tuple[str, ...]  # why there is no code, or what else matters
    lines: tuple[LockLine, ...]
    has_grant: bool
    has_open: bool  # something is still to do on a lock, so that trying again makes sense
    revoked: bool
    disclosure: Badge | None  # whether somebody was shown the code
    reveals: tuple[str, ...]  # who was shown it, latest first
    may_show: bool


def guest_grants() -> QuerySet[AccessGrant]:
    """Grants of stays, without their codes."""
    return AccessGrant.objects.filter(kind=AccessGrant.Kind.GUEST).defer(*AccessGrant.SECRETS)


def panel(booking: Booking, now: datetime, scope: Scope) -> Panel:
    """What the page of a stay says about its codes on the locks that `scope` sees. As many queries for ten locks as for
    one."""
    zone = booking.property.zone
    grant = guest_grants().filter(booking=booking).first()
    pins = list(visible(pins_for_people(), scope).filter(grant=grant)) if grant is not None else []
    attempts = _attempts(pins)
    lines = tuple(_line(pin, attempts[pin.pk], zone, now) for pin in pins)
    reveals = reveals_of_present_code(grant) if grant is not None else []
    observed = _observe_only_notes(booking, pins, now)
    locks = booking.property.locks.filter(is_active=True).values_list("pk", flat=True)
    badge = stay_badge(booking, grant, pins, locks=frozenset(locks), now=now)
    is_ready = badge.kind is Kind.READY
    period = ""
    if grant is not None and grant.wanted:  # one that was taken away works at no time
        works = _("The code works {first} to {last}.") if is_ready else _("The code would work {first} to {last}.")
        period = works.format(first=day_and_time(grant.starts_at, zone), last=day_and_time(grant.ends_at, zone))
    return Panel(
        badge=badge,
        zone=booking.property.timezone,
        period=period,
        notes=(
            *observed,
            *_notes(booking, grant, pins, now, observe_only=bool(observed)),
            *staying_on.notes(booking, grant, now, is_ready=is_ready),
        ),
        lines=lines,
        has_grant=grant is not None,
        has_open=any(State(pin.state) not in (State.SET, State.REMOVED) for pin in pins),
        revoked=grant is not None and grant.revoked_at is not None,
        disclosure=disclosure_badge(grant, reveals, zone, now),
        reveals=tuple(
            _("{person} on {when}").format(person=one.person, when=day_and_time(one.at, zone)) for one in reveals
        ),
        may_show=grant is not None and is_live(grant, now),
    )


def stay_badge(
    booking: Booking, grant: AccessGrant | None, pins: list[Pin], *, locks: Collection[int], now: datetime
) -> Badge:
    """The codes of one stay in a few words, the worst lock first. `pins`: those of the grant, with their locks.
    `locks`: the active ones of its property; none of them is passed over, also where no code is planned for it yet."""
    ends_at = grant.ends_at if grant is not None else booking.check_out  # with the minutes that the property adds
    is_expected = booking.status == Booking.Status.CONFIRMED and now < ends_at
    badges = [(pin_badge(pin, now), pin.lock.name) for pin in pins]
    shown = badges if is_expected else [pair for pair in badges if pair[0].tone is not Tone.OVER]
    worst = _worst(shown, is_expected=is_expected)
    if worst is not None:
        return worst
    if not is_expected or (grant is not None and grant.revoked_at is not None):
        if any(one.tone is Tone.BUSY for one, _ in shown):
            return Badge(_("Being removed"), Tone.BUSY, Kind.BEING_REMOVED)
        if is_expected:
            return Badge(_("Revoked"), Tone.OVER, Kind.REVOKED)
        if ends_at <= now:
            return Badge(_("Over"), Tone.OVER, Kind.OVER)
        return Badge(_("No code"), Tone.OVER, Kind.NO_CODE)
    if not locks:
        is_soon = booking.check_in - now < timedelta(days=7)
        return Badge(_("No lock"), Tone.ACT if is_soon else Tone.WAITING, Kind.NO_LOCK)
    wanted = [badge for pin, (badge, _) in zip(pins, badges, strict=True) if pin.wanted]
    if not wanted:
        switched_off = Badge(_("Property switched off"), Tone.OVER, Kind.PROPERTY_OFF)
        return wording.planned() if booking.property.is_active else switched_off
    missing = len(set(locks) - {pin.lock_id for pin in pins if pin.wanted})
    if not missing and grant is not None and not _covers(grant, booking):
        return wording.being_changed()
    return _progress(wanted, missing)


def _covers(grant: AccessGrant, booking: Booking) -> bool:
    """Whether the code is meant for all of the stay. Rows that were changed in bulk wait for the drift check."""
    return grant.starts_at <= booking.check_in and booking.check_out.replace(microsecond=0) <= grant.ends_at


def _worst(badges: list[tuple[Badge, str]], *, is_expected: bool) -> Badge | None:
    """The first lock in trouble, by name, and how many more there are; those that need a person come first."""
    for tone in (Tone.ACT, Tone.TROUBLE):
        # A former code that is left on an observed lock keeps no expected guest out.
        bad = [
            (one, name)
            for one, name in badges
            if one.tone is tone and not (is_expected and one.kind is Kind.LEFT_THERE)
        ]
        if bad:
            first, name = bad[0]
            label, more = f"{first.label}: {name}", len(bad) - 1
            if more:
                label = ngettext("{first} and {number} more", "{first} and {number} more", more).format(
                    first=label, number=more
                )
            return Badge(label, tone, first.kind)
    return None


def _progress(wanted: list[Badge], missing: int) -> Badge:
    """How far a stay without trouble is, from the badges of the codes that it wants: one at least. `missing`: how many
    more locks need the code."""
    ready, total = sum(one.tone is Tone.READY for one in wanted), len(wanted) + missing
    if ready == total:
        label = ngettext("Ready on {number} lock", "Ready on {number} locks", ready).format(number=ready)
        return Badge(label, Tone.READY, Kind.READY)
    if any(one.kind is Kind.OBSERVED for one in wanted):
        some = ngettext("Observe only ({number} of {total} ready)", "Observe only ({number} of {total} ready)", ready)
        return wording.observe_only(some.format(number=ready, total=total) if ready else "")
    if all(one.tone is Tone.WAITING for one in wanted):
        return wording.planned()
    label = ngettext("On its way ({number} of {total} ready)", "On its way ({number} of {total} ready)", ready)
    return Badge(label.format(number=ready, total=total), Tone.BUSY, Kind.ON_ITS_WAY)


def _attempts(pins: list[Pin]) -> defaultdict[int, list[PinAttempt]]:
    """The latest attempts of each PIN, newest first, in one query for all of them."""
    newest_first = (F("started_at").desc(), F("pk").desc())
    place = Window(RowNumber(), partition_by=F("pin"), order_by=newest_first)
    latest = PinAttempt.objects.filter(pin__in=pins).annotate(place=place).filter(place__lte=_LATEST_ATTEMPTS)
    found: defaultdict[int, list[PinAttempt]] = defaultdict(list)
    for attempt in latest.order_by(*newest_first):
        if attempt.pin_id is not None:
            found[attempt.pin_id].append(attempt)
    return found


def _line(pin: Pin, attempts: list[PinAttempt], zone: ZoneInfo, now: datetime) -> LockLine:
    tries = [one for one in attempts if one.rev == pin.desired_rev and one.outcome not in ("", "done")]
    return LockLine(
        lock_id=pin.lock_id,
        name=pin.lock.name,
        badge=pin_badge(pin, now),
        reasons=tuple(_reasons(pin, attempts, zone, now)),
        next_step=next_step(pin, zone, now),
        failed_tries=len(tries),
        attempts=tuple(attempt_line(one, zone) for one in attempts),
    )


def _reasons(pin: Pin, attempts: list[PinAttempt], zone: ZoneInfo, now: datetime) -> list[str]:
    found = standing(pin, now)
    said = []
    if found.state is State.BLOCKED:
        said.append(wording.blocked_reason(pin.blocked))
    elif found.trouble:
        said.append(wording.reason(found.trouble, _since(attempts, found.trouble, zone, now)))
        said.append(wording.remedy(found.trouble))
    if wording.badge(found, now).kind is Kind.LEFT_THERE:
        said.append(wording.stays_there())
    if found.state is State.IN_DOUBT:
        said.append(_("An answer was lost, so Turnkey looks at the lock before it does anything else."))
    if pin.wanted and not pin.admitted and not found.observe_only and now < pin.grant.ends_at:
        said.append(_("The keypad is full. Nearer arrivals come first; this code follows when one leaves."))
    if pin.wanted and now < pin.grant.ends_at:
        if pin.lock.has_keypad is False:
            said.append(_("The lock has no keypad: the guest cannot enter a code here."))
        if pin.lock.has_bridge is False:
            said.append(_("The lock has no bridge: codes cannot be set from afar."))
    return [text for text in said if text]


def _since(attempts: list[PinAttempt], cause: str, zone: ZoneInfo, now: datetime) -> str:
    """When the present streak of this failure began for this PIN, on the clock of `zone`; empty where there is none."""
    began = None
    for one in attempts:
        if one.cause != cause:
            break
        began = one.started_at
    if began is None:
        return ""
    same_day = began.astimezone(zone).date() == now.astimezone(zone).date()
    return clock_time(began, zone) if same_day else day_and_time(began, zone)


def _observe_only_notes(booking: Booking, pins: list[Pin], now: datetime) -> list[str]:
    """One sentence about the locks of the stay that Turnkey only observes, also before its codes are due."""
    if booking.status != Booking.Status.CONFIRMED or booking.check_out <= now:
        return []
    names = {pin.lock_id: pin.lock.name for pin in pins if pin.wanted and pin.lock.account.observe_only}
    names |= dict(booking.property.locks.filter(is_active=True, account__observe_only=True).values_list("pk", "name"))
    return [wording.observe_only_note(sorted(names.values()))] if names else []


def _notes(
    booking: Booking, grant: AccessGrant | None, pins: list[Pin], now: datetime, *, observe_only: bool
) -> list[str]:
    zone = booking.property.zone
    if booking.status == Booking.Status.CANCELLED:
        return [_("The booking is cancelled, so it has no code.")]
    if booking.status == Booking.Status.TENTATIVE:
        return [_("The booking is tentative. It gets a code as soon as it is confirmed.")]
    if booking.check_out <= now:
        return [] if staying_on.still_works(booking, grant, now) else [_("The stay is over.")]
    if grant is not None and grant.revoked_at is not None:
        revoked = _("Revoked on {when}. Press “New code” to give the guest a new one.")
        return [revoked.format(when=day_and_time(grant.revoked_at, zone))]
    if not booking.property.is_active and (grant is None or not grant.wanted):
        return [_("The property is switched off, so no code is issued. Switch it on, or let the guest in another way.")]
    said = []
    has_lock = any(pin.wanted for pin in pins) or booking.property.locks.filter(is_active=True).exists()
    if not has_lock:
        said.append(_("The property has no active lock. Choose its locks on the page of the property."))
    elif off := list(booking.property.locks.filter(is_active=False).values_list("name", flat=True)):
        said.append(_("Switched off, so without the code: {locks}.").format(locks=", ".join(sorted(off))))
    if has_lock and (grant is None or now < grant.issue_at):
        opens = booking.check_in - timedelta(
            days=booking.property.issue_ahead_days, minutes=booking.property.early_minutes
        )
        if observe_only:
            goes = _("The code would go onto the locks on {when}.")
        else:
            goes = _("The code goes onto the locks on {when}.")
        said += [goes.format(when=day_and_time(opens, zone))] if opens > now else []
    return said
