"""Follows what rentals announces, in the same transaction as the change."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db.models import Model
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save
from django.dispatch import receiver
from django.utils import timezone

from pins import tasks
from pins.desired import grants, staff_grants, staying_on
from pins.incidents import unreadable
from pins.models import Incident, StaffAccess
from pins.notify import outbox
from pins.reconcile import key_expiry, sweep
from rentals.fields import UndecryptableValue
from rentals.models import CalendarFeed, Lock, LockAccount, Property
from rentals.signals import account_released, bookings_changed, feed_condition_changed

_M2M_DONE: Final = frozenset({"post_add", "post_remove", "post_clear"})
_FEED_INCIDENTS: Final = {
    "held": Incident.Kind.FEED_HELD,
    "stale": Incident.Kind.FEED_STALE,
    "failing": Incident.Kind.FEED_FAILING,
    "reset": Incident.Kind.FEED_RESET,
    "refused": Incident.Kind.FEED_REFUSED,
    "unreadable": Incident.Kind.FEED_UNREADABLE,
}


@receiver(bookings_changed)
def follow_bookings(booking_ids: list[int], deleted: bool, created: bool = False, **_: Any) -> None:
    """Rewrite the desired side."""
    if deleted:
        outbox.forget_guests(booking_ids)
    now = timezone.now()
    touched, homes = grants.end_bookings(booking_ids, now) if deleted else grants.sync_and_follow(booking_ids, now)
    touched |= staying_on.follow(booking_ids, now, deleted=deleted, created=created)
    touched |= staff_grants.follow(homes, now, without=booking_ids if deleted else ())
    _wake(touched)


@receiver(post_save, sender=StaffAccess)
def follow_saved_staff(instance: StaffAccess, raw: bool = False, **_: Any) -> None:
    if not raw:
        _wake(staff_grants.saved(instance, timezone.now()))


@receiver(m2m_changed, sender=StaffAccess.properties.through)
@receiver(m2m_changed, sender=StaffAccess.locks.through)
def follow_places_of_staff(instance: Model, action: str, reverse: bool, pk_set: set[int] | None, **_: Any) -> None:
    if action in _M2M_DONE:  # after a clear from the other side nobody is named: found within the hour
        _wake(staff_grants.sync(pk_set or () if reverse else [instance.pk], timezone.now()))


@receiver(pre_delete, sender=StaffAccess)
def follow_deleted_staff(instance: StaffAccess, **_: Any) -> None:
    _wake(staff_grants.end(instance.pk, timezone.now()))


@receiver(post_save, sender=Property)
def follow_saved_property(instance: Property, created: bool, raw: bool = False, **_: Any) -> None:
    """Its stays are announced by themselves; here it is switched off or on, or moved to another zone."""
    if not raw and not created:
        _wake(staff_grants.follow([instance.pk], timezone.now()))


@receiver(m2m_changed, sender=Property.locks.through)
def follow_locks_of_property(instance: Model, action: str, reverse: bool, pk_set: set[int] | None, **_: Any) -> None:
    if action in _M2M_DONE:
        _wake(staff_grants.follow(pk_set or () if reverse else [instance.pk], timezone.now()))


@receiver(post_save, sender=Lock)
def follow_saved_lock(instance: Lock, created: bool, raw: bool = False, **_: Any) -> None:
    if not raw and not created:
        _wake(staff_grants.follow_locks([instance.pk], timezone.now()))


def _wake(touched: set[int]) -> None:
    if touched:
        tasks.wake_locks_on_commit(sorted(touched))


@receiver(feed_condition_changed)
def follow_feed_condition(feed_id: int, condition: str, active: bool, now: datetime, **_: Any) -> None:
    """Open an incident for the condition of a feed, one for each condition, and resolve it when it is over."""
    feed = CalendarFeed(pk=feed_id)  # only its key is needed; its secrets stay where they are
    kind = _FEED_INCIDENTS[condition]
    if active and kind == Incident.Kind.FEED_UNREADABLE:
        found = unreadable.severities(now, feed_id)
        if feed_id in found:  # none: the rows are over
            Incident.open(kind, now, about=feed, severity=found[feed_id])
    elif active:
        Incident.open(kind, now, about=feed)
    else:
        Incident.resolve(now, about=feed, kinds=(kind,))


@receiver(account_released)
def follow_released_account(account_id: int, **_: Any) -> None:
    """The account is not observe-only any more: do at once what is due on its locks."""
    if lock_ids := sweep.release(account_id, timezone.now()):
        tasks.wake_locks_on_commit(lock_ids)


@receiver(pre_save, sender=LockAccount)
def follow_new_key(instance: LockAccount, update_fields: frozenset[str] | None, raw: bool = False, **_: Any) -> None:
    """Another key ends on another day."""
    writes_it = "secret" not in instance.get_deferred_fields() and (not update_fields or "secret" in update_fields)
    if raw or not instance.pk or not writes_it:
        return
    try:
        stored = LockAccount.objects.filter(pk=instance.pk).values_list("secret", flat=True).first()
    except UndecryptableValue:
        stored = None
    if stored != instance.secret:
        key_expiry.forget(instance, timezone.now())
