"""Requests under way, and answers of the lock cloud to them, for tests of what an answer means."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

from pins.core import interpret, transitions
from pins.core.interpret import PreparedAttempt, Response
from pins.core.pin_state import Content, Desired, Observed, Op, PendingWrite, PinView
from pins.core.plan import Request
from pins.core.witness import Credit, Sighting, sighting
from pins.tedee.messages import ListedPin, PinBody, PinListing, Recurrence, RemotePin
from tests.support.facts import NOW, SET, WISH

REFERENCE = "7F3K2Q"
ALIAS = f"Anna 03-08 Mar #{REFERENCE}"
LATE = timedelta(minutes=10)


def posting(before: Observed | None = None, content: Content = WISH.content) -> Observed:
    """A POST is under way."""
    return transitions.prepared(before or Observed(), PendingWrite(Op.POST, 1, content, None), NOW, alias=ALIAS)


def putting(before: Observed = SET, content: Content = WISH.content) -> Observed:
    """A PUT for the PIN with the id 7 is under way."""
    return transitions.prepared(before, PendingWrite(Op.PUT, 1, content, 7), NOW, alias=ALIAS)


def deleting(before: Observed = SET, remote_id: int = 7) -> Observed:
    """A DELETE is under way."""
    return transitions.prepared(before, PendingWrite(Op.DELETE, 1, None, remote_id), NOW)


def meaning(
    observed: Observed,
    step: Request,
    response: Response,
    desired: Desired = WISH,
    *,
    credit: Credit = Credit.UNPROVEN,
    alias_is_short: bool = False,
    alias: str = ALIAS,
) -> interpret.Meaning:
    """What the answer means for the PIN that asked; `credit`: of a list among the answers; `alias`: the
    name that was sent."""
    body = PinBody(alias, desired.content.code)
    attempt = PreparedAttempt(1, 1, step, uuid.UUID(int=1), desired.rev, body, NOW + timedelta(hours=1))
    return interpret.for_pin(
        PinView(desired, observed),
        attempt,
        response,
        seen(observed, response.listing, credit) if response.listing is not None else None,
        reference=REFERENCE,
        now=NOW,
        late=LATE,
        jitter=1.0,
        alias_is_short=alias_is_short,
    )


def seen(observed: Observed, listing: PinListing, credit: Credit = Credit.UNPROVEN) -> Sighting:
    """What a list shows about a PIN."""
    sent, held = observed.sent_alias or ALIAS, observed.remote_id
    return sighting(listing, credit, reference=REFERENCE, sent_alias=sent, held=held, taken=frozenset())


def listing(*aliases: str) -> Response:
    """A list of PINs with the ids 7, 8, ..."""
    return Response(listing=PinListing(1, tuple(ListedPin(7 + at, alias) for at, alias in enumerate(aliases))))


def remote(
    alias: str = ALIAS, content: Content = WISH.content, *, recurrence: Recurrence | None = None, remote_id: int = 7
) -> Response:
    """A PIN that was read by its id; `recurrence` replaces that of the content."""
    content = replace(content, recurrence=recurrence) if recurrence is not None else content
    return Response(
        remote=RemotePin(
            remote_id, alias, content.code, content.starts_at, content.ends_at, recurrence=content.recurrence
        )
    )
