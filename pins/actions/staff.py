"""What a person can do about the codes of somebody who works in the flats."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from pins import tasks
from pins.actions.results import ActionResult, done, nothing, split_observed, trying
from pins.core.code_rules import NoValueLeft
from pins.core.pin_state import State
from pins.desired import staff_codes, staff_grants
from pins.models import Pin, StaffAccess
from pins.reconcile import by_hand
from rentals.phrases import phrase, phrases
from rentals.wording import said

Action = Callable[[StaffAccess, datetime], ActionResult]


def try_again(access: StaffAccess, now: datetime) -> ActionResult:
    """Lift blocks and rests and let the locks be tried at once."""
    touched = staff_grants.sync([access.pk], now)
    waiting = Pin.objects.filter(grant__staff=access).exclude(state__in=[State.SET, State.REMOVED])
    touched |= by_hand.try_now(list(waiting.values_list("pk", flat=True)), now)
    if not touched:
        return nothing(_("nothing is open, every lock is as it should be."))
    tasks.wake_locks_on_commit(sorted(touched))
    written, left_out = split_observed(touched)
    return done(trying(written), left_out) if written else nothing(said(left_out))


def new_code(access: StaffAccess, now: datetime) -> ActionResult:
    """Other digits, chosen by Turnkey, on all its locks. The former ones open nothing from then on."""
    try:
        touched = staff_codes.renew_code(access.pk, now)
    except NoValueLeft as none_left:
        return nothing(_(str(none_left)))
    tasks.wake_locks_on_commit(sorted(touched))
    written, left_out = split_observed(touched)
    if not written:
        return done(phrase("a new code was chosen."), left_out)
    chosen = phrases(
        "a new code was chosen and goes onto {number} lock. Tell them.",
        "a new code was chosen and goes onto {number} locks. Tell them.",
        written,
    )
    return done(chosen, left_out)


#: By their name in URLs.
ACTIONS: Final[dict[str, Action]] = {"try_again": try_again, "new_code": new_code}
#: As the history calls them.
BUTTONS: Final = {"try_again": "Try again now", "new_code": "New code"}
