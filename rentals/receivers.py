"""Turns saves of the business models into `bookings_changed`.

Model signals and not overridden `save()`, so that a queryset's `delete()` in the admin counts too. The periodic drift
check finds what sends no signal (`bulk_create`, `update()`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Model
from django.db.models.signals import m2m_changed, post_save, pre_delete
from django.dispatch import receiver
from django.utils import timezone

from rentals import deleting
from rentals.calendars.decide.joined_events import JOINING
from rentals.models import Booking, FeedState, Lock, Property
from rentals.signals import bookings_changed


@receiver(post_save, sender=Booking)
def announce_saved_booking(instance: Booking, created: bool, raw: bool = False, **_: Any) -> None:
    if raw:
        return
    if not instance.feed_status and instance.status != Booking.Status.CANCELLED:
        # Entered by hand: a row that joins it with a stay of its own is cut at the next fetch (see `joined_rows`).
        joining = FeedState.objects.filter(feed__property=instance.property_id, detected_channel__in=JOINING)
        joining.exclude(body_hash="").update(body_hash="", content_hash="", etag="", last_modified="")
    bookings_changed.send(sender=Booking, booking_ids=[instance.pk], deleted=False, created=created)


@receiver(pre_delete, sender=Booking)
def announce_deleted_booking(instance: Booking, **_: Any) -> None:
    if not deleting.is_announced(instance.pk):
        deleting.announce([instance.pk])


@receiver(post_save, sender=Property)
def announce_saved_property(instance: Property, created: bool, raw: bool = False, **_: Any) -> None:
    if raw or created:
        return
    instance.apply_default_times(timezone.now())
    # Calendars were read with the old times and zone, so "not modified" must not confirm what was read.
    FeedState.objects.filter(feed__property=instance).update(etag="", last_modified="")
    _announce_bookings_of([instance.pk])


@receiver(m2m_changed, sender=Property.locks.through)
def announce_changed_locks(instance: Model, action: str, reverse: bool, pk_set: set[int] | None, **_: Any) -> None:
    if action == "pre_clear" and reverse:
        # After a clear from the lock's side the properties are not known any more; the drift check finds them.
        return
    if action in {"post_add", "post_remove", "post_clear"}:
        _announce_bookings_of(pk_set or () if reverse else [instance.pk])


@receiver(post_save, sender=Lock)
def announce_saved_lock(instance: Lock, created: bool, raw: bool = False, **_: Any) -> None:
    """A lock that is switched off or on changes what the bookings of its properties need."""
    if not raw and not created:
        _announce_bookings_of(instance.properties.values_list("pk", flat=True))


def _announce_bookings_of(property_ids: Iterable[int]) -> None:
    """Running and future bookings only: the codes of stays that are over are removed in any case."""
    bookings = Booking.objects.filter(property_id__in=list(property_ids), check_out__gt=timezone.now())
    if booking_ids := list(bookings.values_list("pk", flat=True)):
        bookings_changed.send(sender=Property, booking_ids=booking_ids, deleted=False)
