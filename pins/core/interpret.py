"""What an answer of the lock cloud means for a PIN. Pure: a PIN and an answer in, a `Meaning` out.

    scope_of      whom a failure concerns: this PIN, the lock, or the account
    for_pin       an answer, for the PIN that asked
    for_listed    a list of the lock, for a PIN that did not ask for it
    for_reused_id a 201 with an id that we held for another PIN

`pins.core.transitions` knows how the answer to a write changes the facts, `pins.core.looks` what looking teaches; this
module chooses among those changes.
`pins.reconcile.responses` does what follows for the lock, the account and people.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from pins.core import looks, nominees, transitions
from pins.core.alias import SHORT_LENGTH, foreign_name, reference_in
from pins.core.pin_state import Blocked, Content, Observed, PinView, Twin
from pins.core.plan import Create, Delete, Look, Read, Request, Update, Write, next_step
from pins.core.retry import Scope, delay, scope
from pins.core.witness import Credit, Sighting
from pins.tedee.errors import AmbiguousError, BadRequest, Cause, PinExists, PinNotFound, ServerFault, TedeeError
from pins.tedee.messages import PinBody, PinListing, RemotePin

#: After a list that was older than our own changes, the next one is asked for so much later.
STALE_REST = timedelta(seconds=10)
#: A second change by somebody in the lock app within this time is no slip: a person decides, and nobody fights.
SECOND_HAND = timedelta(days=1)


@dataclass(frozen=True)
class PreparedAttempt:
    """A request that is written down and may be sent."""

    pin_id: int | None  # None: about the whole lock
    device_id: int
    step: Request
    token: uuid.UUID  # only the run that holds it may store the answer
    rev: int  # the desired revision it was made for
    body: PinBody | None  # what a POST or PUT carries
    deadline: datetime  # when the step must be done at the latest (UTC)
    version: int | None = None  # a look that only wants to know what changed since this version of the list


@dataclass(frozen=True)
class Response:
    """What came back: a value (by kind of request), an error, or neither: done, or not changed."""

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
    shorten_alias: bool = False  # the name was refused: another form is needed
    alias_shown: str = ""  # the name under which a PIN of ours was read


def scope_of(step: Request, error: TedeeError) -> Scope:
    """Whom a failure concerns. A 404 to a POST or to the list is about no PIN: Tedee does not know the lock."""
    if error.cause is Cause.NOT_FOUND and isinstance(step, Create | Look):
        return Scope.LOCK
    return scope(error.cause)


def concerns_held(view: PinView, step: Request) -> bool:
    """Is the request aimed at the id that we hold, and not at a surplus one or one that may be ours?"""
    return getattr(step, "remote_id", None) == view.observed.remote_id


def is_confirmed_gone(step: Request, response: Response) -> bool:
    """A 404 to a DELETE is as good as its success (Tedee API, delete PIN)."""
    return isinstance(step, Delete) and isinstance(response.error, PinNotFound)


def for_pin(
    view: PinView,
    attempt: PreparedAttempt,
    response: Response,
    seen: Sighting | None,
    *,
    reference: str,
    now: datetime,
    late: timedelta,
    jitter: float,
    alias_is_short: bool = False,
) -> Meaning:
    """What the answer means for the PIN that asked.

    `seen`: what a list shows about it. `reference`: of the PIN's grant, by which its alias is recognised. `late`: how
    long a write without an answer may still reach the lock. `jitter`: 0.5 to 1, for the PIN's rest after trouble of
    its own. `alias_is_short`: the account's aliases cannot be made shorter; the one that was sent may be an older one.
    """
    error, step = response.error, attempt.step
    if error is not None:
        is_short = alias_is_short and (attempt.body is None or len(attempt.body.alias) <= SHORT_LENGTH)
        meaning = _after_error(view, step, error, now, late, alias_is_short=is_short)
        observed = meaning.observed
        gone = is_confirmed_gone(step, response) or (isinstance(step, Read) and view.observed.omitted)
        if scope_of(step, error) is Scope.PIN and (observed.must_look or not gone):
            observed = _rested(view, observed, attempt, error.cause, now, jitter)
        return replace(meaning, observed=observed)
    if seen is not None and seen.credit is Credit.STALE:
        return Meaning(transitions.waits_for_list(view.observed, now + STALE_REST, attempt.rev, now))
    if seen is not None:
        meaning = _after_list(view, seen, now)
    elif response.remote is not None:
        meaning = _after_read(view, step, response.remote, reference, now)
    else:
        return Meaning(_after_write(view.observed, step, response.created_id))
    if not looks.did_not_arrive(view.observed, meaning.observed):
        return meaning
    # Looking succeeds each time, so the lock is well; only the PIN knows that its writes get lost one after the other.
    return replace(meaning, observed=_rested(view, meaning.observed, attempt, Cause.TIMEOUT, now, jitter))


def for_listed(view: PinView, seen: Sighting, now: datetime) -> Meaning | None:
    """What a list means for a PIN that did not ask for it. `None`: nothing new. One list answers every PIN that wants
    to look, and corrects those that we believed elsewhere."""
    if seen.credit is Credit.STALE:
        return None
    wants_to_look = isinstance(next_step(view, now), Look)
    return _after_list(view, seen, now) if wants_to_look or looks.contradicts(view.observed, seen, now) else None


def for_reused_id(view: PinView, remote_id: int, now: datetime) -> Meaning | None:
    """The lock gave an id to a new PIN. Ids are reused, so a PIN that we knew under this id must be gone. `None`: this
    PIN has nothing to do with the id."""
    observed = view.observed
    if remote_id in observed.nominees:
        return Meaning(nominees.passed_over(observed, remote_id))
    if remote_id in observed.extra_ids:
        return Meaning(_surplus_gone(observed, remote_id))
    if observed.remote_id != remote_id:
        return None
    return _with_alarm(view, looks.read_foreign(observed), now)


def _surplus_gone(observed: Observed, remote_id: int) -> Observed:
    """Nothing of ours removed it, so a list tells what else is not as we believed."""
    return replace(transitions.deleted(observed, remote_id), must_look=True)


def _after_write(observed: Observed, step: Request, created_id: int | None) -> Observed:
    if isinstance(step, Create) and created_id is not None:
        return transitions.created(observed, created_id)
    if isinstance(step, Update):
        return transitions.updated(observed)
    if isinstance(step, Delete):
        return transitions.deleted(observed, step.remote_id)
    return observed


def _after_list(view: PinView, seen: Sighting, now: datetime) -> Meaning:
    return _with_alarm(view, looks.looked(view.observed, seen, now), now)


def _with_alarm(view: PinView, after: Observed, now: datetime) -> Meaning:
    """With the news that somebody took our PIN away, if so."""
    gone = view.desired.is_live(now) and looks.taken_away(view.observed, after, now)
    return Meaning(after, changed_in_app=gone)


def _after_read(view: PinView, step: Request, remote: RemotePin, reference: str, now: datetime) -> Meaning:
    observed = view.observed
    content = _content_of(remote, view)
    if isinstance(step, Read) and not concerns_held(view, step):
        return Meaning(_after_reading_nominee(view, step.remote_id, remote.alias, content, now))
    if reference_in(remote.alias) != reference and not _has_our_value(remote, view):
        return _with_alarm(view, looks.read_foreign(observed), now)
    edited = view.desired.is_live(now) and looks.rewritten(observed, content, now)
    after = looks.read(observed, content, now)
    if edited:
        again = observed.edited_at is not None and now < observed.edited_at + SECOND_HAND
        after = replace(after, edited_at=now)
        if again:
            after = transitions.stopped(after, Blocked.EDITED_AGAIN, view.desired.rev)
    return Meaning(after, changed_in_app=edited, alias_shown=remote.alias)


def _after_reading_nominee(view: PinView, remote_id: int, alias: str, content: Content, now: datetime) -> Observed:
    """A PIN under a name that may be ours, changed. Only its value and its period prove it."""
    observed = view.observed
    sent = observed.pending.content if observed.pending is not None else view.desired.content
    same = sent is not None and (content.code, content.ends_at) == (sent.code, sent.ends_at)
    # A lost POST of an earlier wish carried another value, and perhaps another end.
    same = same or (content.code in observed.former_codes and content.ends_at in _ends(view))
    # That it has no end either is no proof: somebody's own code may have these digits.
    same = same and (content.ends_at is not None or content.starts_at in {one.starts_at for one in _ours(view)})
    if not same or remote_id not in observed.nominees:
        former = observed.former_codes
        if content.code not in former | {one.code for one in _ours(view)}:
            return nominees.not_ours(observed, remote_id)
        if same or content.has_ended(now) or content.code not in former:
            return nominees.passed_over(observed, remote_id)
        return nominees.twin_found(observed, Twin(remote_id, foreign_name(alias)), content.code, now)
    if observed.remote_id is not None:
        if content.code == view.desired.content.code:
            return nominees.passed_over(observed, remote_id)  # the wished value is never one too many
        return nominees.surplus(observed, remote_id, content.code)
    return nominees.adopted(observed, remote_id, content, now)


def _has_our_value(remote: RemotePin, view: PinView) -> bool:
    """The id came from an answer to us, and the PIN has our value: only its name was changed."""
    return any(content.code == remote.code for content in _ours(view))


def _ours(view: PinView) -> list[Content]:
    """What the PIN may say by our own doing: what we know of it, what is under way, what we wish."""
    pending = view.observed.pending
    contents = (view.observed.applied, pending.content if pending is not None else None, view.desired.content)
    return [content for content in contents if content is not None]


def _content_of(remote: RemotePin, view: PinView) -> Content:
    """What a PIN that was read says. A cloud that cuts the seconds off says the same as what we sent."""
    starts = [content.starts_at for content in _ours(view)]
    ends_at = _as_sent(remote.ends_at, _ends(view))
    return Content(remote.code, _as_sent(remote.starts_at, starts), ends_at, recurrence=remote.recurrence)


def _ends(view: PinView) -> list[datetime | None]:
    """When what we sent ends, and what lost POSTs of ours carried."""
    posts = [post.ends_at for post in view.observed.posts]
    return [*(content.ends_at for content in _ours(view)), *posts, *view.observed.left_ends]


def _as_sent(shown: datetime | None, sent: Iterable[datetime | None]) -> datetime | None:
    for moment in sent:
        if moment is not None and shown == moment.replace(second=0, microsecond=0):
            return moment
    return shown


def _after_error(
    view: PinView, step: Request, error: TedeeError, now: datetime, late: timedelta, *, alias_is_short: bool
) -> Meaning:
    observed, is_write = view.observed, isinstance(step, Write)
    if isinstance(step, Read) and step.remote_id in observed.nominees:
        return Meaning(_after_failing_to_read_nominee(observed, step.remote_id, error))
    if isinstance(error, AmbiguousError):
        if isinstance(step, Read) and error.status == HTTPStatus.NOT_FOUND:
            return _with_alarm(view, looks.missing_perhaps(observed, step.remote_id, now), now)
        return Meaning(transitions.lost(observed, now + late) if is_write else observed)
    if isinstance(error, PinNotFound) and not isinstance(step, Create | Look):
        if isinstance(step, Read) and not concerns_held(view, step):
            return Meaning(nominees.passed_over(observed, step.remote_id))
        if isinstance(step, Delete) and step.remote_id in observed.extra_ids:
            return Meaning(_surplus_gone(observed, step.remote_id))
        return _with_alarm(view, looks.missing(observed, now), now)
    if isinstance(error, PinExists) and isinstance(step, Create | Update):
        return Meaning(transitions.refused_existing(observed))
    if isinstance(error, BadRequest) and isinstance(step, Create | Update):
        if error.about == "alias" and not alias_is_short:
            return Meaning(transitions.not_applied(observed), shorten_alias=True)
        return Meaning(transitions.refused_value(observed, now))
    return Meaning(transitions.not_applied(observed) if is_write else observed)


def _after_failing_to_read_nominee(observed: Observed, remote_id: int, error: TedeeError) -> Observed:
    """It vanished, or this request will never say what it is; anything else is trouble that passes, as a rule."""
    unreadable = isinstance(error, ServerFault) and error.status == HTTPStatus.OK
    if unreadable or isinstance(error, PinNotFound | BadRequest):
        return nominees.passed_over(observed, remote_id)
    return nominees.not_said(observed, remote_id) if isinstance(error, AmbiguousError) else observed


def _rested(
    view: PinView, observed: Observed, attempt: PreparedAttempt, cause: Cause, now: datetime, jitter: float
) -> Observed:
    """Trouble of this PIN alone: it rests before the next try. No rest outlasts the stay, because its end asks for
    another step."""
    is_live = view.desired.is_live(now)
    until_deadline = attempt.deadline - now
    begun = is_live and until_deadline <= timedelta()
    failures = view.observed.troubles + 1
    until = now + delay(cause, failures, until_deadline=until_deadline, begun=begun, jitter=jitter)
    ends_at = view.desired.content.ends_at
    if ends_at is not None and is_live:
        until = min(until, ends_at)
    return transitions.rested(observed, until, attempt.rev)
