"""One request for one PIN, before and while it is sent.

1. `prepare`: under the row's lock, read the plan once more, spend from the budget, renew the lease, note what will
   be sent. A crash after this leaves an attempt that the next run treats as in doubt. It is the only way to a
   request, so it is the one place that keeps Turnkey from writing to the locks of an observe-only account.
2. `send`: HTTP, and nothing else.

What comes back is judged in `pins.core.interpret` and stored by `pins.reconcile.observations`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from pins.core import transitions
from pins.core.budget import Purpose
from pins.core.deadlines import deadline
from pins.core.interpret import PreparedAttempt, Response
from pins.core.pin_state import Content, Observed, Op, PendingWrite
from pins.core.plan import START_MARGIN, Create, Delete, Look, Read, Request, Update, Write, next_step
from pins.models import PinAttempt
from pins.reconcile import account_limits, aliases, leases, pile_up
from pins.reconcile.observations import locked_pin, save_observed
from pins.tedee.client import TedeeClient
from pins.tedee.errors import TedeeError
from pins.tedee.messages import PinBody
from rentals.models import Lock, LockAccount

#: How soon a code that may not be created, because others pile up on the lock, asks again.
PILE_UP_REST = timedelta(minutes=5)


@dataclass(frozen=True)
class Rest:
    """Nothing may be sent before `until` (UTC): the budget is spent."""

    until: datetime


@dataclass(frozen=True)
class ObserveOnly:
    """The next step would change the lock, and its account is observe-only. Nothing was written down."""


class LeaseLostError(Exception):
    """The lease expired under us; another run may hold it. Nothing more may be sent."""


_KINDS: dict[type, PinAttempt.Kind] = {
    Create: PinAttempt.Kind.POST,
    Update: PinAttempt.Kind.PUT,
    Delete: PinAttempt.Kind.DELETE,
    Look: PinAttempt.Kind.LIST,
    Read: PinAttempt.Kind.GET,
}


def prepare(
    lock: Lock, lease: leases.Lease, pin_id: int, step: Request, now: datetime, breaker: pile_up.Breaker
) -> PreparedAttempt | Rest | ObserveOnly | None:
    """Write the request down. `None`: the plan changed meanwhile, choose again.

    Raises `LeaseLostError`.
    """
    with transaction.atomic():
        pin = locked_pin(pin_id)
        view = pin.view
        if next_step(view, now) != step:
            return None
        account = _account_that_may_write(lock) if isinstance(step, Write) else None
        if isinstance(step, Write) and account is None:
            return ObserveOnly()
        if isinstance(step, Create) and breaker.is_open(pin, now):
            pin.put_observed(transitions.rested(pin.observed, now + PILE_UP_REST, pin.desired_rev))
            save_observed(pin, now)
            return None
        due = deadline(view, now)
        is_removal = isinstance(step, Delete) or not view.desired.is_live(now)
        purpose = Purpose.REMOVAL if is_removal else Purpose.ARRIVAL
        if (rest := _pay(lock, lease, step, purpose, due, now)) is not None:
            return rest
        # Reads get a new token, too: the old answer of a frozen worker must not overwrite what was learned since.
        pin.op_token = token = uuid.uuid4()
        remote_id = getattr(step, "remote_id", None)
        body = None
        if isinstance(step, Write):
            content = None if isinstance(step, Delete) else _content_to_send(view.desired.content, pin.observed, now)
            state = getattr(account, "operation", None)
            body = _body(content, aliases.alias_to_send(pin, state)) if content is not None else None
            pending = PendingWrite(Op(_KINDS[type(step)].value), pin.desired_rev, content, remote_id)
            alias = body.alias if body is not None else ""
            pin.put_observed(transitions.prepared(pin.observed, pending, now, alias=alias))
            save_observed(pin, now)
        else:
            pin.save(update_fields=["op_token"])
        PinAttempt.objects.create(
            pin=pin, op=_KINDS[type(step)], rev=pin.desired_rev, token=token, remote_id=remote_id, started_at=now
        )
        return PreparedAttempt(pin.pk, lock.device_id, step, token, pin.desired_rev, body, due)


def prepare_for_lock(
    lock: Lock,
    lease: leases.Lease,
    step: Look | Read | Delete,
    purpose: Purpose,
    due: datetime,
    now: datetime,
    *,
    version: int | None = None,
) -> PreparedAttempt | Rest | ObserveOnly:
    """Write down a request about the whole lock, or about a PIN on it that is none of the known ones.

    Raises `LeaseLostError`.
    """
    with transaction.atomic():
        if isinstance(step, Write) and _account_that_may_write(lock) is None:
            return ObserveOnly()
        if (rest := _pay(lock, lease, step, purpose, due, now)) is not None:
            return rest
        remote_id = getattr(step, "remote_id", None)
        attempt = PinAttempt.objects.create(lock=lock, op=_KINDS[type(step)], remote_id=remote_id, started_at=now)
        return PreparedAttempt(None, lock.device_id, step, attempt.token, 0, None, due, version)


def _pay(lock: Lock, lease: leases.Lease, step: Request, purpose: Purpose, due: datetime, now: datetime) -> Rest | None:
    """Take the request from the budget, and hold the lock for as long as it may take. Raises `LeaseLostError`."""
    until = account_limits.spend(lock.account.budget_key, purpose, due, now)
    if until is not None:
        return Rest(until)
    if not leases.renew(lease, writes_at=now if isinstance(step, Write) else None):
        raise LeaseLostError
    return None


def send(client: TedeeClient, attempt: PreparedAttempt) -> Response:
    """Speak to the API. Errors of the API are answers too; anything else is a bug and leaves the attempt in doubt."""
    device, step, body = attempt.device_id, attempt.step, attempt.body
    try:
        if isinstance(step, Create) and body is not None:
            made = client.create_pin(device, body)
            return Response(created_id=made.value, status=made.status, correlation_id=made.correlation_id)
        if isinstance(step, Update) and body is not None:
            put = client.update_pin(device, step.remote_id, body)
            return Response(status=put.status, correlation_id=put.correlation_id)
        if isinstance(step, Delete):
            gone = client.delete_pin(device, step.remote_id)
            return Response(status=gone.status, correlation_id=gone.correlation_id)
        if isinstance(step, Read):
            got = client.get_pin(device, step.remote_id)
            return Response(remote=got.value, status=got.status, correlation_id=got.correlation_id)
        listed = client.list_pins(device, attempt.version)
        return Response(listing=listed.value, status=listed.status, correlation_id=listed.correlation_id)
    except TedeeError as error:
        return Response(error=error, status=error.status, correlation_id=error.correlation_id)


def _account_that_may_write(lock: Lock) -> LockAccount | None:
    """Read anew for every change: since the run began, a person may have made the account observe-only, or moved the
    lock to another account, whose key this run does not use."""
    writes = LockAccount.objects.filter(pk=lock.account_id, locks=lock.pk, observe_only=False)
    return writes.select_related("operation").defer(*LockAccount.SECRETS).first()


def _body(content: Content, alias: str) -> PinBody:
    return PinBody(alias, content.code, content.starts_at, content.ends_at, content.recurrence)


def _content_to_send(wish: Content, observed: Observed, now: datetime) -> Content:
    """The true start, even if it is past. Only after the lock refused a past start, the present moment."""
    if observed.start_refused and wish.starts_at is not None and wish.starts_at < now:
        return replace(wish, starts_at=now.replace(microsecond=0) + START_MARGIN)
    return wish
