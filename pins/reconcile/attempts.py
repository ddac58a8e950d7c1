"""One request for one PIN, before and while it is sent.

1. `prepare`: spend from the budget; then, only if the PIN is as it was when its step was chosen, note what will be
   sent and renew the lease. A crash after this leaves an attempt that the next run treats as in doubt. It is the only
   way to a request, so it is the one place that keeps Turnkey from writing to the locks of an observe-only account.
2. `send`: HTTP, and nothing else.

What comes back is judged in `pins.core.interpret` and stored by `pins.reconcile.observations`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from pins.core import plan, transitions
from pins.core.budget import Purpose
from pins.core.deadlines import deadline
from pins.core.interpret import PreparedAttempt, Response
from pins.core.pin_state import Content, Observed, Op, PendingWrite
from pins.core.plan import START_MARGIN, Create, Delete, Look, Read, Request, Update, Write, next_step
from pins.models import Pin, PinAttempt
from pins.reconcile import aliases, leases, pile_up, request_budget, statements
from pins.reconcile.agenda import Choice
from pins.reconcile.known import KnownLock
from pins.reconcile.observations import save_if_unchanged, store_if_unchanged
from pins.reconcile.purse import Purse
from pins.reconcile.statements import Statement, kept, slot
from pins.tedee.client import TedeeClient
from pins.tedee.errors import TedeeError
from pins.tedee.messages import PinBody
from rentals.models import Lock, LockAccount

#: How soon a code that may not be created, because others pile up on the lock, asks again.
PILE_UP_REST = timedelta(minutes=5)
#: The same for one on a lock that is switched off, until its wish is withdrawn.
INACTIVE_REST = timedelta(minutes=1)


@dataclass(frozen=True)
class Rest:
    """Nothing may be sent before `until` (UTC): the budget is spent."""

    until: datetime


@dataclass(frozen=True)
class ObserveOnly:
    """The next step would change the lock, and its account is observe-only. Nothing was written down."""


@dataclass(frozen=True)
class LookFirst:
    """The next step would change the lock, and a restored database does not know yet what is on it."""


class LeaseLostError(Exception):
    """The lease expired under us; another run may hold it. Nothing more may be sent."""


_KINDS: dict[type, PinAttempt.Kind] = {
    Create: PinAttempt.Kind.POST,
    Update: PinAttempt.Kind.PUT,
    Delete: PinAttempt.Kind.DELETE,
    Look: PinAttempt.Kind.LIST,
    Read: PinAttempt.Kind.GET,
}


class _NothingStored(Exception):
    """Undo the transaction: the requests that were booked may not be sent any more."""


def prepare(
    known: KnownLock, lease: leases.Lease, choice: Choice, purse: Purse, now: datetime, breaker: pile_up.Breaker
) -> PreparedAttempt | Rest | ObserveOnly | LookFirst | None:
    """Write the request down, if nothing changed since the PIN of the `choice` was read, which is then as stored.
    `None`: something did, choose again.

    Raises `LeaseLostError`.
    """
    pin, step = choice.pin, choice.step
    view = pin.view
    if next_step(view, now) != step:
        return None
    if isinstance(step, Create) and breaker.is_open(pin, now):
        _rest(pin, now, PILE_UP_REST)
        return None
    if isinstance(step, Delete) and plan.listed_too_long_ago(view.observed, step.remote_id, now):
        return _look_before(known, pin, step, now)
    due = deadline(view, now)
    if (until := purse.pay(due, now, later=choice.later)) is not None:
        return Rest(until)
    body = _take_off(known.at(now), pin, step, now)
    # Reads get a new token, too: the old answer of a frozen worker must not overwrite what was learned since.
    pin.op_token = token = uuid.uuid4()
    try:
        with transaction.atomic():
            if not _store(known, pin, step, now):
                purse.take_back()
                return _why_not(known, pin, step, now)
            if not leases.renew(lease, writes_at=_if_write(step, now), block=leases.Block.SENT):
                raise _NothingStored
            written = {"pin_id": pin.pk, "op": _KINDS[type(step)], "rev": pin.desired_rev, "token": token}
            written |= {"remote_id": getattr(step, "remote_id", None), "started_at": now}
            _writing_down().run(written)
    except _NothingStored:
        purse.take_back()
        purse.close()
        if not leases.renew(lease, block=leases.Block.GIVEN_BACK):
            raise LeaseLostError from None
        return None
    return PreparedAttempt(pin.pk, known.lock.device_id, step, token, pin.desired_rev, body, due)


@kept
def _writing_down() -> Statement:
    columns = ("pin_id", "op", "rev", "token", "remote_id", "started_at")
    return statements.insert(PinAttempt(**{one: slot(one, PinAttempt) for one in columns}))


def _take_off(known: KnownLock, pin: Pin, step: Request, now: datetime) -> PinBody | None:
    """Put the request into the PIN (unsaved). Returns what a POST or PUT carries."""
    if not isinstance(step, Write):
        return None
    view = pin.view
    content = None if isinstance(step, Delete) else _content_to_send(view.desired.content, view.observed, now)
    body = _body(content, aliases.alias_to_send(pin, known.account_state)) if content is not None else None
    pending = PendingWrite(Op(_KINDS[type(step)].value), pin.desired_rev, content, getattr(step, "remote_id", None))
    pin.put_observed(transitions.prepared(view.observed, pending, now, alias=body.alias if body is not None else ""))
    return body


def _store(known: KnownLock, pin: Pin, step: Request, now: datetime) -> bool:
    """If nobody changed the PIN. The very statement that writes a change down asks whether it may be sent: since the
    run began, a person may have made the account observe-only, switched the lock off, or moved it to another account,
    whose key this run does not use. After a backup was restored, the lock's list comes first."""
    if not isinstance(step, Write):
        return store_if_unchanged(pin)
    condition = _may_remove if isinstance(step, Delete) else _may_set
    return save_if_unchanged(pin, now, condition, account=known.account_id)


def _look_before(known: KnownLock, pin: Pin, step: Delete, now: datetime) -> ObserveOnly | LookFirst | None:
    """Ask for the list before a removal. Only where the removal may follow: otherwise every run would ask again."""
    pin.put_observed(transitions.asked_to_look(pin.observed))
    with transaction.atomic():
        stored = _store(known, pin, step, now)
    return None if stored else _why_not(known, pin, step, now)


def _may_remove() -> Exists:
    return Exists(_open_to_changes())


def _may_set() -> Exists:
    return Exists(_open_to_changes().filter(is_active=True))


def _open_to_changes() -> QuerySet[Lock]:
    """The lock of a PIN, if it still belongs to the account whose key the run uses."""
    lock = Lock.objects.filter(pk=OuterRef("lock"), account=slot("account", Lock), account__observe_only=False)
    return lock.filter(operation__look_first=False)


def _why_not(known: KnownLock, pin: Pin, step: Request, now: datetime) -> ObserveOnly | LookFirst | None:
    """A request was not written down: because its PIN changed, or because nothing may be sent."""
    known.outdated()
    if not isinstance(step, Write):
        return None
    if not _may_write(known.account_id, known.lock.pk):
        return ObserveOnly()
    if known.at(now).state.look_first:
        return LookFirst()
    if not isinstance(step, Delete) and not Lock.objects.filter(pk=known.lock.pk, is_active=True).exists():
        # Whoever switched it off without a signal: the drift check withdraws its codes.
        _rest(Pin.objects.select_related("grant").get(pk=pin.pk), now, INACTIVE_REST)
    return None


def _rest(pin: Pin, now: datetime, rest: timedelta) -> None:
    """The PIN asks again later; if it changed meanwhile, at once."""
    pin.note_read()
    pin.put_observed(transitions.rested(pin.observed, now + rest, pin.desired_rev))
    with transaction.atomic():
        save_if_unchanged(pin, now)


def _if_write(step: Request, now: datetime) -> datetime | None:
    return now if isinstance(step, Write) else None


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
        if isinstance(step, Write) and not _may_write(lock.account_id, lock.pk):
            return ObserveOnly()
        until = request_budget.spend(lock.account.budget_key, purpose, due, now)
        if until is not None:
            return Rest(until)
        if not leases.renew(lease, writes_at=_if_write(step, now)):
            raise LeaseLostError
        remote_id = getattr(step, "remote_id", None)
        attempt = PinAttempt.objects.create(lock=lock, op=_KINDS[type(step)], remote_id=remote_id, started_at=now)
        return PreparedAttempt(None, lock.device_id, step, attempt.token, 0, None, due, version)


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


def _may_write(account_id: int, lock_id: int) -> bool:
    return LockAccount.objects.filter(pk=account_id, locks=lock_id, observe_only=False).exists()


def _body(content: Content, alias: str) -> PinBody:
    return PinBody(alias, content.code, content.starts_at, content.ends_at, content.recurrence)


def _content_to_send(wish: Content, observed: Observed, now: datetime) -> Content:
    """The true start, even if it is past. Only after the lock refused a past start, the present moment."""
    if observed.start_refused and wish.starts_at is not None and wish.starts_at < now:
        return replace(wish, starts_at=now.replace(microsecond=0) + START_MARGIN)
    return wish
