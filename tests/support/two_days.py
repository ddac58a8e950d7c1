"""Two simulated days of a portfolio on a cloud that differs from its documents, and what must hold meanwhile.

The clock is moved from one due moment to the next. People book, cancel, extend and shorten; every fifth request is
answered with 408 and applied, lost or applied late. At the end the difference ends, too, and the house may settle.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import time_machine
from django.db.models import Q
from django.utils import timezone

from pins.core.alias import reference_in
from pins.core.pin_state import State
from pins.core.posts import MOST_IN_A_DAY, MOST_IN_AN_HOUR
from pins.incidents import sweep_checks
from pins.models import Incident, LockState, Pin
from pins.simulator.faults import FaultDesk, FaultPlan
from pins.simulator.journal import PinChange
from pins.simulator.settings import CloudSettings
from rentals.models import Booking
from tests.support.differences import Difference
from tests.support.house import House

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: How late a lost write lands in this cloud.
LANDS_AFTER = 30.0
#: Every fifth request is a timeout of unknown outcome.
FAULTS = "timeout_applied=0.07,timeout_lost=0.07,late=0.06"
#: A guest who is without a code for longer than this must be somebody's worry.
UNTOLD = timedelta(minutes=6)


@dataclass(frozen=True)
class Size:
    """How much there is."""

    locks: int
    bookings: int


SMALL, FULL = Size(2, 7), Size(20, 100)


@dataclass(frozen=True)
class Figures:
    """What a run came to."""

    requests: int
    posts: int
    most_living: int  # codes of one guest on one lock at one moment
    longest_double: timedelta  # for how long one guest had more than one of them
    most_in_an_hour: int  # creations per guest and lock that no deletion preceded
    most_in_a_day: int
    incidents: tuple[str, ...]
    untold: tuple[str, ...]  # guests without a code of whom nobody was told
    wrong: tuple[str, ...]  # what is not right at the end


class TwoDays:
    """A portfolio on a cloud with these differences. Use as: `TwoDays(clock, size, seed, differences).live()`."""

    def __init__(
        self,
        clock: time_machine.Traveller,
        size: Size,
        seed: int,
        differences: Sequence[Difference],
        faults: str = FAULTS,
    ) -> None:
        self.clock, self.rng, self.seed = clock, random.Random(seed), seed
        self.differences = differences
        self.settings = {name: value for one in differences for name, value in one.settings.items()}
        self.house = House(names_checked=False, audits=True, late_seconds=LANDS_AFTER, **self.settings)
        self.house.cloud.desk = FaultDesk(seed, FaultPlan.parse(faults))
        self.doors = [self.house.lock(f"Door {number}") for number in range(size.locks)]
        self.flats = [self.house.flat(door, name=f"Flat {number}") for number, door in enumerate(self.doors)]
        self.bookings = size.bookings
        self.untold: set[str] = set()
        self.missing_since: dict[int, datetime] = {}
        every = min((one.audit_seconds for one in differences), default=DAY.total_seconds())
        lag = timedelta(seconds=max((one.settings.get("list_lag", 0.0) for one in differences), default=0.0))
        # What a hand did shows in a list after its lag, and is found by the comparison that follows.
        self.noticed_within = UNTOLD + (timedelta(seconds=every) + lag if every < DAY.total_seconds() else timedelta())

    def live(self) -> Figures:
        """The two days, the end of the difference, and six hours more."""
        self._book()
        self._until(START + 2 * DAY)
        self._end_differences()
        self._until(START + 2 * DAY + 6 * HOUR)
        return self._figures()

    def _end_differences(self) -> None:
        cloud, plain = self.house.cloud, CloudSettings()
        cloud.settings = replace(cloud.settings, **{name: getattr(plain, name) for name in self.settings})
        cloud.desk = FaultDesk(self.seed, FaultPlan())
        cloud.set_key_writes("demo", True)
        self.differences = ()
        LockState.objects.update(audit_at=timezone.now())

    def _book(self) -> None:
        """Stays one after the other on each flat, from now into the third day; what people do to them comes later."""
        per_flat = -(-self.bookings // len(self.flats))
        self.edits: list[tuple[datetime, Booking, str]] = []
        for number in range(self.bookings):
            flat, place = self.flats[number % len(self.flats)], number // len(self.flats)
            span = (2 * DAY + 12 * HOUR) / per_flat
            begins = START + place * span + self.rng.randint(10, 60) * MINUTE
            booking = self.house.stay(flat, begins, span - 2 * HOUR, name=f"Guest{number} Nowak")
            if self.rng.random() < 0.4:
                at = START + self.rng.random() * 2 * DAY
                self.edits.append((at, booking, self.rng.choice(["cancel", "shorten", "extend", "move"])))
        self.edits.sort(key=lambda edit: edit[0])

    def _edit(self, booking: Booking, what: str) -> None:
        booking.refresh_from_db()
        now = timezone.now()
        if booking.check_out <= now:
            return
        if what == "cancel":
            booking.status = Booking.Status.CANCELLED
        elif what == "shorten":
            booking.check_out = max(booking.check_in + HOUR, booking.check_out - HOUR)
        elif what == "extend":
            booking.check_out += HOUR
        elif booking.check_in > now:
            booking.check_in += 20 * MINUTE
        booking.save()

    def _until(self, ends: datetime) -> None:
        checked = acted = timezone.now()
        while timezone.now() < ends:
            now = timezone.now()
            while self.edits and self.edits[0][0] <= now:
                _, booking, what = self.edits.pop(0)
                self._edit(booking, what)
            if now - acted >= HOUR:
                acted = now
                for difference in self.differences:
                    if difference.every_hour is not None:
                        difference.every_hour(self.house, self.rng)
            self.house.settle()
            if timezone.now() - checked >= 3 * MINUTE:
                checked = timezone.now()
                sweep_checks.check(checked)
                self._note_untold(checked)
            following = [
                self.house.next_wake() or ends,
                ends,
                checked + 3 * MINUTE if self._somebody_waits(now) else checked + 2 * HOUR,
            ]
            following += [self.edits[0][0]] if self.edits else []
            self.clock.move_to(max(min(following), now + timedelta(seconds=1)))
        self.house.settle()
        sweep_checks.check(timezone.now())

    def _waiting(self, now: datetime) -> list[Pin]:
        """Codes of guests whose stay has begun, and which the lock itself does not have."""
        begun = Pin.objects.filter(wanted=True, grant__starts_at__lte=now, grant__ends_at__gt=now).select_related(
            "grant", "lock"
        )
        there = {door.device_id: self.house.cloud.pins(door.device_id) for door in self.doors}
        return [
            pin
            for pin in begun
            if not any(
                one.body.value == pin.grant.code and (one.body.end is None or one.body.end > now)
                for one in there[pin.lock.device_id]
            )
        ]

    def _somebody_waits(self, now: datetime) -> bool:
        return (
            Pin.objects.filter(wanted=True, grant__starts_at__lte=now, grant__ends_at__gt=now)
            .exclude(state=State.SET)
            .exists()
        )

    def _note_untold(self, now: datetime) -> None:
        """A code that is missing must be noticed by the next comparison at the latest, and somebody be told."""
        waiting = self._waiting(now)
        self.missing_since = {pin.pk: self.missing_since.get(pin.pk, now) for pin in waiting}
        for pin in waiting:
            about = Q(pin=pin) | Q(lock=pin.lock) | Q(account=pin.lock.account_id)
            late = now - self.missing_since[pin.pk] > self.noticed_within
            if late and not Incident.objects.filter(about, resolved_at=None).exists():
                self.untold.add(f"{pin.grant.holder_name} at {pin.lock.name}, {now:%d %H:%M}, state {pin.state}")

    def _figures(self) -> Figures:
        cloud = self.house.cloud
        changes: defaultdict[tuple[int, str | None], list[PinChange]] = defaultdict(list)
        for change in cloud.journal.changes:
            if not change.foreign:
                changes[change.lock_id, reference_in(change.alias_sent)].append(change)
        lives = [_Life(told, timezone.now()) for told in changes.values()]
        return Figures(
            requests=self.house.requests,
            posts=sum(record.method == "POST" for record in cloud.journal.requests),
            most_living=max(life.most_living for life in lives),
            longest_double=max(life.doubled for life in lives),
            most_in_an_hour=max(life.most_in_an_hour for life in lives),
            most_in_a_day=max(life.most_in_a_day for life in lives),
            incidents=tuple(sorted(set(Incident.objects.values_list("kind", flat=True)))),
            untold=tuple(sorted(self.untold)),
            wrong=tuple(self._wrong()),
        )

    def _wrong(self) -> list[str]:
        """Where the locks differ from what they should hold."""
        now = timezone.now()
        found: list[str] = []
        for door in self.doors:
            real = self.house.cloud.pins(door.device_id)
            pins = Pin.objects.filter(lock=door).select_related("grant")
            wanted = [pin for pin in pins if pin.wanted and pin.grant.issue_at <= now < pin.grant.ends_at]
            for pin in wanted:
                grant = pin.grant
                same = [one for one in real if one.body.value == grant.code]
                right = [one for one in same if (one.body.start, one.body.end) == (grant.starts_at, grant.ends_at)]
                if len(same) != 1 or not right:
                    found.append(f"{door.name}: {len(same)} codes of {grant.holder_name}, {len(right)} right")
                if pin.state != State.SET:
                    found.append(f"{door.name}: {grant.holder_name} is {pin.state} {pin.blocked}")
            values = {pin.grant.code for pin in wanted}
            found += [
                f"{door.name}: surplus {one.alias}" for one in real if not one.foreign and one.body.value not in values
            ]
        return found


def within_the_ceiling(figures: Figures) -> bool:
    """Were codes created no more often than allowed?"""
    return figures.most_in_an_hour <= MOST_IN_AN_HOUR and figures.most_in_a_day <= MOST_IN_A_DAY


class _Life:
    """The codes of one guest on one lock over time: how many were made that no removal made good."""

    def __init__(self, changes: list[PinChange], ends: datetime) -> None:
        self.most_living = self.most_in_an_hour = self.most_in_a_day = 0
        self.doubled = timedelta()
        alive: dict[int, datetime] = {}
        double_since: datetime | None = None
        for change in sorted(changes, key=lambda one: one.at):
            if change.action == "created":
                alive[change.uid] = change.at
            elif change.action in ("deleted", "expired"):
                alive.pop(change.uid, None)
            if len(alive) > 1:
                double_since = double_since or change.at
            elif double_since is not None:
                self.doubled, double_since = max(self.doubled, change.at - double_since), None
            self.most_living = max(self.most_living, len(alive))
            self.most_in_an_hour = max(self.most_in_an_hour, sum(change.at - at < HOUR for at in alive.values()))
            self.most_in_a_day = max(self.most_in_a_day, sum(change.at - at < DAY for at in alive.values()))
        if double_since is not None:
            self.doubled = max(self.doubled, ends - double_since)
