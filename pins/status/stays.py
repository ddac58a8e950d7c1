"""What the page of a booking says about its door codes, lock by lock. Reads no code: they are masked here."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from pins.core.pin_state import State
from pins.models import AccessGrant, Pin, PinAttempt
from pins.status import wording
from pins.status.disclosure import is_live, looks_at_present_code, told_badge
from pins.status.locks import NO_KEYPAD, pause
from rentals.access import Scope, visible
from rentals.fields import behind
from rentals.models import Booking, LockAccount
from rentals.wording import Badge, Tone, clock_time, day_and_time, soon

MASK = "••••••"
_LATEST_ATTEMPTS = 12
_SECRETS = (
    *Pin.SECRETS,
    *behind("grant", AccessGrant.SECRETS),
    *behind("lock__account", LockAccount.SECRETS),
)


@dataclass(frozen=True)
class AttemptLine:
    """One request, for people."""

    at: str
    what: str
    result: str
    tone: Tone
    correlation_id: str


@dataclass(frozen=True)
class LockLine:
    """One lock of the stay."""

    lock_id: int
    name: str
    badge: Badge
    reasons: tuple[str, ...]
    next_step: str
    failed_tries: int
    attempts: tuple[AttemptLine, ...]


@dataclass(frozen=True)
class Panel:
    """The whole panel. `notes` say why there is no code, or what else matters."""

    badge: Badge
    zone: str
    period: str
    works: str  # "works", or "would work" where Turnkey only watches
    notes: tuple[str, ...]
    lines: tuple[LockLine, ...]
    has_grant: bool
    revoked: bool
    told: Badge | None  # does the guest have the code?
    looks: tuple[str, ...]  # who was shown it, latest first
    may_show: bool


#: A confirmed stay gets no code because somebody switched its property off.
SWITCHED_OFF = Badge("Property switched off", Tone.OVER)
#: A confirmed stay whose code somebody took away.
REVOKED = Badge("Revoked", Tone.OVER)


def pins_for_people() -> QuerySet[Pin]:
    """PINs with what words need and without anything that must be decrypted."""
    return (
        Pin.objects.select_related("grant", "lock__operation", "lock__account__operation")
        .defer("lock__operation__foreign_names", *_SECRETS)
        .order_by("lock__name", "pk")
    )


def guest_grants() -> QuerySet[AccessGrant]:
    return AccessGrant.objects.filter(kind=AccessGrant.Kind.GUEST).defer(*AccessGrant.SECRETS)


def panel(booking: Booking, now: datetime, scope: Scope) -> Panel:
    """Everything for the page of one booking, in as many queries for ten locks as for one."""
    zone = booking.property.zone
    grant = guest_grants().filter(booking=booking).first()
    pins = list(visible(pins_for_people(), scope).filter(grant=grant)) if grant is not None else []
    attempts = _attempts(pins)
    lines = tuple(_line(pin, attempts[pin.pk], zone, now) for pin in pins)
    looks = looks_at_present_code(grant) if grant is not None else []
    watched = _watched_notes(booking, pins, now)
    period = ""
    if grant is not None and grant.wanted:  # one that was taken away works at no time
        period = f"{day_and_time(grant.starts_at, zone)} to {day_and_time(grant.ends_at, zone)}"
    return Panel(
        badge=door_badge(
            booking, grant, pins, has_locks=booking.property.locks.filter(is_active=True).exists(), now=now
        ),
        zone=booking.property.timezone,
        period=period,
        works="would work" if watched else "works",
        notes=(*watched, *_notes(booking, grant, pins, now, watched=bool(watched))),
        lines=lines,
        has_grant=grant is not None,
        revoked=grant is not None and grant.revoked_at is not None,
        told=told_badge(grant, looks, zone, now),
        looks=tuple(f"{one.user_name} on {day_and_time(one.at, zone)}" for one in looks),
        may_show=grant is not None and is_live(grant, now),
    )


def door_badge(
    booking: Booking, grant: AccessGrant | None, pins: list[Pin], *, has_locks: bool, now: datetime
) -> Badge:
    """The doors of one stay in a few words, the worst lock first."""
    ends_at = grant.ends_at if grant is not None else booking.check_out  # with the minutes that the property adds
    asks = booking.status == Booking.Status.CONFIRMED and now < ends_at
    badges = [(standing_badge(pin, now), pin.lock.name) for pin in pins]
    shown = [pair for pair in badges if pair[0].tone is not Tone.OVER] if not asks else badges
    for tone in (Tone.ACT, Tone.TROUBLE):
        # To who is expected, a code that only watching leaves on a lock is no obstacle.
        bad = [(one, name) for one, name in shown if one.tone is tone and not (asks and one == wording.LEFT_THERE)]
        if bad:
            label, more = bad[0][0].label, f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            return Badge(f"{label}: {bad[0][1]}{more}", tone)
    if not asks or (grant is not None and grant.revoked_at is not None):
        if shown and any(one.tone is Tone.BUSY for one, _ in shown):
            return Badge("Being removed", Tone.BUSY)
        if asks:
            return REVOKED
        return Badge("Over" if ends_at <= now else "No code", Tone.OVER)
    if not has_locks:
        return Badge("No lock", Tone.ACT if booking.check_in - now < timedelta(days=7) else Tone.WAITING)
    wanted = [standing_badge(pin, now) for pin in pins if pin.wanted]
    if not wanted:
        return Badge("Planned", Tone.WAITING) if booking.property.is_active else SWITCHED_OFF
    ready = sum(one.tone is Tone.READY for one in wanted)
    if ready == len(wanted):
        return Badge(f"Ready on {wording.doors(ready)}", Tone.READY)
    if wording.WATCHED in wanted:
        some = f" ({ready} of {len(wanted)} ready)" if ready else ""
        return Badge(f"{wording.WATCHED.label}{some}", wording.WATCHED.tone)
    if all(one.tone is Tone.WAITING for one in wanted):
        return Badge("Planned", Tone.WAITING)
    return Badge(f"On its way ({ready} of {len(wanted)} ready)", Tone.BUSY)


def standing_badge(pin: Pin, now: datetime) -> Badge:
    badge = wording.badge(_standing(pin, now), now)
    if badge.tone in (Tone.READY, Tone.BUSY, Tone.WAITING) and pin.grant.ends_at > now and is_mute(pin):
        return NO_KEYPAD
    return badge


def is_mute(pin: Pin) -> bool:
    """A code that the lock holds opens nothing where there is nothing to enter it on."""
    return pin.wanted and pin.lock.has_keypad is False and not is_watched(pin)


def _standing(pin: Pin, now: datetime) -> wording.Standing:
    grant = pin.grant
    needs_request = pin.next_try_at is not None and State(pin.state) not in (State.SET, State.BLOCKED)
    # What a request met with before is past where none follows.
    last_cause = "" if is_watched(pin) else pin.last_cause
    trouble = (pause(pin.lock, now)[0] or last_cause) if needs_request else ""
    return wording.Standing(
        State(pin.state), pin.wanted, pin.admitted, grant.issue_at, grant.ends_at, trouble, is_watched(pin)
    )


def is_watched(pin: Pin) -> bool:
    """Is nothing written to its lock? What is under way already still lands."""
    return pin.lock.account.observe_only and (not pin.op or pin.op_in_doubt)


def _attempts(pins: list[Pin]) -> defaultdict[int, list[PinAttempt]]:
    """The latest attempts of each PIN, newest first, in one query for all of them."""
    newest_first = (F("started_at").desc(), F("pk").desc())
    place = Window(RowNumber(), partition_by=F("pin"), order_by=newest_first)
    latest = PinAttempt.objects.filter(pin__in=pins).annotate(place=place).filter(place__lte=_LATEST_ATTEMPTS)
    found: defaultdict[int, list[PinAttempt]] = defaultdict(list)
    for attempt in latest.order_by(*newest_first):
        found[attempt.pin_id].append(attempt)
    return found


def _line(pin: Pin, attempts: list[PinAttempt], zone: ZoneInfo, now: datetime) -> LockLine:
    tries = [one for one in attempts if one.rev == pin.desired_rev and one.outcome not in ("", "done")]
    return LockLine(
        lock_id=pin.lock_id,
        name=pin.lock.name,
        badge=standing_badge(pin, now),
        reasons=tuple(_reasons(pin, attempts, zone, now)),
        next_step=next_step(pin, zone, now),
        failed_tries=len(tries),
        attempts=tuple(attempt_line(one, zone) for one in attempts),
    )


def _reasons(pin: Pin, attempts: list[PinAttempt], zone: ZoneInfo, now: datetime) -> list[str]:
    standing = _standing(pin, now)
    said = []
    if standing.state is State.BLOCKED:
        said.append(wording.blocked_reason(pin.blocked))
    elif standing.trouble:
        said.append(wording.reason(standing.trouble, _since(attempts, standing.trouble, zone, now)))
        said.append(wording.remedy(standing.trouble))
    if wording.badge(standing, now) == wording.LEFT_THERE:
        said.append(wording.STAYS_THERE)
    if standing.state is State.IN_DOUBT:
        said.append("An answer was lost, so Turnkey looks at the lock before it does anything else.")
    if pin.wanted and not pin.admitted and not standing.watched and now < pin.grant.ends_at:
        said.append("The keypad is full. Nearer arrivals come first; this code follows when one leaves.")
    if pin.wanted and now < pin.grant.ends_at:
        if pin.lock.has_keypad is False:
            said.append("The lock has no keypad: the guest cannot enter a code here.")
        if pin.lock.has_bridge is False:
            said.append("The lock has no bridge: codes cannot be set from afar.")
    return [text for text in said if text]


def _since(attempts: list[PinAttempt], cause: str, zone: ZoneInfo, now: datetime) -> str:
    """When the streak of this failure began, as this PIN saw it."""
    began = None
    for one in attempts:
        if one.cause != cause:
            break
        began = one.started_at
    if began is None:
        return ""
    same_day = began.astimezone(zone).date() == now.astimezone(zone).date()
    return clock_time(began, zone) if same_day else day_and_time(began, zone)


def next_step(pin: Pin, zone: ZoneInfo, now: datetime) -> str:
    due = pin.next_try_at
    state = State(pin.state)
    if state is State.BLOCKED and now < pin.grant.ends_at:
        return "goes on when you have acted"
    if due is None:
        return "none"
    until = pause(pin.lock, now)[1]
    moment = max(due, until) if until is not None else due
    when = soon(moment, now, zone)
    if is_watched(pin) and state is not State.IN_DOUBT:
        if state is State.SCHEDULED and now < pin.grant.issue_at:
            return f"would go onto the lock {when}"
        return "none"
    if state is State.SET and moment > now:
        # Turnkey may look at it before: a name that changed is no reason to take a code away.
        return f"comes off the lock {soon(max(moment, pin.grant.ends_at), now, zone) if pin.wanted else when}"
    if state is State.SCHEDULED and now < pin.grant.issue_at:
        return f"goes onto the lock {when}"
    return f"next try {when}"


def attempt_line(attempt: PinAttempt, zone: ZoneInfo) -> AttemptLine:
    """One request in words: when, what, how it ended."""
    result = attempt.get_outcome_display()
    tone = Tone.BUSY
    if attempt.outcome == PinAttempt.Outcome.DONE:
        tone = Tone.READY
    elif attempt.outcome:
        tone = Tone.TROUBLE
        result = f"{result}: {wording.reason(attempt.cause)}" if attempt.cause else result
    if attempt.status is not None and attempt.outcome != PinAttempt.Outcome.DONE:
        result = f"{result} ({attempt.status})"
    local = attempt.started_at.astimezone(zone)
    return AttemptLine(
        at=f"{local.day} {local:%b, %H:%M:%S %Z}",
        what=attempt.get_op_display(),
        result=result,
        tone=tone,
        correlation_id=attempt.correlation_id,
    )


def _watched_notes(booking: Booking, pins: list[Pin], now: datetime) -> list[str]:
    """One sentence about the locks of the stay that are only watched, also before its codes are due."""
    if booking.status != Booking.Status.CONFIRMED or booking.check_out <= now:
        return []
    names = {pin.lock_id: pin.lock.name for pin in pins if pin.wanted and pin.lock.account.observe_only}
    names |= dict(booking.property.locks.filter(is_active=True, account__observe_only=True).values_list("pk", "name"))
    return [wording.only_watched(sorted(names.values()))] if names else []


def _notes(booking: Booking, grant: AccessGrant | None, pins: list[Pin], now: datetime, *, watched: bool) -> list[str]:
    zone = booking.property.zone
    if booking.status == Booking.Status.CANCELLED:
        return ["The booking is cancelled, so it has no code."]
    if booking.status == Booking.Status.TENTATIVE:
        return ["The booking is tentative. It gets a code as soon as it is confirmed."]
    if booking.check_out <= now:
        return ["The stay is over."]
    if grant is not None and grant.revoked_at is not None:
        return [f"Revoked on {day_and_time(grant.revoked_at, zone)}. Press “New code” to give the guest a new one."]
    if not booking.property.is_active and (grant is None or not grant.wanted):
        return ["The property is switched off, so no code is issued. Switch it on, or let the guest in another way."]
    said = []
    has_lock = any(pin.wanted for pin in pins) or booking.property.locks.filter(is_active=True).exists()
    if not has_lock:
        said.append("The property has no active lock. Choose its locks on the page of the property.")
    elif grant is None or now < grant.issue_at:
        opens = booking.check_in - timedelta(
            days=booking.property.issue_ahead_days, minutes=booking.property.early_minutes
        )
        goes = "would go" if watched else "goes"
        said.append(f"The code {goes} onto the locks on {day_and_time(opens, zone)}." if opens > now else "")
    return [text for text in said if text]
