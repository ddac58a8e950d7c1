"""What people do in the world of the state machine: to stays, properties, codes and locks.

Every edit is a name and two numbers: which one, and how much (seconds, or a choice). An edit that makes no sense at
the moment does nothing.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pins.core.plan import FRESH_END
from pins.desired import claims, code_overrides
from pins.models import AccessGrant, Pin
from pins.reconcile import by_hand
from rentals.models import Booking, Lock, Property
from tests.support import machine_hands

if TYPE_CHECKING:
    from tests.support.machine import World

MOST_BOOKINGS = 6
_SHORTEST_STAY = timedelta(seconds=10)


class Edits:
    STAYS = (
        "book",
        "book_running",
        "extend",
        "shorten",
        "shift",
        "end_now",
        "cancel",
        "confirm",
        "tentative",
        "delete",
        "move",
        "swap",
    )
    CODES = ("renew", "revoke", "disclose", "choose", "try_now")
    PLACES = ("lock_off", "lock_on", "lock_active", "flat_active", "buffers", "issue_ahead", "room")
    PHYSICAL = (
        *("foreign_any", "foreign_any", "foreign", "foreign_next", "foreign_new_lock", "foreign_gone"),
        *("plug", "forbid", "readd"),
    )
    HANDS = machine_hands.NAMES

    def __init__(self, world: World) -> None:
        self._world = world
        self._hands = machine_hands.Hands(world)

    def apply(self, name: str, which: int, amount: int) -> None:
        if name in self.HANDS:
            self._hands.apply(name, which, amount)
        elif name in ("book", "book_running"):
            getattr(self, f"_{name}")(which, amount)
        elif name in self.STAYS:
            bookings = self._world.bookings()
            if bookings:
                getattr(self, f"_{name}")(bookings[which % len(bookings)], timedelta(seconds=amount))
        elif name in self.CODES:
            found = list(AccessGrant.objects.order_by("pk"))
            if found:
                getattr(self, f"_{name}")(found[which % len(found)], amount)
        else:
            getattr(self, f"_{name}")(which, amount)

    # -- stays --------------------------------------------------------------------------------------------------

    def _book(self, which: int, amount: int) -> None:
        self._add(which, self._world.now + timedelta(seconds=abs(amount)))

    def _book_running(self, which: int, amount: int) -> None:
        self._add(which, self._world.now - timedelta(seconds=min(abs(amount), 86400)))

    def _add(self, which: int, check_in: datetime) -> None:
        if Booking.objects.count() >= MOST_BOOKINGS:
            return
        lengths = (timedelta(minutes=2), timedelta(hours=3), timedelta(days=2))
        check_out = check_in + lengths[which % 3]
        flat = Property.objects.order_by("pk")[which % 2]
        Booking.objects.create(property=flat, guest_name=f"Guest{which}", check_in=check_in, check_out=check_out)

    def _extend(self, booking: Booking, by: timedelta) -> None:
        booking.check_out += abs(by)
        booking.save()

    def _shorten(self, booking: Booking, by: timedelta) -> None:
        booking.check_out = max(booking.check_out - abs(by), booking.check_in + _SHORTEST_STAY)
        booking.save()

    def _shift(self, booking: Booking, by: timedelta) -> None:
        booking.check_in += by
        booking.check_out += by
        booking.save()

    def _end_now(self, booking: Booking, by: timedelta) -> None:
        booking.check_out = max(self._world.now - timedelta(seconds=1), booking.check_in + _SHORTEST_STAY)
        booking.save()

    def _cancel(self, booking: Booking, by: timedelta) -> None:
        booking.status = Booking.Status.CANCELLED
        booking.save()

    def _confirm(self, booking: Booking, by: timedelta) -> None:
        booking.status = Booking.Status.CONFIRMED
        booking.save()

    def _tentative(self, booking: Booking, by: timedelta) -> None:
        booking.status = Booking.Status.TENTATIVE
        booking.save()

    def _delete(self, booking: Booking, by: timedelta) -> None:
        booking.delete()

    def _move(self, booking: Booking, by: timedelta) -> None:
        booking.property = Property.objects.exclude(pk=booking.property_id).order_by("pk")[0]
        booking.save()

    def _swap(self, booking: Booking, by: timedelta) -> None:
        other = next((one for one in self._world.bookings() if one.property_id != booking.property_id), None)
        if other is not None:
            booking.property, other.property = other.property, booking.property
            booking.save()
            other.save()

    # -- codes --------------------------------------------------------------------------------------------------

    def _renew(self, grant: AccessGrant, amount: int) -> None:
        with contextlib.suppress(code_overrides.CodeDisclosedError):
            code_overrides.renew_code(grant.pk, self._world.now)

    def _revoke(self, grant: AccessGrant, amount: int) -> None:
        code_overrides.revoke([grant.pk], self._world.now)

    def _disclose(self, grant: AccessGrant, amount: int) -> None:
        if grant.code and grant.disclosed_at is None:
            AccessGrant.objects.filter(pk=grant.pk).update(disclosed_at=self._world.now)

    def _choose(self, grant: AccessGrant, amount: int) -> None:
        told, taken, unwanted = (
            code_overrides.CodeDisclosedError,
            code_overrides.CodeTakenError,
            code_overrides.CodeNotWantedError,
        )
        with contextlib.suppress(told, taken, unwanted):
            code_overrides.set_code(grant.pk, f"7{abs(amount) % 1000:03d}25", self._world.now)

    def _try_now(self, grant: AccessGrant, amount: int) -> None:
        self._world.watch.allow_one_more(grant)
        by_hand.try_now(list(Pin.objects.filter(grant=grant).values_list("pk", flat=True)), self._world.now)

    # -- places -------------------------------------------------------------------------------------------------

    def _flat(self, which: int) -> Property:
        return Property.objects.order_by("pk")[which % 2]

    def _lock(self, which: int) -> Lock:
        locks = self._world.locks()
        return locks[which % len(locks)]

    def _lock_off(self, which: int, amount: int) -> None:
        self._flat(amount).locks.remove(self._lock(which))

    def _lock_on(self, which: int, amount: int) -> None:
        self._flat(amount).locks.add(self._lock(which))

    def _lock_active(self, which: int, amount: int) -> None:
        lock = self._lock(which)
        lock.is_active = not lock.is_active
        lock.save()

    def _flat_active(self, which: int, amount: int) -> None:
        flat = self._flat(which)
        flat.is_active = not flat.is_active
        flat.save()

    def _buffers(self, which: int, amount: int) -> None:
        flat = self._flat(which)
        flat.early_minutes, flat.late_minutes = abs(amount) % 91, abs(amount) % 7
        flat.save()

    def _issue_ahead(self, which: int, amount: int) -> None:
        flat = self._flat(which)
        flat.issue_ahead_days = abs(amount) % 31
        flat.save()

    def _room(self, which: int, amount: int) -> None:
        Lock.objects.filter(pk=self._lock(which).pk).update(pin_capacity=6 + abs(amount) % 4)

    # -- the physical world -------------------------------------------------------------------------------------

    def _foreign_any(self, which: int, amount: int) -> None:
        self._add_foreign(which, f"90{abs(amount) % 1000:03d}{which}1", amount)

    def _foreign(self, which: int, amount: int) -> None:
        """A person adds a PIN by the app; it has the value of a guest."""
        codes = [grant.code for grant in AccessGrant.objects.order_by("pk") if grant.code]
        if codes:
            self._add_foreign(which, codes[abs(amount) % len(codes)], amount)

    def _foreign_next(self, which: int, amount: int) -> None:
        """A person adds a PIN by the app; its value is the one that the next guest gets."""
        from tests.support.machine import first_free

        taken = claims.taken_on([lock.pk for lock in self._world.locks()], self._world.now)
        self._add_foreign(which, first_free(6, taken), amount)
        self._book(which, amount)

    def _foreign_new_lock(self, which: int, amount: int) -> None:
        """A flat gets another door, on which somebody's PIN has the digits of a guest's code."""
        self._foreign(which, amount)
        self._lock_on(which, amount)

    def _add_foreign(self, which: int, value: str, amount: int) -> None:
        if self._world.cloud.settings.id_reuse and (
            self._an_id_is_freshly_free(which) or self._an_id_of_ours_is_gone(which)
        ):
            return
        end = self._world.now + timedelta(seconds=amount) if amount > 0 else None
        with contextlib.suppress(ValueError):  # taken or full: the app says so
            self._world.cloud.add_foreign_pin(
                self._lock(which).device_id, alias="Cleaner #A1B2C3", value=value, end=end
            )

    def _an_id_is_freshly_free(self, which: int) -> bool:
        """Accepted on purpose (`pins.core.plan.FRESH_END`): for two minutes after its end a PIN is removed by its id,
        although the lock may have given the id to what a person added meanwhile."""
        now = self._world.now
        fresh = Pin.objects.filter(applied_ends_at__gt=now - FRESH_END, applied_ends_at__lte=now)
        return fresh.filter(lock=self._lock(which), remote_id__isnull=False).exists()

    def _an_id_of_ours_is_gone(self, which: int) -> bool:
        """Somebody deleted a code of ours, and nobody told us: a request by its id would meet whatever got that id."""
        lock = self._lock(which)
        there = {pin.id for pin in self._world.cloud.pins(lock.device_id) if not pin.foreign}
        return any(not pin.observed.held <= there for pin in Pin.objects.filter(lock=lock))

    def _foreign_gone(self, which: int, amount: int) -> None:
        device_id = self._lock(which).device_id
        foreign = [pin for pin in self._world.cloud.pins(device_id) if pin.foreign]
        if foreign:
            self._world.cloud.remove_pin(device_id, foreign[abs(amount) % len(foreign)].id)

    def _plug(self, which: int, amount: int) -> None:
        lock = self._world.cloud.lock(self._lock(which).device_id)
        self._world.cloud.set_connected(lock.id, not lock.connected)

    def _forbid(self, which: int, amount: int) -> None:
        lock = self._world.cloud.lock(self._lock(which).device_id)
        self._world.cloud.set_forbidden(lock.id, not lock.forbidden)

    def _readd(self, which: int, amount: int) -> None:
        lock = self._lock(which)
        lock.device_id = self._world.cloud.readd_lock(lock.device_id)
        lock.save()
