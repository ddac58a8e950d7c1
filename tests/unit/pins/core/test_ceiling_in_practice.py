"""Plan, answers and memory together, against clouds that are honest, lose answers, or hide what they hold."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from pins.core import transitions
from pins.core.interpret import PreparedAttempt, Response, for_pin
from pins.core.pin_state import Blocked, Content, Observed, Op, PendingWrite, PinView, State
from pins.core.plan import Block, Create, Delete, Look, Read, Request, Rotate, Update, Wait, next_step, state_of
from pins.core.posts import DAY, HOUR, MOST_IN_A_DAY, MOST_IN_AN_HOUR
from pins.core.witness import Credit, ListMemory, credit, sighting
from pins.tedee.errors import DeviceTimeout, PinExists, PinNotFound, TedeeError
from pins.tedee.messages import ListedPin, PinListing, RemotePin
from tests.support.answers import ALIAS, LATE, REFERENCE
from tests.support.facts import NOW, WISH

#: A guest at the door, for a month, who knows the code.
GUEST = replace(WISH, disclosed=True, content=replace(WISH.content, starts_at=NOW, ends_at=NOW + 30 * DAY))
NEIGHBOUR = 99


@dataclass
class Cloud:
    """One lock. Values are unique on it, as on a real one, unless it hides what it holds."""

    chance: random.Random
    lost: float  # the share of answers that are lost; half of these requests are carried out
    neighbour: bool = False  # a code of another guest that we know is there, on every list
    shows_lists: bool = True
    shows_pins: bool = True
    held: dict[int, Content] = field(default_factory=dict)
    version: int = 1
    made_at: list[datetime] = field(default_factory=list)

    def answer(self, step: Request, content: Content, now: datetime) -> Response:
        is_lost = self.chance.random() < self.lost
        if is_lost and self.chance.random() < 0.5:
            return Response(error=DeviceTimeout(408))
        try:
            told = self.carry_out(step, content, now)
        except TedeeError as error:
            told = Response(error=error)
        return Response(error=DeviceTimeout(408)) if is_lost else told

    def carry_out(self, step: Request, content: Content, now: datetime) -> Response:
        if isinstance(step, Look):
            shown = {**self.held, **({NEIGHBOUR: content} if self.neighbour else {})} if self.shows_lists else {}
            pins = (ListedPin(one, "Bob" if one == NEIGHBOUR else ALIAS) for one in shown)
            return Response(listing=PinListing(self.version, tuple(pins)))
        if isinstance(step, Create):
            if self.shows_lists and any(pin.code == content.code for pin in self.held.values()):
                raise PinExists(406)
            made = 100 + len(self.made_at)
            self.held[made] = content
            self.made_at.append(now)
            self.version += 1
            return Response(created_id=made)
        if step.remote_id not in self.held or not self.shows_pins:
            raise PinNotFound(404)
        if isinstance(step, Read):
            pin = self.held[step.remote_id]
            return Response(remote=RemotePin(step.remote_id, ALIAS, pin.code, pin.starts_at, pin.ends_at, None))
        self.version += 1
        if isinstance(step, Update):
            self.held[step.remote_id] = content
        else:
            del self.held[step.remote_id]
        return Response()


def lived(cloud: Cloud, span: timedelta) -> Iterator[tuple[PinView, datetime]]:
    """The PIN of the guest over some time; as many requests as the plan wants, one every two seconds,
    and a rest after a lost answer."""
    view, memory, now, until = PinView(GUEST, Observed()), ListMemory(), NOW, NOW + span
    while now < until:
        step, observed = next_step(view, now), view.observed
        if isinstance(step, Wait):
            now = min(step.until or until, until)
        elif isinstance(step, Block):
            observed = transitions.stopped(observed, step.reason, view.desired.rev)
        else:
            assert not isinstance(step, Rotate), "the guest knows the code"
            now += timedelta(seconds=2)
            observed, memory, is_lost = exchanged(view, step, cloud, memory, now)
            now += timedelta(seconds=30 if is_lost else 0)  # the lock rests
        view = replace(view, observed=observed)
        yield view, now


def exchanged(
    view: PinView, step: Request, cloud: Cloud, memory: ListMemory, now: datetime
) -> tuple[Observed, ListMemory, bool]:
    """One request, its answer, what is remembered of both, and whether the answer was lost."""
    observed, wish = view.observed, view.desired.content
    kinds = {Create: Op.POST, Update: Op.PUT, Delete: Op.DELETE}
    if isinstance(step, Create | Update | Delete):
        content = None if isinstance(step, Delete) else wish
        pending = PendingWrite(kinds[type(step)], view.desired.rev, content, getattr(step, "remote_id", None))
        observed = transitions.prepared(observed, pending, now, alias=ALIAS)
        memory = replace(memory, written_at=now)
    response = cloud.answer(step, wish, now)
    seen = None
    if response.listing is not None:
        believed = {NEIGHBOUR} if cloud.neighbour else set()
        if observed.remote_id is not None and not (observed.omitted or observed.not_found):
            believed.add(observed.remote_id)
        worth = credit(response.listing, memory, frozenset(believed), now)
        seen = sighting(
            response.listing,
            worth,
            reference=REFERENCE,
            sent_alias=ALIAS,
            held=observed.remote_id,
            taken=frozenset({NEIGHBOUR}),
        )
        if worth is not Credit.STALE:
            proven_at = now if believed and worth is Credit.PROVEN else memory.proven_at
            memory = ListMemory(response.listing.version, 0, memory.written_at, proven_at)
    attempt = PreparedAttempt(1, 1, step, uuid.UUID(int=1), view.desired.rev, None, NOW)
    asked = replace(view, observed=observed)
    after = for_pin(asked, attempt, response, seen, reference=REFERENCE, now=now, late=LATE, jitter=1.0).observed
    if isinstance(step, Create | Update | Delete) and response.error is None:
        memory = replace(memory, confirmed_since=memory.confirmed_since + 1)
    if response.created_id is not None:
        after = replace(after, must_read=True)  # as for the first code of an account
    return after, memory, isinstance(response.error, DeviceTimeout)


def most_within(moments: list[datetime], span: timedelta) -> int:
    return max((sum(start <= one < start + span for one in moments) for start in moments), default=0)


@pytest.mark.parametrize("lost", [0.2, 0.5])
def test_with_honest_lists_nobody_meets_the_ceiling_and_every_guest_gets_one_code(lost: float) -> None:
    for seed in range(100):
        cloud = Cloud(random.Random(seed), lost, neighbour=True)
        states = []
        for view, now in lived(cloud, timedelta(minutes=30)):
            assert view.observed.blocked != Blocked.CREATED_OFTEN, f"seed {seed}"
            assert len(cloud.held) <= 1
            states.append(state_of(view, now))
        assert states[-1] is State.SET
        assert list(cloud.held.values()) == [GUEST.content]


@pytest.mark.parametrize("lost", [0.0, 0.3, 0.9])
def test_a_cloud_whose_lists_show_nothing_gets_few_codes(lost: float) -> None:
    """Values are not unique there either. What a 201 gave us is found by its id, what was lost is not."""
    for seed in range(10):
        cloud = Cloud(random.Random(seed), lost, shows_lists=False)
        for _ in lived(cloud, 3 * DAY):
            pass
        assert most_within(cloud.made_at, HOUR) <= MOST_IN_A_DAY
        assert most_within(cloud.made_at, DAY) <= MOST_IN_A_DAY
        if lost == 0:
            assert len(cloud.made_at) == 1


@pytest.mark.parametrize("lost", [0.0, 0.3])
def test_a_cloud_that_denies_all_it_made_gets_four_codes_a_day(lost: float) -> None:
    for seed in range(10):
        cloud = Cloud(random.Random(seed), lost, shows_lists=False, shows_pins=False)
        for _ in lived(cloud, 3 * DAY):
            pass
        assert most_within(cloud.made_at, DAY) <= MOST_IN_A_DAY


@pytest.mark.parametrize("lost", [0.3, 0.9])
def test_a_list_that_lacks_what_we_know_does_not_free_the_hour(lost: float) -> None:
    """The neighbour's code is missing on it, so nothing is absent: two in an hour."""
    for seed in range(10):
        cloud = Cloud(random.Random(seed), lost, neighbour=True, shows_lists=False)
        for _ in lived(cloud, 3 * DAY):
            pass
        assert most_within(cloud.made_at, HOUR) <= MOST_IN_AN_HOUR
        assert most_within(cloud.made_at, DAY) <= MOST_IN_A_DAY
