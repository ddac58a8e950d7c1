"""The scheduler of `celery -A config beat`: django-celery-beat's, for as many beats as you like. One sends, the others
stand by and take over when it is silent for `LEASE`."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, Final

from django.db import Error as DatabaseFailure
from django.db import close_old_connections, connection
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from config.beat_lease import Held, Lease
from config.schedule import remove_stale_entries

logger = logging.getLogger(__name__)

#: How often a standby looks whether the leader is still there, in seconds.
LOOK_SECONDS: Final = 2.0
#: A task that was last sent so long from now was sent by a clock that stood ahead. Clocks of two machines differ less.
CLOCK_WAS_AHEAD: Final = timedelta(minutes=1)


class LeadingScheduler(DatabaseScheduler):  # type: ignore[misc]  # django-celery-beat ships no types
    """Sends what is due while its lease is sure; at most one beat's lease is.

    Nothing that a standby remembers is ever written: whoever begins to lead writes our entries from its own code, and
    reads from the database when each was last sent. `CELERY_BEAT_SYNC_EVERY = 1` keeps that true to one tick.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._lease = Lease()
        self._leads = False
        self._was_told = ""  # what the log said last about who leads
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Nothing yet: a standby, perhaps of another release, must not rewrite the leader's entries."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send one task that is due. Returns the seconds until the next call."""
        if not self._may_send():
            return LOOK_SECONDS
        return float(super().tick(*args, **kwargs))

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        # Connecting to a broker that is away takes as long as it is away, and the lease may have passed on meanwhile.
        if self._may_send():
            super().apply_entry(entry, producer=producer)
        else:
            self._forget()

    def close(self) -> None:
        if not self._leads:
            return
        super().close()
        self._leads = False
        try:
            self._lease.release()
        except DatabaseFailure as error:
            logger.warning("beat_lease_not_released", extra={"cause": type(error).__name__})

    def _may_send(self) -> bool:
        if self._lease.needs_renewal():
            try:
                close_old_connections()
                self._follow(self._lease.hold())
            except DatabaseFailure as error:
                connection.close()
                self._tell(logging.WARNING, "beat_has_no_database", cause=type(error).__name__)
        return self._leads and self._lease.is_sure()

    def _follow(self, held: Held) -> None:
        """Begin to lead, go on, or stand by."""
        if held is Held.REFUSED:
            if self._leads:
                logger.warning("beat_lost_its_lease", extra={"leader": self._lease.leader})
            self._leads = False
            self._tell(logging.INFO, "beat_stands_by", leader=self._lease.leader)
            self._forget()
        elif held is Held.TAKEN or not self._leads:
            self._leads = False  # until the next line has succeeded
            self._begin()
            self._leads = True
            died = self._lease.leader  # "" after a beat that ended in order
            self._tell(logging.WARNING if died else logging.DEBUG, "beat_took_over", leader=died)
        if self._leads:
            self._forgive_clock()

    def _forgive_clock(self) -> None:
        """What was sent while the clock stood ahead would be sent again only when it is that late."""
        now = timezone.now()
        ahead = PeriodicTask.objects.filter(last_run_at__gt=now + CLOCK_WAS_AHEAD)
        if ahead.update(last_run_at=now):
            logger.warning("clock_stepped_back")
            self._forget()

    def _begin(self) -> None:
        for name in remove_stale_entries(set(self.app.conf.beat_schedule)):
            logger.info("removed from the schedule: %s", name)
        self._forget()
        super().setup_schedule()

    def _forget(self) -> None:
        """Read the schedule from the database before the next tick, and write nothing of what was remembered."""
        self._dirty.clear()
        self._heap = None
        self.old_schedulers = None
        self._initial_read = True

    def _tell(self, level: int, event: str, **facts: str) -> None:
        """Say it once, not at each look. `leader`: the host that leads, or led until now."""
        if event != self._was_told:
            logger.log(level, event, extra=facts)
            self._was_told = event
