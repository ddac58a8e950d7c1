"""The breaker of a lock: no new code where codes of ours pile up, whatever makes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pins.core import posts
from pins.models import Incident, Pin
from pins.reconcile.known import KnownLock, PinFacts, pins_at_a_glance
from rentals.models import Lock


class Breaker:
    """May a code be created on a lock? For one run.

    A PIN without an earlier creation adds one code and wants one, which changes nothing. So the first creation of a
    run counts, and each of a PIN that may have made a code before counts anew.
    """

    def __init__(self, known: KnownLock) -> None:
        self._known = known
        self._is_open: bool | None = None

    def is_open(self, pin: Pin, now: datetime) -> bool:
        """May no code be created for this PIN? True tells a person, too."""
        lock = self._known.lock
        if self._is_open is None or pin.posts:
            pins = pins_at_a_glance(lock.pk, now) if pin.posts else self._known.at(now).pins
            self._is_open = _pile_up(pins, now)
            if self._is_open:
                Incident.open(Incident.Kind.CODES_PILE_UP, now, about=lock)
        return self._is_open


def look_again(lock: Lock, now: datetime) -> None:
    """The lock's list was read: if the pile is gone, so is the incident."""
    told = Incident.objects.filter(kind=Incident.Kind.CODES_PILE_UP, lock=lock, resolved_at=None)
    if told.exists() and not _pile_up(pins_at_a_glance(lock.pk, now), now):
        Incident.resolve(now, about=lock, kinds=(Incident.Kind.CODES_PILE_UP,))


def _pile_up(pins: Iterable[PinFacts], now: datetime) -> bool:
    """Counts created codes, less confirmed deletions and those that are about to go, against the stays that want
    one."""
    pins = list(pins)
    codes = sum(pin.living(now) for pin in pins)
    wanted = sum(pin.wanted and pin.admitted and pin.ends_at > now for pin in pins)
    return posts.pile_up(codes, wanted)
