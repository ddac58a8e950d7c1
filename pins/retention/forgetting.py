"""Erases what is known of a guest: on request, and by age (docs/privacy.md says what goes, and what stays).

The stay itself stays, without a name: counts of nights and arrivals remain true. So do its codes as records without a
holder. While a stay is not over, or its code may be on a lock, the request waits in `Booking.forget_guest` for the
nightly task: a code is found again by its name in the lock app.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import F, Q

from pins.core.arrival import CLOCKS, EARLY
from pins.core.pin_state import State
from pins.desired import grants
from pins.incidents.sweep_checks import MAYBE_ON_LOCK
from pins.models import AccessGrant, DoorEntry, GuestPage, Pin, StayArrival
from pins.notify import outbox
from rentals import forgetting
from rentals.calendars.decide.identity import plain_name
from rentals.models import Booking, EarlyDeparture, FeedItem, Property

NAMELESS: Final = "Guest"
#: PINs that nobody has to find on a lock again: off it, or never on their way there.
_OFF: Final = Q(state=State.REMOVED) | (~MAYBE_ON_LOCK & Q(extra_ids=[], posts=[], late_until=None))
#: How many stays one night forgets; the next nights go on.
MOST: Final = 5_000


@dataclass(frozen=True)
class Erased:
    """What was erased, as counts by a word for people. `waits`: the rest goes when it can, by itself."""

    counts: Counter[str]
    waits: bool = False


def is_over(booking: Booking, now: datetime) -> bool:
    """Whether nobody needs the guest's name for the stay any more."""
    return booking.check_out <= now or booking.status == Booking.Status.CANCELLED


def forget(booking_id: int, now: datetime) -> Erased:
    """Erase the data of one stay's guest, or note that it is to be erased after the stay. Safe to run twice.

    Raises `Booking.DoesNotExist`.
    """
    with transaction.atomic():
        held = Property.objects.select_for_update(no_key=True, of=("self",)).filter(bookings=booking_id)
        list(held.values_list("pk", flat=True))  # imports wait for this row, and this for them
        booking = grants.lock_booking(booking_id)
        if booking is None:
            raise Booking.DoesNotExist
        if not is_over(booking, now):
            Booking.objects.filter(pk=booking_id).update(forget_guest=True)
            return Erased(Counter(), waits=True)
        items = FeedItem.objects.filter(booking=booking)
        names = {booking.guest_name, booking.feed_guest_name, *items.values_list("guest_name", flat=True)}
        counts = Counter({"calendar row": forgetting.drop_items(items, now)})
        outbox.forget_guests([booking_id])
        owned = AccessGrant.objects.filter(booking=booking)
        counts["code"], waits = _wipe_grants(owned, names)
        nothing = dict.fromkeys(("guest_name", "feed_guest_name", *Booking.PERSONAL), "")
        Booking.objects.filter(pk=booking_id).update(**nothing, forget_guest=waits)
        _, deleted = GuestPage.objects.filter(booking=booking_id).delete()
        counts["guest page"] = deleted.get(GuestPage._meta.label, 0)
        _wipe_arrival(booking)
        booking.guest_name = ""
        counts["stay"] = 1
        counts["line of the history"] = forgetting.wipe_history(Booking, [booking_id], names, str(booking))
        return Erased(counts, waits)


def _wipe_arrival(booking: Booking) -> None:
    """Forget when the guest came and left. The lines of the activity go by the period of the stay: most name nobody, so
    those of other guests at a shared door go as well. What they said of other stays is stored with those."""
    StayArrival.objects.filter(booking=booking).delete()
    EarlyDeparture.objects.filter(booking=booking).delete()
    for grant in AccessGrant.objects.filter(booking=booking).only("starts_at", "ends_at"):
        doors = Pin.objects.filter(grant=grant).values("lock")
        DoorEntry.objects.filter(grant=grant).delete()
        DoorEntry.objects.filter(
            lock__in=doors, at__gte=grant.starts_at - EARLY, at__lt=grant.ends_at + CLOCKS
        ).delete()


def _wipe_grants(owned: Iterable[AccessGrant], names: Iterable[str]) -> tuple[int, bool]:
    """Take the holder from grants, and their names in the lock app from PINs that are off their locks. Returns how
    many, and whether a code may still be on a lock, where it is found by its name."""
    ids = [grant.pk for grant in owned]
    list(AccessGrant.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
    AccessGrant.objects.filter(pk__in=ids).update(holder_name="")
    pins = Pin.objects.filter(grant__in=ids)
    # A run that read the row before must not store its own copy over this one.
    pins.filter(_OFF).update(alias="", sent_alias="", observed_rev=F("observed_rev") + 1)
    for pin in pins.exclude(twins=[]).only("twins"):
        Pin.objects.filter(pk=pin.pk).update(
            twins=[[one, ""] for one, _ in pin.twins], observed_rev=F("observed_rev") + 1
        )
    forgetting.wipe_history(AccessGrant, ids, list(names), NAMELESS)
    forgetting.wipe_history(Pin, list(pins.values_list("pk", flat=True)), list(names), NAMELESS)
    return len(ids), pins.exclude(_OFF).exists()


def forget_leftovers(name: str, reservation: str, now: datetime) -> Erased:
    """Erase what names the guest and belongs to no stay any more: codes and history of deleted stays, and calendar
    rows that never became stays and are over. Empty texts match nothing."""
    with transaction.atomic():
        counts: Counter[str] = Counter()
        loose = FeedItem.objects.filter(booking=None, ends_at__lte=now)
        rows = [
            pk
            for pk, guest, code, said in loose.values_list("pk", "guest_name", "reservation_code", "summary")
            if _same(guest, name) or _same(code, reservation) or _same(said, name)
        ]
        feeds = FeedItem.objects.filter(pk__in=rows).values("feed__property")
        list(Property.objects.select_for_update(no_key=True).filter(pk__in=feeds).order_by("pk").values_list("pk"))
        counts["calendar row"] = forgetting.drop_items(FeedItem.objects.filter(pk__in=rows), now)
        orphans = [
            grant.pk
            for grant in AccessGrant.objects.filter(booking=None).exclude(holder_name="").only("holder_name")
            if _same(grant.holder_name, name)
        ]
        outbox.forget_names(Q(grant__in=orphans))
        counts["code"], waits = _wipe_grants(AccessGrant.objects.filter(pk__in=orphans).only("pk"), [name])
        counts["line of the history"] = _wipe_history_of_deleted(name)
        return Erased(counts, waits)


def _wipe_history_of_deleted(name: str) -> int:
    """Lines about stays that are gone begin with the guest's name (`Booking.__str__`)."""
    kind = ContentType.objects.get_for_model(Booking)
    there = {str(pk) for pk in Booking.objects.values_list("pk", flat=True)} if name else set()
    lines = LogEntry.objects.filter(content_type=kind).values_list("object_id", "object_repr")
    gone = {
        int(key)
        for key, title in lines.iterator()
        if name and key and key not in there and _same(title.rpartition(", ")[0], name)
    }
    return forgetting.wipe_history(Booking, gone, [name], NAMELESS)


def _same(one: str, other: str) -> bool:
    return bool(plain_name(other)) and plain_name(one) == plain_name(other)


def can_search(name: str, reservation: str) -> bool:
    """Whether there is anything to compare: marks alone are no name."""
    return bool(plain_name(name) or plain_name(reservation))


def stays_of(name: str, reservation: str) -> list[Booking]:
    """The stays of a guest by name, without regard to case and accents, or by reservation code; nearest last."""
    ids = set()
    if name:
        named = Booking.objects.exclude(guest_name="", feed_guest_name="")
        for pk, *found in named.values_list("pk", "guest_name", "feed_guest_name").iterator():
            ids |= {pk} if any(_same(one, name) for one in found) else set()
    listed = FeedItem.objects.filter(booking__isnull=False).exclude(guest_name="", reservation_code="")
    for pk, guest, code in listed.values_list("booking", "guest_name", "reservation_code").iterator():
        ids |= {pk} if _same(guest, name) or _same(code, reservation) else set()
    return list(Booking.objects.filter(pk__in=ids).select_related("property").order_by("check_in", "pk"))


def forget_due(now: datetime) -> int:
    """Erase what was asked for and could not be erased then, and the names of stays that ended `GUEST_KEEP_DAYS` ago;
    return how many stays. The oldest first, at most `MOST` in a night."""
    over = Q(check_out__lte=now) | Q(status=Booking.Status.CANCELLED)
    asked = Booking.objects.filter(over, forget_guest=True)
    old = Booking.objects.filter(check_out__lte=now - timedelta(days=settings.GUEST_KEEP_DAYS))
    old = old.exclude(guest_name="", feed_guest_name="")
    ids = [
        pk for rows in (asked, old) for pk in rows.order_by("check_out", "pk").values_list("pk", flat=True)[: MOST // 2]
    ]
    for booking_id in dict.fromkeys(ids):
        try:
            forget(booking_id, now)
        except Booking.DoesNotExist:
            continue  # a person deleted it meanwhile, and its guest with it
    return len(ids)
