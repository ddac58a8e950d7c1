"""Incidents that end because something succeeded: noted during a run, and ended together, by one statement.

A run that crashes before that leaves them to the sweep's checks, which end what is over.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from pins.core.pin_state import State
from pins.core.plan import Create, Request
from pins.models import Incident, Pin
from pins.models.incident import subject_key
from pins.tedee.errors import Cause

#: The PIN is as it should be.
_BY_SUCCESS = (
    Incident.Kind.CODE_LATE,
    Incident.Kind.OUTCOME_UNKNOWN,
    Incident.Kind.VALUE_REFUSED,
    Incident.Kind.VALUE_TAKEN,
    Incident.Kind.CREATED_OFTEN,
)
#: The PIN is gone, as it should be.
_BY_REMOVAL = (*_BY_SUCCESS, Incident.Kind.CODE_STAYS, Incident.Kind.CODE_CHANGED)
#: The lock answers again.
BY_ANSWER = (Incident.Kind.NO_PERMISSION, Incident.Kind.LOCK_UNKNOWN, Incident.Kind.LOCK_OFFLINE)
#: The lock took a code, and no other one waits for room.
_BY_ROOM = (Incident.Kind.NO_ROOM,)


def waits_for_room(now: datetime) -> Exists:
    """Whether a lock refused a code that is still wanted, because it was full. For rows with a lock."""
    pins = Pin.objects.filter(lock=OuterRef("lock"), wanted=True, grant__ends_at__gt=now)
    return Exists(pins.filter(last_cause=Cause.NO_ROOM.value, remote_id=None))


class Endings:
    """Belongs to one run."""

    def __init__(self, lock_id: int) -> None:
        self._lock = subject_key("lock", lock_id)
        self._ended: defaultdict[tuple[Incident.Kind, ...], set[str]] = defaultdict(set)

    def all_have_room(self) -> None:
        self._ended[(Incident.Kind.TOO_MANY_CODES,)].add(self._lock)

    def changed(self, pin: Pin, step: Request) -> None:
        """The lock confirmed a change; `pin`: as stored."""
        self._ended[BY_ANSWER].add(self._lock)
        if isinstance(step, Create):
            self._ended[_BY_ROOM].add(self._lock)
        self.learned(pin)

    def learned(self, pin: Pin) -> None:
        """The PIN that asked learned something; `pin`: as stored."""
        subject = subject_key("pin", pin.pk)
        if pin.state == State.SET:
            self._ended[_BY_SUCCESS].add(subject)
        if pin.state == State.REMOVED:
            self._ended[_BY_REMOVAL].add(subject)

    def write(self, now: datetime) -> None:
        """End them. Also before anything else may open one of them again."""
        ended, self._ended = self._ended, defaultdict(set)
        if not ended:
            return
        over = Q()
        for kinds, subjects in ended.items():
            over |= Q(subject__in=sorted(subjects), kind__in=kinds)
        if _BY_ROOM in ended:
            over &= ~Q(waits_for_room(now), kind__in=_BY_ROOM)
        Incident.objects.filter(over, resolved_at__isnull=True).update(resolved_at=now)
