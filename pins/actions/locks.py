"""What a person can do about one lock."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.utils.translation import gettext as _

from pins import tasks
from pins.actions.results import ActionResult, done, nothing
from pins.core.pin_state import State
from pins.models import Pin
from pins.reconcile import by_hand
from pins.status.locks import pause, zone_of_lock
from pins.status.wording import reason
from rentals.models import Lock
from rentals.phrases import phrase
from rentals.wording import soon


def try_again(lock: Lock, now: datetime) -> ActionResult:
    """Lift the rests of the lock and of its codes, and let it be tried at once. Within a transaction of the caller."""
    waiting = Pin.objects.filter(lock=lock).exclude(state__in=[State.SET, State.REMOVED])
    touched = by_hand.try_now(list(waiting.values_list("pk", flat=True)), now)
    if not touched:
        return ActionResult(messages.INFO, _("nothing is open: every code is as it should be."))
    tasks.wake_locks_on_commit(sorted(touched))
    if lock.account.observe_only:
        text = phrase("Turnkey only observes this lock: it reads the codes that are there, and changes nothing.")
        return done(text, level=messages.INFO)
    return done(phrase("it is being tried again now."))


def compare(lock: Lock, now: datetime) -> ActionResult:
    """Read the lock's own list once, and put right what differs. `lock` with its facts of operation loaded. Within a
    transaction of the caller."""
    if not lock.is_active:
        return nothing(_("the lock is switched off."))
    cause, until = pause(lock, now)
    if until is not None:  # marked now, its codes would count as in doubt until the lock can be read
        again = soon(until, now, zone_of_lock(lock))
        cannot = _("the lock cannot be read now. {reason} Next try {again}.")
        return nothing(cannot.format(reason=reason(cause), again=again))
    if not by_hand.look_now(lock.pk, now):
        return nothing(_("there is nothing to compare: Turnkey has no code on this lock, and none is due there."))
    tasks.wake_locks_on_commit([lock.pk])
    return done(
        phrase("the lock's own list is being read. What differs is put right; the page says when it was last read.")
    )
