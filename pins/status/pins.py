"""One PIN for people: its badge, its next step, its requests. Reads no code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from pins.core.pin_state import State
from pins.models import AccessGrant, LockState, Pin, PinAttempt
from pins.status import wording
from pins.status.locks import no_keypad, pause
from pins.status.wording import Kind
from rentals.fields import behind
from rentals.models import LockAccount
from rentals.wording import Badge, Tone, dated, soon

_SECRETS: Final = (
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


def pins_for_people() -> QuerySet[Pin]:
    """PINs with what the functions here read, and without anything that must be decrypted."""
    return (
        Pin.objects.select_related("grant", "lock__operation", "lock__account__operation")
        .defer(*behind("lock__operation", LockState.LISTS), *_SECRETS)
        .order_by("lock__name", "pk")
    )


def pin_badge(pin: Pin, now: datetime) -> Badge:
    """The state of a PIN in words; that its lock has no keypad outweighs a state without trouble."""
    badge = wording.badge(standing(pin, now), now)
    if badge.tone in (Tone.READY, Tone.BUSY, Tone.WAITING) and pin.grant.ends_at > now and is_mute(pin):
        return no_keypad()
    return wording.being_changed() if badge.kind is Kind.READY and not is_confirmed(pin, now) else badge


def is_confirmed(pin: Pin, now: datetime) -> bool:
    """Whether the code is known to be on its lock for all of its present period, where a guest can enter it.

    The stored state is not enough: periods may have been changed in bulk since, and the drift check follows
    later.
    """
    grant, starts_at, ends_at = pin.grant, pin.applied_starts_at, pin.applied_ends_at
    holds = pin.remote_id is not None and not pin.op and State(pin.state) is State.SET
    begins = starts_at is None or starts_at <= max(grant.starts_at, now)
    lasts = ends_at is None or ends_at >= grant.ends_at
    return holds and pin.wanted and grant.wanted and begins and lasts and pin.lock.has_keypad is not False


def opens_now(pin: Pin, now: datetime) -> bool:
    """Whether the code is known to open its lock at this moment, also while its period is being changed."""
    starts_at, ends_at = pin.applied_starts_at, pin.applied_ends_at
    holds = pin.remote_id is not None and State(pin.state) in (State.SET, State.CHANGING)
    begun = starts_at is None or starts_at <= now
    return holds and pin.wanted and begun and (ends_at is None or now < ends_at) and pin.lock.has_keypad is not False


def is_mute(pin: Pin) -> bool:
    """Whether nobody can enter the code, although the lock may hold it: there is no keypad."""
    return pin.wanted and pin.lock.has_keypad is False and not is_observed(pin)


def is_observed(pin: Pin) -> bool:
    """Whether nothing is written to its lock. A request that was under way before still gets its answer."""
    return pin.lock.account.observe_only and (not pin.op or pin.op_in_doubt)


def standing(pin: Pin, now: datetime) -> wording.Standing:
    """What is stored about a PIN of `pins_for_people`, as far as words need it."""
    grant = pin.grant
    needs_request = pin.next_try_at is not None and State(pin.state) not in (State.SET, State.BLOCKED)
    # Where no request follows, the trouble of the last one is over.
    last_cause = "" if is_observed(pin) else pin.last_cause
    trouble = (pause(pin.lock, now)[0] or last_cause) if needs_request else ""
    return wording.Standing(
        State(pin.state), pin.wanted, pin.admitted, grant.issue_at, grant.ends_at, trouble, is_observed(pin)
    )


def next_step(pin: Pin, zone: ZoneInfo, now: datetime) -> str:
    """What happens next and when, on the clock of `zone`; empty where nothing is to come."""
    due = pin.next_try_at
    state = State(pin.state)
    if state is State.BLOCKED and now < pin.grant.ends_at:
        return _("goes on when you have acted")
    if due is None:
        return ""
    until = pause(pin.lock, now)[1]
    moment = max(due, until) if until is not None else due
    when = soon(moment, now, zone)
    if is_observed(pin) and state is not State.IN_DOUBT:
        if state is State.SCHEDULED and now < pin.grant.issue_at:
            return _("would go onto the lock {when}").format(when=when)
        return ""
    if state is State.SET and moment > now:
        # Turnkey may look at it before: a name that changed is no reason to take a code away.
        ends = soon(max(moment, pin.grant.ends_at), now, zone) if pin.wanted else when
        return _("comes off the lock {when}").format(when=ends)
    if state is State.SCHEDULED and now < pin.grant.issue_at:
        return _("goes onto the lock {when}").format(when=when)
    return _("next try {when}").format(when=when)


def attempt_line(attempt: PinAttempt, zone: ZoneInfo) -> AttemptLine:
    """One request in words: when, on the clock of `zone`, what, and how it ended."""
    result = attempt.get_outcome_display()
    if attempt.outcome != PinAttempt.Outcome.DONE:
        if attempt.outcome and attempt.cause:
            result = f"{result}: {wording.reason(attempt.cause)}"
        if attempt.status is not None:
            result = f"{result} ({attempt.status})"
    local = attempt.started_at.astimezone(zone)
    return AttemptLine(
        at=f"{dated(local, 'j M, H:i:s')} {local:%Z}",
        what=attempt.get_op_display(),
        result=result,
    )
