"""The state of a lock, in words and on its own clock."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pins.core import capacity
from pins.models import OBSERVE_ONLY
from pins.status import wording
from pins.status.wording import Kind
from pins.tedee.errors import Cause
from rentals.models import Lock
from rentals.wording import Badge, Tone


def no_keypad() -> Badge:
    return Badge(_("No keypad"), Tone.ACT, Kind.NO_KEYPAD)


def is_low(lock: Lock) -> bool:
    """Whether its battery is nearly empty; an unknown one is not."""
    return lock.battery_level is not None and lock.battery_level < Lock.LOW_BATTERY


def pause(lock: Lock, now: datetime) -> tuple[str, datetime | None]:
    """Why the lock or its account rests, and until when (UTC); the account's reason outweighs the lock's. That the
    account is observe-only is no trouble, and is said elsewhere. An empty reason: neither rests."""
    found: tuple[str, datetime | None] = ("", None)
    for state in (getattr(lock, "operation", None), getattr(lock.account, "operation", None)):
        until = state.paused_until if state is not None else None
        if state is not None and until is not None and until > now and state.pause_cause != OBSERVE_ONLY:
            found = (state.pause_cause or Cause.NETWORK.value, max(until, found[1] or until))
    return found


def lock_badge(lock: Lock, now: datetime) -> Badge:
    """The state of a lock in words, the worst first."""
    cause = pause(lock, now)[0] if lock.pk else ""  # a new one, on its admin form, has no facts of operation yet
    if not lock.is_active:
        return Badge(_("Switched off"), Tone.OVER, Kind.LOCK_OFF)
    if lock.has_keypad is False:
        return no_keypad()
    if lock.has_bridge is False:
        return Badge(_("No bridge"), Tone.ACT, Kind.NO_BRIDGE)
    if cause == Cause.OFFLINE.value or (not cause and lock.is_connected is False):
        return Badge(_("Offline"), Tone.TROUBLE, Kind.OFFLINE)
    if cause:
        must_act = cause in wording.MUST_ACT
        return wording.needs_you() if must_act else Badge(_("Waiting"), Tone.TROUBLE, Kind.RESTING)
    if is_low(lock):
        return Badge(_("Battery low"), Tone.TROUBLE, Kind.BATTERY_LOW)
    if lock.pk and lock.account.observe_only:
        return wording.observe_only()
    return Badge(_("In order"), Tone.READY, Kind.IN_ORDER)


def said_full(lock: Lock, now: datetime) -> str:
    """What the lock said of its room, in words; empty if nothing that is still believed."""
    state = getattr(lock, "operation", None)
    codes = capacity.believed(state.learned_room, state.learned_room_at, now) if state is not None else None
    if codes is None:
        return ""
    return ngettext("Tedee said full at {number} code", "Tedee said full at {number} codes", codes).format(number=codes)


def zone_of_lock(lock: Lock) -> ZoneInfo:
    """The time zone of times about this lock: the one set in the Tedee app, else UTC."""
    try:
        return ZoneInfo(lock.time_zone or "UTC")
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")
