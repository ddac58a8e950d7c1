"""The right of one beat to send the ticks, so that a second one can stand by.

A row with an owner and an expiry by the database's clock, since the clocks of two machines differ; every change of it
is a compare-and-set. Two beats at once would do no harm, only double the ticks: tasks are safe to run twice.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from time import monotonic
from typing import Final

from django.db.models import Q

from config.processes import host_of, is_gone, this_process
from pins.models import BeatLease
from pins.reconcile.leases import database_now

NAME: Final = "ticks"
#: How long a beat that died without a word still counts as leading.
LEASE: Final = timedelta(seconds=20)
#: How often the leader renews it, in seconds.
RENEW_SECONDS: Final = 4.0
#: How long after a renewal a tick may be sent: the rest of the lease is room for the sending.
SURE_SECONDS: Final = 15.0


class Held(Enum):
    """What came of asking for the lease."""

    KEPT = auto()  # it was ours, and is
    TAKEN = auto()  # it was free, or another's until now: whatever we remember of the schedule is old
    REFUSED = auto()  # another beat leads


@dataclass
class Lease:
    """One beat's side of it. `renewed` is read from the monotonic clock, which no clock step disturbs."""

    owner: uuid.UUID = field(default_factory=uuid.uuid4)
    process: str = field(default_factory=this_process)
    renewed: float | None = None
    leader: str = ""  # the host that led when we last asked, "" where it is not known

    def needs_renewal(self) -> bool:
        return self.renewed is None or monotonic() - self.renewed >= RENEW_SECONDS

    def is_sure(self) -> bool:
        """May a tick be sent?"""
        return self.renewed is not None and monotonic() - self.renewed <= SURE_SECONDS

    def hold(self) -> Held:
        """Renew the lease, or take it where nobody has it. Raises django.db.Error."""
        started = monotonic()
        if self._write(Q(owner=self.owner)):
            self.renewed = started
            return Held.KEPT
        self.renewed = None
        if not self._take():
            return Held.REFUSED
        self.renewed = started
        return Held.TAKEN

    def release(self) -> None:
        """Give it back, so that another beat begins at its next look. Raises django.db.Error."""
        self.renewed = None
        BeatLease.objects.filter(name=NAME, owner=self.owner).update(owner=None, process="", until=None)

    def _take(self) -> bool:
        row, _made = BeatLease.objects.get_or_create(name=NAME)
        self.leader = host_of(row.process)
        now = database_now()
        # A lease that ends later than any could now was taken before the clock stepped back.
        held = BeatLease.objects.filter(name=NAME, owner__isnull=False, until__gt=now, until__lte=now + LEASE)
        if not held.exists() or is_gone(row.process):
            # Of two that look at the same moment, one finds its owner gone.
            return self._write(Q(owner=row.owner, until=row.until))
        return False

    def _write(self, expected: Q) -> bool:
        rows = BeatLease.objects.filter(expected, name=NAME)
        return rows.update(owner=self.owner, process=self.process, until=database_now() + LEASE) == 1
