"""Stores what answers mean: the observed side of PINs, each under its row's lock and in a transaction of its own.

A transaction that holds one PIN's row never waits for another's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Q

from pins.core import interpret, looks, transitions
from pins.core.interpret import Meaning, PreparedAttempt, Response
from pins.core.pin_state import Blocked, Observed
from pins.core.plan import Write, closing_look_pending
from pins.desired import claims
from pins.models import Incident, Pin, PinAttempt
from pins.models.pin import OBSERVED_COLUMNS, PLANNED_COLUMNS
from pins.reconcile import aliases, listings, statements
from pins.reconcile.known import KnownLock
from pins.reconcile.statements import Statement, kept, slot
from pins.tedee.errors import AmbiguousError, BadRequest
from rentals.models import LockAccount


def locked_pin(pin_id: int) -> Pin:
    """The row, locked. The grant is read by a second query on purpose: joined into the first, PostgreSQL would hand
    out the grant as it was before we waited for the lock."""
    pin = Pin.objects.select_for_update().get(pk=pin_id)
    pin.grant  # noqa: B018 - loads it
    return pin


def save_observed(pin: Pin, now: datetime) -> None:
    """Store the observed side of a locked row with the plan that follows from it, and let go of unused values."""
    _replan(pin, now)
    pin.observed_rev += 1
    pin.save(update_fields=OBSERVED_COLUMNS)
    pin.note_read()
    claims.release_unused(pin, now)


def save_all_observed(pins: Collection[Pin], now: datetime) -> None:
    """The same for many locked rows, with a few statements. They were noted after they were read."""
    columns = {"observed_rev", *PLANNED_COLUMNS}
    for pin in pins:
        _replan(pin, now)
        columns |= pin.changed_columns().keys()
        pin.observed_rev += 1
    Pin.objects.bulk_update(pins, sorted(columns))
    for pin in pins:
        pin.note_read()
    claims.release_all_unused(pins, now)


#: What must hold besides, written with slots. A function of its own for each, so that its statements can be kept.
Condition = Callable[[], Q | Exists]


def save_if_unchanged(pin: Pin, now: datetime, condition: Condition | None = None, **values: Any) -> bool:
    """The same for a row that is not locked: only if nobody stored either side since it was read, and if the
    `condition` holds with these `values` in its slots. False: nothing was stored, and `pin` must be read again.

    In a transaction: from here on the row is locked. Needs `note_read` after reading, and before any change.
    """
    _replan(pin, now)
    if not store_if_unchanged(pin, condition, **values):
        return False
    claims.release_unused(pin, now)
    return True


def store_if_unchanged(pin: Pin, condition: Condition | None = None, **values: Any) -> bool:
    """The same without drawing conclusions."""
    changed = pin.changed_columns()
    as_read = {"pin": pin.pk, "desired_as_read": pin.desired_rev, "observed_as_read": pin.observed_rev}
    if _storing(tuple(changed), condition).run({**changed, **as_read, **values}) != 1:
        return False
    pin.observed_rev += 1
    pin.note_read()
    return True


@kept
def _storing(columns: tuple[str, ...], condition: Condition | None) -> Statement:
    rows = Pin.objects.filter(
        *([condition()] if condition is not None else []),
        pk=slot("pin", Pin, "id"),
        desired_rev=slot("desired_as_read", Pin, "desired_rev"),
        observed_rev=slot("observed_as_read", Pin, "observed_rev"),
    )
    return statements.update(rows, {**{one: slot(one, Pin) for one in columns}, "observed_rev": F("observed_rev") + 1})


def _replan(pin: Pin, now: datetime) -> None:
    if not closing_look_pending(pin.view, now):
        pin.put_observed(transitions.forget_late(pin.observed, now))
    if pin.suspected_at is not None:
        pin.put_observed(transitions.search_over(pin.observed))
    pin.refresh_plan(now)


def record(
    known: KnownLock,
    pin: Pin,
    attempt: PreparedAttempt,
    response: Response,
    seen: listings.SeenList | None,
    now: datetime,
) -> Pin | None:
    """Store the answer for the PIN that asked. `None`: it came too late to teach anything, because another run took
    over meanwhile and knows better. `pin`: as stored when the request was written down. `seen`: the list that came
    back.

    Usually nobody stored anything meanwhile. Otherwise the row is locked and read again: the answer is never lost.
    """
    account = known.lock.account
    with transaction.atomic():
        close_attempt(attempt, response, now)
        before, meaning = _learn(pin, account, attempt, response, seen, now)
        if not save_if_unchanged(pin, now, _waits_for_answer, token=attempt.token):
            pin = locked_pin(pin.pk)
            if pin.op_token != attempt.token:
                return None
            before, meaning = _learn(pin, account, attempt, response, seen, now)
            save_observed(pin, now)
        if response.error is None and isinstance(attempt.step, Write):
            listings.confirmed(known.lock.pk)
        if response.created_id is not None and aliases.take_check(pin, account, known.account_state):
            pin.put_observed(replace(pin.observed, must_read=True))
            save_observed(pin, now)
        if meaning.alias_shown:
            aliases.read_back(pin, account, meaning.alias_shown, now)
        if meaning.shorten_alias:
            aliases.refused(account)
        _tell(pin, before, meaning, now)
    return pin


def _waits_for_answer() -> Q:
    return Q(op_token=slot("token", Pin, "op_token"))


def _learn(
    pin: Pin,
    account: LockAccount,
    attempt: PreparedAttempt,
    response: Response,
    seen: listings.SeenList | None,
    now: datetime,
) -> tuple[Observed, Meaning]:
    """Put what the answer means into the PIN that asked (unsaved). Returns what was known before, and the meaning."""
    before = pin.observed
    meaning = interpret.for_pin(
        pin.view,
        attempt,
        response,
        seen.sighting(pin) if seen is not None else None,
        reference=pin.grant.reference,
        now=now,
        late=timedelta(seconds=settings.LATE_SECONDS),
        jitter=random.uniform(0.5, 1),
        alias_is_short=isinstance(response.error, BadRequest) and aliases.is_shortest(account),
    )
    pin.put_observed(meaning.observed)
    pin.last_cause = response.error.cause.value if response.error is not None else ""
    return before, meaning


def share_list(asker_id: int | None, seen: listings.SeenList, now: datetime) -> None:
    """Let the lock's PINs learn from a list; `asker_id` is the one that asked for it and has learned already."""
    for pin in seen.concerned(asker_id):
        if interpret.for_listed(pin.view, seen.sighting(pin), now) is None:
            continue
        with transaction.atomic():
            fresh = locked_pin(pin.pk)
            if (meaning := interpret.for_listed(fresh.view, seen.sighting(fresh), now)) is not None:
                _store(fresh, meaning, now)


def distrust_reused_id(known: KnownLock, created: Pin, remote_id: int, now: datetime) -> None:
    """A lock may give the id of a PIN that is gone to a new one: another PIN that we believe under it needs a look."""
    others, known.holders[remote_id] = known.holders[remote_id] - {created.pk}, {created.pk}
    for other_id in sorted(others):
        with transaction.atomic():
            other = locked_pin(other_id)
            if (meaning := interpret.for_reused_id(other.view, remote_id, now)) is not None:
                _store(other, meaning, now)


def ask_to_read(pin_ids: Iterable[int], now: datetime) -> None:
    """These are read by their ids: somebody may have changed them without a trace in the list."""
    for pin_id in sorted(pin_ids):
        with transaction.atomic():
            pin = locked_pin(pin_id)
            if pin.remote_id is not None:
                pin.put_observed(replace(pin.observed, must_read=True))
                save_observed(pin, now)


def _store(pin: Pin, meaning: Meaning, now: datetime) -> None:
    """Store what an answer means for a locked row."""
    before = pin.observed
    pin.put_observed(meaning.observed)
    save_observed(pin, now)
    _tell(pin, before, meaning, now)


def _tell(pin: Pin, before: Observed, meaning: Meaning, now: datetime) -> None:
    """What others must know of it. If somebody else removed or changed our code, Turnkey sets it again and an incident
    tells a person."""
    if meaning.changed_in_app:
        fights = meaning.observed.blocked == Blocked.EDITED_AGAIN
        severity = Incident.Severity.URGENT if fights else None
        if not pin.desired.reserve:
            Incident.open(Incident.Kind.CHANGED_IN_APP, now, about=pin, severity=severity)
        listings.doubted(pin.lock_id, now)
    if set(meaning.observed.twins) - set(before.twins):
        Incident.open(Incident.Kind.SECOND_CODE, now, about=pin)
    elif before.twins and not meaning.observed.twins:
        Incident.resolve(now, about=pin, kinds=(Incident.Kind.SECOND_CODE,))
    if looks.given_up(before, pin.observed, now):
        listings.creation_given_up(pin.lock_id, now)


def close_attempt(attempt: PreparedAttempt, response: Response, now: datetime) -> None:
    outcome = PinAttempt.Outcome.DONE
    if response.error is not None and not interpret.is_confirmed_gone(attempt.step, response):
        lost = isinstance(response.error, AmbiguousError)
        outcome = PinAttempt.Outcome.LOST if lost else PinAttempt.Outcome.REFUSED
    cause = response.error.cause.value if response.error is not None else ""
    answer: dict[str, Any] = {"status": response.status, "cause": cause, "correlation_id": response.correlation_id}
    _closing().run({**answer, "finished_at": now, "outcome": outcome, "token": attempt.token})


@kept
def _closing() -> Statement:
    columns = ("status", "cause", "finished_at", "outcome", "correlation_id")
    rows = PinAttempt.objects.filter(token=slot("token", PinAttempt))
    return statements.update(rows, {one: slot(one, PinAttempt) for one in columns})
