"""The breaker of a lock: no new code where codes of ours pile up, whatever makes them."""

from __future__ import annotations

from datetime import datetime

from pins.core import posts
from pins.models import Incident, Pin
from rentals.models import Lock


class Breaker:
    """May a code be created on a lock? For one run.

    Counting costs two queries. A PIN without an earlier creation adds one code and wants one, which changes nothing. So
    the first creation of a run counts, and each of a PIN that may have made a code before.
    """

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._is_open: bool | None = None

    def is_open(self, pin: Pin, now: datetime) -> bool:
        """May no code be created for this PIN? True tells a person, too."""
        if self._is_open is None or pin.posts:
            self._is_open = _piles_up(self._lock.pk, now)
            if self._is_open:
                Incident.open(Incident.Kind.CODES_PILE_UP, now, about=self._lock)
        return self._is_open


def look_again(lock: Lock, now: datetime) -> None:
    """The lock's list was read: if the pile is gone, so is the incident."""
    told = Incident.objects.filter(kind=Incident.Kind.CODES_PILE_UP, lock=lock, resolved_at=None)
    if told.exists() and not _piles_up(lock.pk, now):
        Incident.resolve(now, about=lock, kinds=(Incident.Kind.CODES_PILE_UP,))


def _piles_up(lock_id: int, now: datetime) -> bool:
    """Counts created codes less confirmed deletions, against the stays that want one."""
    made = (
        Pin.objects.filter(lock=lock_id)
        .exclude(remote_id=None, extra_ids=[], posts=[])
        .only("remote_id", "extra_ids", "posts")
    )
    codes = sum(
        posts.living([posts.Post.from_json(post) for post in pin.posts], {pin.remote_id, *pin.extra_ids} - {None}, now)
        for pin in made
    )
    wanted = Pin.objects.filter(lock=lock_id, wanted=True, admitted=True, grant__ends_at__gt=now).count()
    return posts.pile_up(codes, wanted)
