"""When the access key of an account ends, and whether it may change codes, as far as Tedee tells. All times are UTC.

A personal access key ends on a day that its owner chose (Tedee API, authentication). Tedee lists the keys of a user by
name, without saying which of them asks. So of several keys the first to end counts, and what a key may do is known
only where all of them may do the same.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from pins.core.budget import Purpose
from pins.models import AccountState, Incident
from pins.reconcile import request_budget
from pins.tedee.client import TedeeClient
from pins.tedee.errors import Cause, TedeeError
from rentals.models import LockAccount

logger = logging.getLogger(__name__)

EVERY: Final = timedelta(days=1)
#: Where Tedee does not tell, it is asked again after so long.
UNKNOWN: Final = timedelta(days=7)
#: A check belongs to the hourly turn of its account, which may come a little early.
_SLACK = timedelta(minutes=5)
_PASSING = (Cause.NETWORK, Cause.TIMEOUT, Cause.RATE_LIMITED)


def check(account: LockAccount, client: TedeeClient, now: datetime, *, asked: bool = False) -> None:
    """Ask when the key of an account ends, if it is time, or a person has `asked`. Failures are logged. A refusal, also
    401, says nothing about the key, which has just worked: then its end is unknown."""
    state = AccountState.objects.get(account=account)
    wait = EVERY if state.key_valid_to is not None else UNKNOWN
    checked_long_ago = state.key_checked_at is None or state.key_checked_at <= now - wait + _SLACK
    if account.kind != LockAccount.Kind.PERSONAL_KEY or not (checked_long_ago or asked):
        return
    if request_budget.spend(account.budget_key, Purpose.CONNECTIVITY, now, now) is not None:
        return
    try:
        keys = client.personal_keys().value
    except TedeeError as error:
        logger.info("key_check_failed", extra={"account_id": account.pk, "cause": error.cause.value})
        if error.cause not in _PASSING and (error.status or 0) < 500:  # the others are asked again within the hour
            _keep(account, None, None, now)
        return
    # One that has ended cannot be ours: ours was just accepted.
    alive = [key for key in keys if key.valid_to is None or key.valid_to > now]
    rights = {key.may_write for key in alive}
    ends = [key.valid_to for key in alive if key.valid_to is not None]
    _keep(account, min(ends, default=None), rights.pop() if len(rights) == 1 else None, now)


def forget(account: LockAccount, now: datetime) -> None:
    """The account has another key."""
    AccountState.objects.filter(account=account).update(key_valid_to=None, key_checked_at=None, key_may_write=None)
    Incident.resolve(now, about=account, kinds=(Incident.Kind.KEY_EXPIRES,))


def _keep(account: LockAccount, valid_to: datetime | None, may_write: bool | None, now: datetime) -> None:
    AccountState.objects.filter(account=account).update(
        key_valid_to=valid_to, key_checked_at=now, key_may_write=may_write
    )
