"""One request for one PIN: written down before, sent outside any transaction, written down after.

1. `prepare`: under the row's lock, read the plan once more, spend from the budget, renew the lease, note what will
   be sent. A crash after this leaves an attempt that the next run treats as in doubt. The only way to a request, so the
   one place that keeps Turnkey from writing to the locks of an account that it only watches.
2. `send`: HTTP, and nothing else.
3. `record`: under the row's lock, only where the request is still ours (`op_token`), store what the answer teaches.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from pins.core import transitions
from pins.core.alias import alias_text, reference_in
from pins.core.budget import Purpose
from pins.core.pin_state import Attempt, Content, Observed, Op
from pins.core.plan import (
    START_MARGIN,
    Create,
    Delete,
    Look,
    Read,
    Request,
    Update,
    Write,
    closing_look_pending,
    deadline,
    next_step,
)
from pins.desired import claims
from pins.models import Incident, Pin, PinAttempt
from pins.models.pin import OBSERVED_COLUMNS
from pins.reconcile import account_limits, leases
from pins.tedee.client import TedeeClient
from pins.tedee.errors import AmbiguousError, BadRequest, PinExists, PinNotFound, TedeeError
from pins.tedee.messages import PinBody, PinListing, RemotePin
from rentals.models import Lock


@dataclass(frozen=True)
class PreparedAttempt:
    """A request that is written down and may be sent now."""

    pin_id: int
    device_id: int
    step: Request
    token: uuid.UUID
    rev: int  # the wish it was made for
    body: PinBody | None
    deadline: datetime


@dataclass(frozen=True)
class Rest:
    """Nothing may be sent before `until`: the budget is spent."""

    until: datetime


@dataclass(frozen=True)
class OnlyWatched:
    """The lock's account is only watched: what is next would change the lock, and is not done."""


class LeaseLostError(Exception):
    """The lease expired under us; another run may hold it. Nothing more may be sent."""


@dataclass(frozen=True)
class Response:
    """What came back: exactly one of a value (by kind of request) or an error."""

    error: TedeeError | None = None
    created_id: int | None = None
    listing: PinListing | None = None
    remote: RemotePin | None = None
    status: int | None = None
    correlation_id: str = ""


_KINDS: dict[type, PinAttempt.Kind] = {
    Create: PinAttempt.Kind.POST,
    Update: PinAttempt.Kind.PUT,
    Delete: PinAttempt.Kind.DELETE,
    Look: PinAttempt.Kind.LIST,
    Read: PinAttempt.Kind.GET,
}


def locked_pin(pin_id: int) -> Pin:
    """The row, locked. The grant is read by a second query on purpose: joined into the first, PostgreSQL would hand
    out the grant as it was before we waited for the lock."""
    pin = Pin.objects.select_for_update().get(pk=pin_id)
    pin.grant  # noqa: B018 - loads it
    return pin


def prepare(
    lock: Lock, lease: leases.Lease, pin_id: int, step: Request, now: datetime
) -> PreparedAttempt | Rest | OnlyWatched | None:
    """Write the request down. `None`: the plan changed meanwhile, choose again.

    Raises `LeaseLostError`.
    """
    with transaction.atomic():
        pin = locked_pin(pin_id)
        view = pin.view
        if next_step(view, now) != step:
            return None
        if isinstance(step, Write) and _is_only_watched(lock):
            return OnlyWatched()
        due = deadline(view, now)
        is_removal = isinstance(step, Delete) or not view.desired.is_live(now)
        purpose = Purpose.REMOVAL if is_removal else Purpose.ARRIVAL
        rest = account_limits.spend(lock.account.budget_key, purpose, due, now)
        if rest is not None:
            return Rest(rest)
        if not leases.renew(lease):
            raise LeaseLostError
        token = uuid.uuid4()
        remote_id = getattr(step, "remote_id", None)
        body = None
        if isinstance(step, Write):
            content = None if isinstance(step, Delete) else _content_to_send(view.desired.content, pin.observed, now)
            attempt = Attempt(Op(_KINDS[type(step)].value), pin.desired_rev, content, remote_id)
            body = PinBody(_alias_of(pin), content.code, content.starts_at, content.ends_at) if content else None
            pin.put_observed(transitions.prepared(pin.observed, attempt))
            pin.op_token = token
            save_observed(pin, now)
        else:
            pin.op_token = token  # what a frozen worker saw must not land on what was learned since
            pin.save(update_fields=["op_token"])
        PinAttempt.objects.create(
            pin=pin, op=_KINDS[type(step)], rev=pin.desired_rev, token=token, remote_id=remote_id, started_at=now
        )
        return PreparedAttempt(pin.pk, lock.device_id, step, token, pin.desired_rev, body, due)


def _is_only_watched(lock: Lock) -> bool:
    """Read anew for every request: a person may have switched it since the run began, or given the lock to another
    account, through which this run does not speak."""
    return not Lock.objects.filter(pk=lock.pk, account_id=lock.account_id, account__observe_only=False).exists()


def _alias_of(pin: Pin) -> str:
    """What the grant's alias is; one without our reference could never be found again."""
    if reference_in(pin.alias) == pin.grant.reference:
        return pin.alias
    grant = pin.grant
    return alias_text(grant.holder_name, grant.starts_at.date(), grant.ends_at.date(), grant.reference)


def _content_to_send(wish: Content, observed: Observed, now: datetime) -> Content:
    """The true start, even when past; the present moment only after the lock refused a past one."""
    if observed.start_refused and wish.starts_at is not None and wish.starts_at < now:
        return Content(wish.code, now.replace(microsecond=0) + START_MARGIN, wish.ends_at)
    return wish


def send(client: TedeeClient, prepared: PreparedAttempt) -> Response:
    """Speak to the API. Errors of the API are answers too; anything else is a bug and leaves the attempt in doubt."""
    device, step, body = prepared.device_id, prepared.step, prepared.body
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
        listed = client.list_pins(device)
        return Response(listing=listed.value, status=listed.status, correlation_id=listed.correlation_id)
    except TedeeError as error:
        return Response(error=error, status=error.status, correlation_id=error.correlation_id)


def record(prepared: PreparedAttempt, answer: Response, now: datetime, *, rest: timedelta | None) -> bool:
    """Store what the answer teaches about this PIN. `rest`: how long the PIN waits after trouble of its own.

    False: the answer came too late to teach anything.
    """
    with transaction.atomic():
        _close_attempt(prepared, answer, now)
        pin = locked_pin(prepared.pin_id)
        if pin.op_token != prepared.token:
            return False  # our lease was lost and another run took over; what it saw is newer
        _tell_of_strangers(prepared, answer, pin, now)
        observed = _after(prepared, answer, pin, now)
        is_gone = _says_gone(prepared.step, answer) and not observed.must_look
        if rest is not None and not is_gone:
            observed = transitions.rested(observed, _rest_ends_at(pin, now + rest, now), prepared.rev)
        pin.put_observed(observed)
        pin.last_cause = answer.error.cause.value if answer.error is not None else ""
        save_observed(pin, now)
    if answer.created_id is not None:
        _mistrust_others(pin, answer.created_id, now)
    return True


def _rest_ends_at(pin: Pin, until: datetime, now: datetime) -> datetime:
    """The end of the stay asks for something else than what met with trouble: no rest outlasts it."""
    wish = pin.desired
    ends_at = wish.content.ends_at
    return min(until, ends_at) if ends_at is not None and wish.is_live(now) else until


def _after(prepared: PreparedAttempt, answer: Response, pin: Pin, now: datetime) -> Observed:
    observed, step, error = pin.observed, prepared.step, answer.error
    if error is not None:
        return _after_error(error, step, observed, now)
    if isinstance(step, Create) and answer.created_id is not None:
        return transitions.created(observed, answer.created_id)
    if isinstance(step, Update):
        return transitions.updated(observed)
    if isinstance(step, Delete):
        return transitions.deleted(observed, step.remote_id)
    if answer.remote is not None:
        content = _content_of(answer.remote, pin.grant.reference)
        return transitions.read(observed, content, now) if content is not None else transitions.read_foreign(observed)
    if answer.listing is not None:
        return transitions.looked(observed, ids_of(pin.grant.reference, answer.listing), now)
    return observed


def _tell_of_strangers(prepared: PreparedAttempt, answer: Response, pin: Pin, now: datetime) -> None:
    """Somebody else removed or changed a code that should be there: Turnkey sets it again, and a person is told."""
    if answer.error is not None or not pin.desired.is_live(now):
        return
    observed = pin.observed
    if answer.listing is not None:
        told = transitions.taken_away(observed, ids_of(pin.grant.reference, answer.listing), now)
    elif answer.remote is not None:
        told = transitions.rewritten(observed, _content_of(answer.remote, pin.grant.reference), now)
    else:
        return
    if told:
        Incident.open(Incident.Kind.CHANGED_IN_APP, now, about=pin)


def _content_of(remote: RemotePin, reference: str) -> Content | None:
    """What a PIN that was read says; `None`: it is not ours. One that somebody restricted to days or hours does not
    say what we wish: without a start it differs."""
    if reference_in(remote.alias) != reference:
        return None
    return Content(remote.code, None if remote.restricted else remote.starts_at, remote.ends_at)


def _after_error(error: TedeeError, step: Request, observed: Observed, now: datetime) -> Observed:
    is_write = isinstance(step, Write)
    if isinstance(error, AmbiguousError):
        late_until = now + timedelta(seconds=settings.LATE_SECONDS)
        return transitions.lost(observed, late_until) if is_write else observed
    if isinstance(error, PinNotFound) and not isinstance(step, Create | Look):
        if isinstance(step, Delete) and step.remote_id in observed.extra_ids:
            return replace(transitions.not_applied(observed), must_look=True)
        return transitions.missing(observed, now)
    if isinstance(error, PinExists) and isinstance(step, Create | Update):
        return transitions.refused_existing(observed)
    if isinstance(error, BadRequest) and isinstance(step, Create | Update):
        return transitions.refused_value(observed, now)
    return transitions.not_applied(observed) if is_write else observed


def ids_of(reference: str, listing: PinListing) -> list[int]:
    """The ids on a lock's list whose alias carries our reference."""
    return [listed.id for listed in listing.pins if reference_in(listed.alias) == reference]


def _says_gone(step: Request, answer: Response) -> bool:
    """A 404 to a DELETE is as good as its success; any other refusal is trouble, and the PIN rests before the next."""
    return isinstance(step, Delete) and isinstance(answer.error, PinNotFound)


def _close_attempt(prepared: PreparedAttempt, answer: Response, now: datetime) -> None:
    outcome = PinAttempt.Outcome.DONE
    if answer.error is not None and not _says_gone(prepared.step, answer):
        lost = isinstance(answer.error, AmbiguousError)
        outcome = PinAttempt.Outcome.LOST if lost else PinAttempt.Outcome.REFUSED
    PinAttempt.objects.filter(token=prepared.token).update(
        finished_at=now,
        outcome=outcome,
        status=answer.status,
        cause=answer.error.cause.value if answer.error is not None else "",
        correlation_id=answer.correlation_id,
    )


def _mistrust_others(pin: Pin, remote_id: int, now: datetime) -> None:
    """The lock gave our new PIN an id that we held for another one: ids are reused, so that one must be gone."""
    others = Pin.objects.filter(lock_id=pin.lock_id, remote_id=remote_id).exclude(pk=pin.pk)
    for other_id in list(others.values_list("pk", flat=True)):
        # Each in a transaction of its own: who holds one PIN's row never waits for another's.
        with transaction.atomic():
            other = locked_pin(other_id)
            if other.remote_id == remote_id:
                if other.desired.is_live(now) and transitions.taken_away(other.observed, (), now):
                    Incident.open(Incident.Kind.CHANGED_IN_APP, now, about=other)
                other.put_observed(transitions.read_foreign(other.observed))
                save_observed(other, now)


def save_observed(pin: Pin, now: datetime) -> None:
    """Store the observed side of a locked row with the plan that follows from it, and let go of unused values."""
    if not closing_look_pending(pin.view, now):
        pin.put_observed(transitions.forget_late(pin.observed, now))
    pin.refresh_plan(now)
    pin.save(update_fields=OBSERVED_COLUMNS)
    claims.release_unused(pin, now)
