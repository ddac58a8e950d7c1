"""Grants, PINs and what belongs to them, for stored bookings, as `pins.desired` and a worker would have left them."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pins.core.alias import alias_text, new_reference
from pins.core.code_rules import generate
from pins.core.pin_state import Content, Op
from pins.desired.wishes import Wish, wish_of
from pins.models import AccessGrant, Incident, InstallationKey, Pin, PinAttempt, PinReveal, ValueClaim
from pins.stack.portfolio.pin_history import PinHistory, SentRequest, Stage, history_of, trouble_of
from pins.stack.portfolio.places import BATCH, Home
from rentals import end_to_end
from rentals.models import Booking, Lock

#: Requests are kept for stays that ended less than this ago.
_RECENT = timedelta(days=14)
#: The chance that something keeps a code from its lock: before the guest arrives, and during the stay.
_TROUBLE, _TROUBLE_NOW = 0.03, 0.008


@dataclass(slots=True)
class Rows:
    """The rows of one batch of bookings, in the order in which they are stored."""

    grants: list[AccessGrant] = field(default_factory=list)
    pins: list[Pin] = field(default_factory=list)
    claims: list[ValueClaim] = field(default_factory=list)
    attempts: list[PinAttempt] = field(default_factory=list)
    reveals: list[PinReveal] = field(default_factory=list)
    about: list[tuple[Incident.Kind, Pin, datetime, datetime | None]] = field(default_factory=list)

    def store(self) -> None:
        AccessGrant.objects.bulk_create(self.grants, batch_size=BATCH)
        Pin.objects.bulk_create(self.pins, batch_size=BATCH)
        ValueClaim.objects.bulk_create(self.claims, batch_size=BATCH)
        PinAttempt.objects.bulk_create(self.attempts, batch_size=BATCH)
        PinReveal.objects.bulk_create(self.reveals, batch_size=BATCH)
        incidents = [
            Incident(kind=kind, subject=f"pin:{pin.pk}", pin=pin, opened_at=opened, resolved_at=resolved)
            for kind, pin, opened, resolved in self.about
        ]
        Incident.objects.bulk_create(incidents, batch_size=BATCH)


class CodeMaker:
    """Makes the codes. Their values come from the system's randomness, not from the seed: nobody can compute them."""

    def __init__(self, rng: random.Random, now: datetime) -> None:
        self._rng, self._now = rng, now
        self._key = InstallationKey.load()
        self._references = set(AccessGrant.objects.values_list("reference", flat=True))
        self._taken: defaultdict[int, set[str]] = defaultdict(set)
        self._last_id: defaultdict[int, int] = defaultdict(lambda: 100)

    def make(self, rows: Rows, home: Home, bookings: Iterable[Booking]) -> None:
        """Add the rows of one property's stored bookings."""
        bookings = list(bookings)
        confirmed = [one for one in bookings if one.status == Booking.Status.CONFIRMED]
        next_at = end_to_end.among([end_to_end.facts_of(one) for one in confirmed], home.property.timezone)
        for booking in bookings:
            lock_ids = [lock.pk for lock in home.locks]
            wish = wish_of(booking, lock_ids, None, self._now, stays_on_at=next_at.get(booking.pk))
            ended = wish.period.ends_at <= self._now
            if wish.issue_at > self._now or booking.status == Booking.Status.TENTATIVE:
                continue
            if booking.status == Booking.Status.CANCELLED and self._rng.random() < 0.5:
                continue  # cancelled before there was a code
            if not home.property.is_active and not ended:
                continue
            self._add(rows, home, booking, wish)

    def _add(self, rows: Rows, home: Home, booking: Booking, wish: Wish) -> None:
        grant = self._grant(booking, wish, home.locks)
        rows.grants.append(grant)
        if grant.disclosed_at is not None:
            rows.reveals.append(PinReveal(grant=grant, user_name="Front desk", at=grant.disclosed_at))
        offline = [lock for lock in home.locks if lock.is_connected is False]
        trouble, where = self._trouble(grant, offline=bool(offline)), (*offline, *home.locks)[:1]
        for lock in home.locks:
            history = self._history(grant, lock, trouble if lock in where else None)
            pin = self._pin(grant, lock, history, alias_text(wish.holder_name, *wish.dates, grant.reference))
            rows.pins.append(pin)
            rows.claims.append(self._claim(pin, history.stage))
            rows.attempts.extend(self._attempts(pin, history.requests) if grant.ends_at > self._now - _RECENT else ())
            self._remember_trouble(rows, pin, history.stage)

    def _grant(self, booking: Booking, wish: Wish, locks: Sequence[Lock]) -> AccessGrant:
        """Made some time after its window opened, since not all guests book far ahead; disclosed near the arrival."""
        period, now = wish.period, self._now
        latest = min(now - timedelta(minutes=20), period.starts_at)
        made_at = wish.issue_at + max(latest - wish.issue_at, timedelta()) * (self._rng.random() ** 2)
        near = period.starts_at < now + timedelta(days=3)
        disclosed = self._rng.random() < (0.93 if near else 0.35) and made_at < latest
        return AccessGrant(
            booking=booking,
            holder_name=wish.holder_name,
            reference=self._reference(),
            code=self._code(locks, booking.property.code_length),
            starts_at=period.starts_at,
            ends_at=period.ends_at,
            issue_at=wish.issue_at,
            wanted=booking.status == Booking.Status.CONFIRMED,
            disclosed_at=made_at + (latest - made_at) * self._rng.random() if disclosed else None,
            created_at=made_at,
        )

    def _reference(self) -> str:
        while True:
            made = new_reference(self._key, randbelow=self._rng.randrange)
            if made not in self._references:
                self._references.add(made)
                return made

    def _code(self, locks: Sequence[Lock], length: int) -> str:
        taken = [self._taken[lock.pk] for lock in locks]
        code = generate(length, set().union(*taken))
        for codes in taken:
            codes.add(code)
        return code

    # -- one PIN ------------------------------------------------------------------------------------------------

    def _trouble(self, grant: AccessGrant, *, offline: bool) -> Stage | None:
        """What keeps a code off one of its locks, or on it."""
        drawn = self._rng.random()
        if not grant.wanted:
            return None
        if grant.ends_at <= self._now:
            is_fresh = self._now - grant.ends_at < timedelta(days=1)
            return Stage.REMOVING if is_fresh and drawn < (0.6 if offline else 0.04) else None
        chance = _TROUBLE_NOW if grant.starts_at <= self._now else _TROUBLE
        if drawn >= (0.3 if offline else chance):
            return None
        return trouble_of(self._rng, disclosed=grant.disclosed_at is not None, offline=offline)

    def _history(self, grant: AccessGrant, lock: Lock, trouble: Stage | None) -> PinHistory:
        over = not grant.wanted or grant.ends_at <= self._now
        stage = trouble or (Stage.REMOVED if over else Stage.SET)
        self._last_id[lock.pk] += 1
        wish = Content(grant.code, grant.starts_at, grant.ends_at)
        offline = lock.is_connected is False
        return history_of(self._rng, stage, wish, self._last_id[lock.pk], self._now, offline=offline)

    def _pin(self, grant: AccessGrant, lock: Lock, history: PinHistory, alias: str) -> Pin:
        pin = Pin(grant=grant, lock=lock, alias=alias, wanted=grant.wanted, last_cause=history.cause)
        pin.desired_rev = history.rev if grant.wanted else history.rev + 1
        pin.wished_at = grant.created_at
        pin.put_observed(history.observed)
        pin.op_token = uuid.uuid4() if pin.op else None
        pin.refresh_plan(self._now)
        pin.state_changed_at = self._since(grant, history.stage)
        return pin

    def _since(self, grant: AccessGrant, stage: Stage) -> datetime:
        """A cancelled code was removed half-way to the arrival, an ended one at check-out."""
        moment = grant.created_at
        if stage in (Stage.REMOVED, Stage.REMOVING):
            moment = grant.ends_at
            if not grant.wanted:
                moment = grant.created_at + max(min(self._now, grant.starts_at) - grant.created_at, timedelta()) / 2
        return min(self._now, moment + timedelta(seconds=self._rng.randint(1, 40)))

    def _claim(self, pin: Pin, stage: Stage) -> ValueClaim:
        return ValueClaim(
            lock=pin.lock,
            grant=pin.grant,
            digest=ValueClaim.digest_of(pin.grant.code, key=self._key),
            claimed_at=pin.grant.created_at,
            released_at=pin.state_changed_at if stage is Stage.REMOVED else None,
        )

    def _attempts(self, pin: Pin, requests: Iterable[SentRequest]) -> Iterable[PinAttempt]:
        """The requests, half a minute apart, and a removal at the moment when it was done."""
        at = pin.grant.created_at
        for one in requests:
            began = pin.state_changed_at if one.op is Op.DELETE else min(at, self._now)
            at += timedelta(seconds=30)
            yield PinAttempt(
                pin=pin,
                op=one.op.value,
                rev=one.rev,
                token=pin.op_token if pin.op_token is not None and not one.outcome else uuid.uuid4(),
                remote_id=pin.remote_id,
                started_at=began,
                finished_at=began + timedelta(seconds=2) if one.outcome else None,
                outcome=one.outcome,
                status=one.status,
                cause=one.cause,
                correlation_id=f"{self._rng.getrandbits(64):016x}",
            )

    def _remember_trouble(self, rows: Rows, pin: Pin, stage: Stage) -> None:
        """Incidents, open and resolved. Those about late and remaining codes are opened by the checks of the sweep."""
        if stage is Stage.BLOCKED:
            rows.about.append((Incident.Kind.VALUE_TAKEN, pin, pin.state_changed_at, None))
        elif stage is Stage.REMOVED and pin.wanted and self._rng.random() < 0.02:
            began = pin.grant.starts_at - timedelta(hours=4)
            rows.about.append((Incident.Kind.CODE_LATE, pin, began, began + timedelta(minutes=50)))
