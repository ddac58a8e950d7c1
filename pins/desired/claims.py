"""Code values that are taken on locks: choosing, claiming, releasing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Set
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from pins.core.code_rules import MAXIMUM_LENGTH, NoValueLeft, generate
from pins.models import AccessGrant, InstallationKey, Pin, ValueClaim

#: A former guest may remember a code; it is not given to the next one.
REUSE_AFTER = timedelta(days=90)


class TakenValues(Set[str]):
    """Answers "is this value taken on any of these locks?" from digests alone, one set of them for each lock."""

    def __init__(self, digests: Collection[Set[str]], key: bytes) -> None:
        self._digests = digests
        self._key = key

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, str):
            return False
        digest = ValueClaim.digest_of(value, key=self._key)
        return any(digest in taken for taken in self._digests)

    def __iter__(self) -> Iterator[str]:
        return iter(())  # a digest does not give its value back

    def __len__(self) -> int:
        return sum(map(len, self._digests))


class Keypads:
    """What is taken on some locks, read once, to choose values for many grants."""

    def __init__(self, lock_ids: Collection[int], now: datetime, key: bytes) -> None:
        self._key = key
        self._taken: defaultdict[int, set[str]] = defaultdict(set)
        recent = Q(released_at__isnull=True) | Q(released_at__gt=now - REUSE_AFTER)
        claims = ValueClaim.objects.filter(recent, lock_id__in=lock_ids)
        for lock_id, digest in claims.values_list("lock_id", "digest"):
            self._taken[lock_id].add(digest)

    def taken_on(self, lock_ids: Iterable[int]) -> TakenValues:
        """Values claimed now, or used within the last 90 days, on any of these."""
        return TakenValues([self._taken[lock_id] for lock_id in lock_ids], self._key)

    def take(self, lock_ids: Collection[int], length: int, *, liked: str = "") -> tuple[str, str]:
        """A new value, `liked` if that is free, and its digest, from now on taken on these. Nobody else knows it yet:
        only the database decides. Raises `NoValueLeft`."""
        value = _draw(length, self.taken_on(lock_ids), liked)
        digest = ValueClaim.digest_of(value, key=self._key)
        for lock_id in lock_ids:
            self._taken[lock_id].add(digest)
        return value, digest


def taken_on(lock_ids: Collection[int], now: datetime) -> TakenValues:
    """Values claimed now, or used within the last 90 days, on any of the locks."""
    return Keypads(lock_ids, now, InstallationKey.load()).taken_on(lock_ids)


def held_by_another(value: str, lock_ids: Collection[int], grant_ids: Collection[int]) -> bool:
    """Is the value claimed on one of the locks for another grant than these?

    For a form's early answer; only `claim` decides.
    """
    held = ValueClaim.objects.filter(lock_id__in=lock_ids, digest=ValueClaim.digest_of(value), released_at__isnull=True)
    return held.exclude(grant_id__in=grant_ids).exists()


def choose(grant: AccessGrant, lock_ids: Collection[int], length: int, now: datetime, *, liked: str = "") -> str:
    """A new value, claimed on every lock for the grant: `liked`, if it is free; a longer one when all of that `length`
    (digits) are taken.

    Raises `NoValueLeft` when even the longest are taken.
    """
    while True:
        value = _draw(length, taken_on(lock_ids, now), liked)
        if claim(grant, lock_ids, value, now):
            return value
        # Another grant took the value on one of the locks between our look and our claim.


def _draw(length: int, taken: TakenValues, liked: str = "") -> str:
    if liked and liked not in taken:
        return liked
    while True:
        try:
            return generate(length, taken)
        except NoValueLeft:
            if length >= MAXIMUM_LENGTH:
                raise
            length += 1


def claim(grant: AccessGrant, lock_ids: Iterable[int], value: str, now: datetime) -> bool:
    """Claim a value on all locks or on none. A claim that the grant holds counts. False: another grant has it."""
    digest = ValueClaim.digest_of(value)
    held = set(
        ValueClaim.objects.filter(grant=grant, digest=digest, released_at__isnull=True).values_list(
            "lock_id", flat=True
        )
    )
    rows = [
        ValueClaim(lock_id=lock_id, grant=grant, digest=digest, claimed_at=now)
        for lock_id in sorted(set(lock_ids) - held)
    ]
    try:
        with transaction.atomic():
            ValueClaim.objects.bulk_create(rows)
    except IntegrityError:
        return False
    return True


def release_unused(pin: Pin, now: datetime) -> None:
    """Release this grant's values that are not on the lock, should not be there, and cannot land there any more.

    A PIN that had to make room keeps its claim: it comes back with the same value.
    """
    values = _still_used(pin, now)
    if values is None:
        return
    held = ValueClaim.objects.filter(grant_id=pin.grant_id, lock_id=pin.lock_id, released_at__isnull=True)
    # A run counts the claims of all its PINs together; whoever claims another value raises the wish's revision.
    count = pin.claims_held if pin.claims_held is not None else held.count()
    if count <= len(values):
        return
    pin.claims_held = None
    key = InstallationKey.load()
    held.exclude(digest__in=[ValueClaim.digest_of(value, key=key) for value in values]).update(released_at=now)


def release_all_unused(pins: Collection[Pin], now: datetime) -> None:
    """The same for many, with a few statements."""
    used = {(pin.grant_id, pin.lock_id): values for pin in pins if (values := _still_used(pin, now)) is not None}
    held = ValueClaim.objects.filter(grant__in={grant_id for grant_id, _ in used}, released_at__isnull=True)
    rows = list(held.values_list("pk", "grant_id", "lock_id", "digest")) if used else []
    if not rows:
        return
    key = InstallationKey.load()
    digests = {at: {ValueClaim.digest_of(value, key=key) for value in values} for at, values in used.items()}
    free = [
        pk
        for pk, grant_id, lock_id, digest in rows
        if (grant_id, lock_id) in digests and digest not in digests[grant_id, lock_id]
    ]
    ValueClaim.objects.filter(pk__in=free).update(released_at=now)


def _still_used(pin: Pin, now: datetime) -> set[str] | None:
    """The values of the grant that are on the lock, should be there, or are left there; `None` while one that is on its
    way may still land."""
    desired, observed = pin.desired, pin.observed
    if observed.pending is not None or observed.late is not None or observed.must_look or observed.extra_ids:
        return None
    values = set(observed.left_codes)
    if desired.wanted and not desired.content.has_ended(now):
        values.add(desired.content.code)
    if observed.remote_id is not None:
        if observed.applied is None:
            return None
        values.add(observed.applied.code)
    return values
