"""Compares what a lock holds with what we believe, at least once per `AUDIT_SECONDS`.

Codes are deleted, changed and added in the lock app, and a cloud may lose them: nobody tells us. Part of a lock's run,
under its lease, after all that is due there.

1. One list. “Not changed since the version that we know” ends it.
2. Otherwise each PIN of ours learns from the list, as from every list.
3. Somebody else changed the lock: PINs that could have been narrowed without a trace in the list are read, at once or
   when their stays come near.
4. Codes that carry our mark and that nothing explains are read, and removed, adopted or shown to a person. After a
   backup was restored, those without a mark are read, too, if a code that the backup knows is missing.
5. The version is written down last: after a crash before this, the same is found again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from pins.core import audit, nominees
from pins.core.alias import ALIAS_LENGTH, is_ours, reference_in
from pins.core.interpret import PreparedAttempt, Response
from pins.core.pin_state import Content
from pins.core.plan import Delete, Look, Read
from pins.core.witness import Credit
from pins.desired import code_overrides
from pins.models import Incident, InstallationKey, LockState, Pin
from pins.reconcile import after_loss, attempts, leases, listings, observations, pile_up, responses
from pins.tedee.client import TedeeClient
from pins.tedee.errors import PinNotFound
from pins.tedee.messages import RemotePin
from rentals.models import Lock

#: Codes of unknown origin that one comparison reads at most.
MOST_STRAYS = 5
#: The same after a backup was restored: as many as a keypad holds, since each may be the code of a guest whose stay is
#: about to get another one.
MOST_STRAYS_AFTER_LOSS = 100
#: After a list that said nothing about now, or that could not be asked for, the next try comes so much later.
ASK_AGAIN = timedelta(minutes=5)


@dataclass
class Outcome:
    """What a comparison cost, and until when the lock rests (UTC), if it must."""

    requests: int = 0
    rest: datetime | None = None


def schedule_first(lock_id: int, now: datetime) -> None:
    """Give a lock its own moment in the period, so that not all are compared at once."""
    later = timedelta(seconds=random.uniform(0, settings.AUDIT_SECONDS))
    LockState.objects.filter(lock=lock_id, audit_at=None).update(audit_at=now + later)


def is_due(state: LockState, now: datetime) -> bool:
    """Is it time to compare this lock?"""
    return state.audit_at is not None and state.audit_at <= now


def compare(lock: Lock, lease: leases.Lease, client: TedeeClient, clock: Callable[[], datetime]) -> Outcome:
    """Compare one lock. The caller holds its lease and knows that it is due. Raises `LeaseLostError`."""
    return _Comparison(lock, lease, client, clock).run()


def _content(remote: RemotePin) -> Content:
    return Content(remote.code, remote.starts_at, remote.ends_at, remote.recurrence)


class _Comparison:
    def __init__(self, lock: Lock, lease: leases.Lease, client: TedeeClient, clock: Callable[[], datetime]) -> None:
        self.lock, self.lease, self.client, self.clock = lock, lease, client, clock
        self.state = LockState.objects.get(lock=lock)
        self.outcome = Outcome()
        self.listed = frozenset[int]()  # every id on the list
        now = clock()
        coming = Pin.objects.filter(lock=lock, wanted=True, grant__starts_at__gt=now)
        self.check_ins = sorted(coming.values_list("grant__starts_at", flat=True))
        self.purpose = audit.purpose(now, self.state.audited_at, self.check_ins[0] if self.check_ins else None)
        self.due: datetime | None = None  # when the list is needed, if a deadline waits for it (UTC)
        if self.state.look_first:
            waiting = Pin.objects.filter(lock=lock, next_try_at__lte=now, deadline_at__isnull=False)
            self.due = waiting.order_by("deadline_at").values_list("deadline_at", flat=True).first()
            self.purpose = audit.purpose_of_first_look(now, self.due)

    def run(self) -> Outcome:
        state, now = self.state, self.clock()
        proved = state.list_proven_at is not None and state.list_proven_at == state.looked_at
        # A list that a run read since then, for another reason, may have shown a stray, which only we look after.
        compared = state.list_version if state.list_version == state.audited_version else None
        version = audit.version_to_name(
            compared, state.writes_since, state.full_list_at, now, counts=state.version_counts, proved=proved
        )
        response = self._ask(Look(), version=version)
        if response is None:
            return self.outcome
        now = self.clock()
        if response.listing is None:
            self._read_what_may_be_narrowed(state.list_version, state.version_counts, now)
            self._done(state.list_version, now)
            return self.outcome
        seen = listings.weigh(self.lock, response.listing, now)
        if seen.credit is Credit.STALE:
            self._try_again(now)
            return self.outcome
        observations.share_list(None, seen, now)
        counts = state.version_counts if seen.version_counts is None else seen.version_counts
        self._read_what_may_be_narrowed(response.listing.version, counts, now)
        self.listed = frozenset(one.id for one in response.listing.pins)
        if not (self._find_renamed(seen) and self._settle_strays(seen)):
            listings.remember_strangers(seen)
            return self.outcome
        if version is None:
            LockState.objects.filter(lock=self.lock).update(full_list_at=now)
        responses.note_list(self.lock, seen, now)
        self._done(response.listing.version, now)
        return self.outcome

    def _read_what_may_be_narrowed(self, version: int | None, counts: bool | None, now: datetime) -> None:
        """Lists in between showed a new version to others, so it is compared with the one of the last comparison."""
        state = self.state
        there = Pin.objects.filter(lock=self.lock, wanted=True, remote_id__isnull=False, grant__ends_at__gt=now)
        near = Q(grant__starts_at__lte=now + audit.MATTERS_WITHIN)
        if audit.moved_beyond_ours(version, state.audited_version, state.confirmed_since_audit, counts=counts):
            # In one step for all, since the version of this list will be the measure of the next comparison.
            ids = there.filter(read_when_near=False).values_list("pk", flat=True)
            Pin.objects.filter(pk__in=list(ids)).update(read_when_near=True)
        # Those that the list has already raised a doubt about are read anyway.
        due = there.filter(near, read_when_near=True)
        due_ids = list(due.values_list("pk", flat=True))
        if due_ids:
            observations.ask_to_read(due.exclude(must_read=True).values_list("pk", flat=True), now)
            Pin.objects.filter(pk__in=due_ids).update(read_when_near=False)

    def _find_renamed(self, seen: listings.SeenList) -> bool:
        """People rename codes in the Tedee app, and a backup does not know the ids that were given since: then only
        the value tells that a code is ours. False: not all could be asked for."""
        missing = after_loss.missing(self.lock, seen.listing, self.clock()) if self.state.look_first else {}
        for one in sorted(seen.listing.pins, key=lambda one: -one.id):  # the newest first: it was made since
            if not missing:
                return True
            if one.id in seen.held or reference_in(one.alias) is not None or one.id in self.state.read_since:
                continue
            response = self._read(one.id)
            if response is None:
                return False
            if response.remote is not None and response.remote.code in missing:
                self._adopt(missing.pop(response.remote.code), response.remote)
        return True

    def _settle_strays(self, seen: listings.SeenList) -> bool:
        """Read codes of unknown origin that carry our mark. False: not all could be asked for."""
        known = set(Pin.objects.filter(lock=self.lock).values_list("grant__reference", flat=True))
        key = InstallationKey.load()
        strays = []
        for one in seen.listing.pins:
            reference = reference_in(one.alias)
            if one.id not in seen.held and reference is not None and reference not in known:
                strays += [one.id] if is_ours(reference, key) else []
        most = MOST_STRAYS_AFTER_LOSS if self.state.look_first else MOST_STRAYS
        shown = len(strays) > most
        for remote_id in strays[:most]:
            if remote_id in self.state.read_since:
                shown = True
                continue
            response = self._read(remote_id)
            if response is None:
                return False
            if response.remote is not None:
                shown |= isinstance(self._settle_stray(response.remote), audit.Show)
        now = self.clock()
        if shown:
            Incident.open(Incident.Kind.STRAY_CODE, now, about=self.lock)
        else:
            Incident.resolve(now, about=self.lock, kinds=(Incident.Kind.STRAY_CODE,))
        return True

    def _read(self, remote_id: int) -> Response | None:
        """Read one code. After a restore there may be a hundred of them, and any of these requests may fail: what was
        read is not asked for again, or the comparison of a full lock would not come to its end."""
        response = self._ask(Read(remote_id))
        if response is not None and self.state.look_first:
            self.state.read_since.append(remote_id)
            LockState.objects.filter(lock=self.lock).update(read_since=self.state.read_since)
        return response

    def _settle_stray(self, remote: RemotePin) -> audit.Verdict:
        now = self.clock()
        content = _content(remote)
        waiting = Pin.objects.filter(lock=self.lock, wanted=True, remote_id=None, op="").select_related("grant")
        wanted = [
            audit.Wanted(pin.pk, pin.desired.content, pin.alias, is_free=not pin.desired.disclosed)
            for pin in waiting
            if pin.desired.is_live(now)
        ]
        verdict = audit.judge_stray(content, wanted, now, remote.alias)
        if isinstance(verdict, audit.AdoptValue) and not self._take_value(verdict.pin_id, remote.code, now):
            return audit.Show()
        if isinstance(verdict, audit.Adopt | audit.AdoptValue):
            self._adopt(verdict.pin_id, remote)
        if isinstance(verdict, audit.Remove):
            self._ask(Delete(remote.id))
        return verdict

    def _adopt(self, pin_id: int, remote: RemotePin) -> None:
        """This code on the lock is the one of this PIN, unless the PIN has learned of another meanwhile."""
        now = self.clock()
        with transaction.atomic():
            pin = observations.locked_pin(pin_id)
            if pin.remote_id not in self.listed and not pin.op:
                named = replace(pin.observed, sent_alias=remote.alias[:ALIAS_LENGTH])
                pin.put_observed(nominees.adopted(named, remote.id, _content(remote), now))
                observations.save_observed(pin, now)

    def _take_value(self, pin_id: int, code: str, now: datetime) -> bool:
        """The stay keeps the value that its guest was told. False: it cannot have it."""
        grant_id = Pin.objects.values_list("grant_id", flat=True).get(pk=pin_id)
        try:
            code_overrides.set_code(grant_id, code, now)
        except (
            code_overrides.CodeNotAllowedError,
            code_overrides.CodeDisclosedError,
            code_overrides.CodeTakenError,
            code_overrides.CodeNotWantedError,
        ):
            return False
        return True

    def _ask(self, step: Look | Read | Delete, *, version: int | None = None) -> Response | None:
        """One request. `None`: it was not sent, or not answered; the lock is compared later."""
        now = self.clock()
        prepared = attempts.prepare_for_lock(
            self.lock, self.lease, step, self.purpose, self.due or now + audit.BEFORE_CHECK_IN, now, version=version
        )
        if not isinstance(prepared, PreparedAttempt):
            if isinstance(prepared, attempts.Rest):
                self._later(prepared.until)
            else:
                self._try_again(now)
            return None
        if not self.lease.is_fresh():
            raise attempts.LeaseLostError
        response = attempts.send(self.client, prepared)
        self.outcome.requests += 1
        if not leases.renew(self.lease):
            raise attempts.LeaseLostError  # another run took over meanwhile, and knows better than this answer
        now = self.clock()
        observations.close_attempt(prepared, response, now)
        if response.error is None:
            responses.lock_is_well(self.lock, now, wrote=isinstance(step, Delete))
            if isinstance(step, Delete):
                listings.confirmed(self.lock.pk)
            return response
        if isinstance(response.error, PinNotFound) and not isinstance(step, Look):
            return response  # it vanished meanwhile
        self.outcome.rest = responses.rest_after(self.lock, prepared, response.error, now)
        self._try_again(now)
        return None

    def _try_again(self, now: datetime) -> None:
        """Soon where nothing is sent to the lock before it was compared: guests may wait for that."""
        pause = after_loss.SHORTEST_PAUSE if self.state.look_first else ASK_AGAIN
        self._later(max(now + pause, self.outcome.rest or now))

    def _later(self, moment: datetime) -> None:
        LockState.objects.filter(lock=self.lock).update(audit_at=moment)

    def _done(self, version: int | None, now: datetime) -> None:
        pile_up.look_again(self.lock, now)
        unseen_at = LockState.objects.values_list("creation_unseen_at", flat=True).get(lock=self.lock)
        following = audit.next_audit(now, timedelta(seconds=settings.AUDIT_SECONDS), self.check_ins, unseen_at)
        LockState.objects.filter(lock=self.lock).update(
            audited_at=now,
            audit_at=following,
            audited_version=version,
            # A stray that was removed on the way was confirmed before this list's version was compared.
            confirmed_since_audit=F("confirmed_since_audit") - self.state.confirmed_since_audit,
        )
        if self.state.look_first:
            after_loss.looked(self.lock)
