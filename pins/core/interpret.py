"""What an answer of the lock cloud means for a PIN. Pure: a PIN and an answer in, a `Meaning` out.

    scope_of      whom a failure concerns: this PIN, the lock, or the account
    for_pin       an answer, for the PIN that asked
    for_listed    a list of the lock, for a PIN that did not ask for it
    for_reused_id a 201 with an id that we held for another PIN

`pins.core.transitions` knows how an answer changes the facts; this module chooses among those changes.
`pins.reconcile.responses` does what follows for the lock, the account and people.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pins.core import transitions
from pins.core.alias import reference_in
from pins.core.pin_state import Content, Observed, PinView
from pins.core.plan import Create, Delete, Look, Request, Update, Write, next_step
from pins.core.retry import Scope, delay, scope
from pins.tedee.errors import AmbiguousError, BadRequest, Cause, PinExists, PinNotFound, TedeeError
from pins.tedee.messages import PinBody, PinListing, RemotePin


@dataclass(frozen=True)
class PreparedAttempt:
    """A request that is written down and may be sent."""

    pin_id: int
    device_id: int
    step: Request
    token: uuid.UUID  # only the run that holds it may store the answer
    rev: int  # the desired revision it was made for
    body: PinBody | None  # what a POST or PUT carries
    deadline: datetime  # when the step must be done at the latest (UTC)


@dataclass(frozen=True)
class Response:
    """What came back: exactly one of a value (by kind of request) or an error."""

    error: TedeeError | None = None
    created_id: int | None = None
    listing: PinListing | None = None
    remote: RemotePin | None = None
    status: int | None = None
    correlation_id: str = ""


@dataclass(frozen=True)
class Meaning:
    """What an answer teaches about one PIN."""

    observed: Observed
    changed_in_app: bool = False  # somebody else changed or removed a code that should be there


def scope_of(step: Request, error: TedeeError) -> Scope:
    """Whom a failure concerns. A 404 to a POST or to the list is about no PIN: Tedee does not know the lock."""
    if error.cause is Cause.NOT_FOUND and isinstance(step, Create | Look):
        return Scope.LOCK
    return scope(error.cause)


def is_confirmed_gone(step: Request, response: Response) -> bool:
    """A 404 to a DELETE is as good as its success (Tedee API, delete PIN)."""
    return isinstance(step, Delete) and isinstance(response.error, PinNotFound)


def for_pin(
    view: PinView,
    attempt: PreparedAttempt,
    response: Response,
    *,
    reference: str,
    now: datetime,
    late: timedelta,
    jitter: float,
) -> Meaning:
    """What the answer means for the PIN that asked.

    `reference`: of the PIN's grant, by which its alias is recognised. `late`: how long a write without an answer may
    still reach the lock. `jitter`: 0.5 to 1, for the PIN's rest after trouble of its own.
    """
    error, step = response.error, attempt.step
    if error is not None:
        observed = _after_error(view.observed, step, error, now, late)
        if scope_of(step, error) is Scope.PIN and (observed.must_look or not is_confirmed_gone(step, response)):
            observed = _rested(view, observed, attempt, error, now, jitter)
        return Meaning(observed)
    if response.listing is not None:
        return _after_list(view, ids_of(reference, response.listing), now)
    if response.remote is not None:
        return _after_read(view, _content_of(response.remote, reference), now)
    return Meaning(_after_write(view.observed, step, response.created_id))


def for_listed(view: PinView, ours: Sequence[int], now: datetime) -> Meaning | None:
    """What a list means for a PIN that did not ask for it; `ours` are the ids that carry its reference. `None`:
    nothing new. One list answers every PIN that wants to look, and corrects those that we believed elsewhere."""
    wants_to_look = isinstance(next_step(view, now), Look)
    return _after_list(view, ours, now) if wants_to_look or transitions.contradicts(view.observed, ours) else None


def for_reused_id(view: PinView, remote_id: int, now: datetime) -> Meaning | None:
    """The lock gave an id to a new PIN. Ids are reused, so a PIN that we knew under this id must be gone. `None`: this
    PIN does not hold the id."""
    if view.observed.remote_id != remote_id:
        return None
    gone = view.desired.is_live(now) and transitions.taken_away(view.observed, (), now)
    return Meaning(transitions.read_foreign(view.observed), changed_in_app=gone)


def ids_of(reference: str, listing: PinListing) -> list[int]:
    """The ids on a lock's list whose alias carries the reference."""
    return ids_by_reference(listing)[reference]


def ids_by_reference(listing: PinListing) -> defaultdict[str | None, list[int]]:
    """The ids on a lock's list by the reference in their alias; `None` holds those without one."""
    found: defaultdict[str | None, list[int]] = defaultdict(list)
    for listed in listing.pins:
        found[reference_in(listed.alias)].append(listed.id)
    return found


def _after_write(observed: Observed, step: Request, created_id: int | None) -> Observed:
    if isinstance(step, Create) and created_id is not None:
        return transitions.created(observed, created_id)
    if isinstance(step, Update):
        return transitions.updated(observed)
    if isinstance(step, Delete):
        return transitions.deleted(observed, step.remote_id)
    return observed


def _after_list(view: PinView, ours: Sequence[int], now: datetime) -> Meaning:
    gone = view.desired.is_live(now) and transitions.taken_away(view.observed, ours, now)
    return Meaning(transitions.looked(view.observed, ours, now), changed_in_app=gone)


def _after_read(view: PinView, content: Content | None, now: datetime) -> Meaning:
    observed = view.observed
    changed = view.desired.is_live(now) and transitions.rewritten(observed, content, now)
    read = transitions.read_foreign(observed) if content is None else transitions.read(observed, content, now)
    return Meaning(read, changed_in_app=changed)


def _content_of(remote: RemotePin, reference: str) -> Content | None:
    """What a PIN that was read says; `None`: it is not ours. If somebody restricted it to days or hours, its start is
    left out, so that it differs from what we wish."""
    if reference_in(remote.alias) != reference:
        return None
    return Content(remote.code, None if remote.recurrence is not None else remote.starts_at, remote.ends_at)


def _after_error(observed: Observed, step: Request, error: TedeeError, now: datetime, late: timedelta) -> Observed:
    is_write = isinstance(step, Write)
    if isinstance(error, AmbiguousError):
        return transitions.lost(observed, now + late) if is_write else observed
    if isinstance(error, PinNotFound) and not isinstance(step, Create | Look):
        if isinstance(step, Delete) and step.remote_id in observed.extra_ids:
            return replace(transitions.not_applied(observed), must_look=True)
        return transitions.missing(observed, now)
    if isinstance(error, PinExists) and isinstance(step, Create | Update):
        return transitions.refused_existing(observed)
    if isinstance(error, BadRequest) and isinstance(step, Create | Update):
        return transitions.refused_value(observed, now)
    return transitions.not_applied(observed) if is_write else observed


def _rested(
    view: PinView, observed: Observed, attempt: PreparedAttempt, error: TedeeError, now: datetime, jitter: float
) -> Observed:
    """Trouble of this PIN alone: it rests before the next try. No rest outlasts the stay, because its end asks for
    another step."""
    until_deadline = attempt.deadline - now
    until = now + delay(error.cause, view.observed.troubles + 1, until_deadline=until_deadline, jitter=jitter)
    ends_at = view.desired.content.ends_at
    if ends_at is not None and view.desired.is_live(now):
        until = min(until, ends_at)
    return transitions.rested(observed, until, attempt.rev)
