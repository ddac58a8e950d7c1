"""A key that may read but change nothing (a personal key without `Device.ReadWrite`): Tedee answers 401 or 403 to its
changes while reads succeed. Tells it from a dead key, and from one lock that the account may not manage.

1. After a refused change the run reads the lock's list at once (`may_read`). Refused too: a dead key, or no permission
   for the lock, as `responses` has it.
2. Read: the first time a second change is tried a moment later, on this lock or another.
3. Refused again: one incident about the account. Changes rest, for longer each time, and one lock at a time probes.
   Reads go on. But one lock alone, where others hold codes of ours, is that lock's own trouble: it rests, and no other.
4. A change that succeeds ends it (`proven`), and so does another key (`account_limits.forgive_new_keys`). Locks that
   were refused before and are again say nothing about the key any more.
"""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from pins.core.budget import Purpose
from pins.core.interpret import PreparedAttempt, Response
from pins.core.plan import Look, Write
from pins.core.retry import CONFIRM_REFUSAL, delay, next_probe, scope_missing
from pins.models import AccountState, Incident, LockState, Pin
from pins.reconcile import account_limits, attempts, leases, observations
from pins.reconcile.account_limits import WRITES_REST, key_fingerprint
from pins.tedee.client import TedeeClient
from pins.tedee.errors import Cause
from rentals.models import Lock, LockAccount

logger = logging.getLogger(__name__)

_REFUSALS = frozenset({Cause.UNAUTHORIZED, Cause.FORBIDDEN})
#: Tedee gives these answers only to a key that may read the lock.
_ADMITTED = frozenset({Cause.OFFLINE, Cause.BUSY, Cause.TIMEOUT})
#: A lock where only changes are due is searched for due reads this often. Costs no request.
_SEARCH = timedelta(minutes=5)
#: Of locks that were refused a change: since then the key made one elsewhere, so the lock is the reason.
_OWN_TROUBLE = Q(failures=0)


def is_refused_write(attempt: PreparedAttempt, response: Response) -> bool:
    """Whether it is worth asking if the key may at least read."""
    return response.error is not None and response.error.cause in _REFUSALS and isinstance(attempt.step, Write)


def may_read(lock: Lock, lease: leases.Lease, client: TedeeClient, now: datetime) -> bool | None:
    """Whether the key may read the lock's list: one request, from the budget of arrivals. `None`: it is not known,
    because no request is left, the lease is lost, or the cloud did not answer. `now`: UTC."""
    try:
        prepared = attempts.prepare_for_lock(lock, lease, Look(), Purpose.ARRIVAL, now, now)
    except attempts.LeaseLostError:
        return None
    if not isinstance(prepared, PreparedAttempt):
        return None
    answer = attempts.send(client, prepared)
    observations.close_attempt(prepared, answer, timezone.now())
    error = answer.error
    if error is None or error.cause in _ADMITTED:
        return True
    return False if error.cause in _REFUSALS else None


def refused(lock: Lock, now: datetime) -> datetime:
    """A change was refused, and the lock can be read. Returns until when the lock rests (UTC)."""
    account, key = lock.account, key_fingerprint(lock.account)
    account_limits.answered(account, now)
    refused_before = LockState.objects.filter(lock__account=account, forbidden_key=key)
    if refused_before.filter(_OWN_TROUBLE, lock=lock).exists():
        return _rest_alone(lock, now, key, is_own=True)
    with transaction.atomic():
        state, _ = AccountState.objects.select_for_update().get_or_create(account=account)
        count = state.writes_refused = state.writes_refused + 1
        state.probed_lock = lock.pk
        locks = 1 + refused_before.exclude(_OWN_TROUBLE).exclude(lock=lock).count()
        missing = scope_missing(count, locks, others_differ=_others_due(lock, key, now) or _others_hold_codes(lock))
        if missing:
            wait = delay(Cause.UNAUTHORIZED, count - 1, until_deadline=None, jitter=random.uniform(0.5, 1))
            state.paused_until, state.pause_cause, state.dead_key = now + wait, WRITES_REST, key
        state.save(update_fields=["writes_refused", "probed_lock", "paused_until", "pause_cause", "dead_key"])
    if missing and state.paused_until is not None:
        Incident.open(Incident.Kind.NO_WRITE_SCOPE, now, about=account)
        Incident.resolve(now, about=account, kinds=account_limits.DEAD)
        Incident.resolve(now, about=lock, kinds=(Incident.Kind.NO_PERMISSION,))
        return _rest(lock, now, state.paused_until, WRITES_REST, key, failures=count)
    return _rest_alone(lock, now, key, is_own=False)


def _rest_alone(lock: Lock, now: datetime, key: str, *, is_own: bool) -> datetime:
    """Once: a second change makes sure. Again, and the key is not the reason: this lock is."""
    state = LockState.objects.get(lock=lock)
    is_again = state.pause_cause == Cause.FORBIDDEN.value and state.forbidden_key == key
    alike = state.failures_alike + 1 if is_again else 1
    wait = CONFIRM_REFUSAL
    if alike > 1:
        Incident.open(Incident.Kind.NO_PERMISSION, now, about=lock)
        wait = delay(Cause.FORBIDDEN, alike - 1, until_deadline=None, jitter=random.uniform(0.5, 1))
    failures = 0 if is_own else alike
    return _rest(lock, now, now + wait, Cause.FORBIDDEN.value, key, failures=failures, failures_alike=alike)


def _rest(lock: Lock, now: datetime, until: datetime, cause: str, key: str, **counted: int) -> datetime:
    rests = {"paused_until": until, "pause_cause": cause, "forbidden_key": key, **counted}
    LockState.objects.filter(lock=lock).update(**rests)
    return until


def _others_due(lock: Lock, key: str, now: datetime) -> bool:
    """Whether another lock of the account is about to try a change that this key was not refused there yet."""
    others = account_limits.with_work(now).filter(account=lock.account, pins__next_try_at__lte=now).exclude(pk=lock.pk)
    return others.exclude(operation__forbidden_key=key).exists()


def _others_hold_codes(lock: Lock) -> bool:
    """Whether other locks of the account took codes of ours: most likely the key may change them."""
    codes = Pin.objects.filter(lock__account=lock.account, remote_id__isnull=False)
    return codes.exclude(lock=lock).exists()


def writes_rest_until(lock: Lock, state: AccountState | None, now: datetime) -> datetime | None:
    """Until when a run of this lock may only read (UTC): the key may change nothing, and it is not this lock's turn to
    find out whether that is still so. `state`: of the account."""
    if state is None or state.pause_cause != WRITES_REST:
        return None
    if state.paused_until is not None and state.paused_until > now:
        return min(state.paused_until, now + _SEARCH)
    due = {*account_limits.able_to_probe(lock.account, now), lock.pk}  # this run holds its lease
    before = LockState.objects.filter(lock__in=due).exclude(forbidden_key="").values_list("lock_id", flat=True)
    # Those that were refused come last, in turn.
    if next_probe(due, dict.fromkeys(before, now), state.probed_lock) in (None, lock.pk):
        return None
    return now + _SEARCH


def proven(account: LockAccount, now: datetime) -> None:
    """A change succeeded: the key may write. Writes only if that was in doubt."""
    doubted = AccountState.objects.filter(account=account, writes_refused__gt=0)
    if not doubted.update(writes_refused=0):
        return
    resting = AccountState.objects.filter(account=account, pause_cause=WRITES_REST)
    locks = LockState.objects.filter(lock__account=account)
    refused_before = locks.exclude(forbidden_key="")
    refused_before.update(failures=0)
    if resting.update(paused_until=None, pause_cause="", dead_key=""):
        refused_before.filter(pause_cause=WRITES_REST).update(paused_until=None, pause_cause=Cause.FORBIDDEN.value)
        locks.filter(pause_cause=WRITES_REST).update(paused_until=None, pause_cause="")
    Incident.resolve(now, about=account, kinds=(Incident.Kind.NO_WRITE_SCOPE,))
