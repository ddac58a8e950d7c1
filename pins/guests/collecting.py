"""Finds the guests who should hear something, and writes the messages.

The present is compared with what each guest was told last (`GuestPage.told_*`), as in `pins.notify.collecting`: so a
change is noticed whoever made it. One transaction moves a page on and writes its messages; a crash leaves both or
neither. What is asked each time begins with stays that arrive soon and with guests who were told and have not left.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from pins.guests import help as asking
from pins.guests import links, reading
from pins.guests.reading import GuestStay
from pins.guests.timing import LAST_CALL, Kind, Situation, Told, due
from pins.models import AccessGrant, GuestGuide, GuestMessage, GuestPage, StayNotice, ValueClaim
from rentals.fields import UndecryptableValue
from rentals.models import Booking

logger = logging.getLogger(__name__)

#: How many guests one run tells; the next one comes soon.
MOST: Final = 200
_HOUR: Final = timedelta(hours=1)
#: A guest is told of new days up to so long after the end of those that were told.
MOVED_LATE: Final = timedelta(days=14)
_Said = GuestPage.Said
Way = GuestMessage.Way


def collect(now: datetime) -> None:
    """Write the messages that are due. Safe to run twice, late, or at the same time."""
    hours = set(GuestGuide.objects.filter(is_active=True).order_by().values_list("message_hours", flat=True).distinct())
    if hours:
        found = [*_untold(hours, now)[:MOST], *_told(now)[:MOST]]
        for booking_id in dict.fromkeys(found):
            try:
                tell(booking_id, now)
            except (UndecryptableValue, ObjectDoesNotExist):  # the others are told all the same
                logger.exception("guest_not_told", extra={"booking_id": booking_id})
    asking.end_with_stays(now)


def tell(booking_id: int, now: datetime, *, by_hand: bool = False) -> Kind | None:
    """Write the messages that are due to one guest, and say of which kind. `by_hand`: a person asks for one now,
    whatever the guest was told."""
    page = links.page_of(booking_id)
    stay = reading.read(page, now)
    if stay is None:
        return None
    code = _fingerprint(stay.grant_id) if stay.facts.confirmed and stay.grant_id is not None else ""
    situation = _situation(stay, code)
    kind = due(situation, now)
    if kind is None and by_hand and situation.is_expected and now < stay.booking.check_out:
        kind = Kind.READY if situation.confirmed and situation.released else Kind.LINK
    ways = _ways(stay)
    if kind is None or not ways or not _write(stay, situation, kind, ways, now):
        return None
    logger.info("guest_news", extra={"booking_id": booking_id, "event_type": kind.value})
    return kind


def _untold(hours: Iterable[int], now: datetime) -> QuerySet[Booking, int]:
    """Keys of stays whose guest was told nothing yet, and whose moment has come."""
    windows = Q()
    for one in hours:
        windows |= Q(property__guide__message_hours=one, check_in__lte=now + max(one * _HOUR, LAST_CALL))
    farthest = now + max(max(hours) * _HOUR, LAST_CALL)
    released = Q(property__guide__needs_release=False) | Q(guest_page__released_at__isnull=False)
    may_go = (Exists(_announced("pk")) & released) | Q(check_in__lte=now + LAST_CALL)
    nothing_said = Q(guest_page=None) | Q(guest_page__said=_Said.NOTHING)
    near = Booking.objects.during(now, farthest).filter(windows, nothing_said, _can_be_told(""), may_go)
    return near.order_by("check_in", "pk").values_list("pk", flat=True)


def _told(now: datetime) -> QuerySet[GuestPage, int]:
    """Keys of stays whose guest was told something that is not so any more, or that lacked the code."""
    other = Q()
    for told, present in (
        ("told_check_in", "booking__check_in"),
        ("told_check_out", "booking__check_out"),
        ("told_property", "booking__property"),
        ("told_link", "token_digest"),
    ):
        other |= ~Q(**{told: F(present)})
    other |= ~Q(told_code="") & Q(Exists(_announced("booking").exclude(notice__digest=OuterRef("told_code"))))
    released = Q(booking__property__guide__needs_release=False) | Q(released_at__isnull=False)
    lacked = Q(said=_Said.LINK, booking__property__guide__code_in_message=True) & released
    other |= lacked & Q(Exists(_announced("booking")))
    revoked = AccessGrant.objects.filter(booking=OuterRef("booking"), revoked_at__isnull=False)
    # By the end that was told, which has an index; the stay may have been moved after that.
    near = Q(told_check_out__gt=now - MOVED_LATE, booking__check_out__gt=now)
    pages = GuestPage.objects.filter(near, ~Exists(revoked), other, _can_be_told("booking__"))
    return pages.order_by("told_check_in", "pk").values_list("booking", flat=True)


def _announced(booking: str) -> QuerySet[AccessGrant]:
    """The grant of a stay whose code is on all its locks, as `pins.notify.stay_news` noticed it. Only a hint, which
    spares a look at those that wait: the facts are judged afterwards."""
    return AccessGrant.objects.filter(
        booking=OuterRef(booking),
        kind=AccessGrant.Kind.GUEST,
        wanted=True,
        unnoticed=False,
        notice__said=StayNotice.Said.READY,
    )


def _can_be_told(prefix: str) -> Q:
    by_mail = ~Q(**{f"{prefix}guest_email": ""})
    by_text = ~Q(**{f"{prefix}guest_phone": ""}) & Q(**{f"{prefix}property__guide__sends_texts": True})
    stay = {"status": Booking.Status.CONFIRMED, "property__guide__is_active": True}
    return (by_mail | by_text) & Q(**{f"{prefix}{name}": value for name, value in stay.items()})


def _ways(stay: GuestStay) -> list[GuestMessage.Way]:
    ways = [Way.EMAIL] if stay.booking.guest_email else []
    return ways + ([Way.TEXT] if stay.booking.guest_phone and stay.guide.sends_texts else [])


def _fingerprint(grant_id: int) -> str:
    return ValueClaim.digest_of(AccessGrant.objects.values_list("code", flat=True).get(pk=grant_id))


def _situation(stay: GuestStay, code: str) -> Situation:
    page, booking = stay.page, stay.booking
    told = None
    if page.told_check_in is not None and page.told_check_out is not None and page.said:
        told = Told(page.told_check_in, page.told_check_out, page.told_property or 0, page.told_link, page.told_code)
    return Situation(
        now_true=Told(booking.check_in, booking.check_out, booking.property_id, page.token_digest, code),
        is_expected=stay.facts.is_expected,
        confirmed=stay.facts.confirmed,
        released=stay.facts.released,
        lead=stay.guide.message_hours * _HOUR,
        code_in_message=stay.guide.code_in_message,
        told=told,
        told_ready=page.said == _Said.READY,
    )


def _write(stay: GuestStay, situation: Situation, kind: Kind, ways: list[GuestMessage.Way], now: datetime) -> bool:
    """Move the page on and write the messages. False: somebody else did so meanwhile."""
    page, fact = stay.page, situation.now_true
    has_code = situation.confirmed and situation.released
    # One who was told that the code is ready, or saw it, hears when it becomes another one.
    knows = kind is Kind.READY or bool(page.told_code)
    with transaction.atomic():
        moved = GuestPage.objects.filter(pk=page.pk, number=page.number).update(
            number=page.number + 1,
            said=_Said.READY if has_code else _Said.LINK,
            told_check_in=fact.check_in,
            told_check_out=fact.check_out,
            told_property=fact.place,
            told_link=fact.link,
            told_code=fact.code if has_code and knows else page.told_code,
        )
        if not moved:
            return False
        GuestMessage.objects.bulk_create(
            [
                GuestMessage(
                    page=page, number=page.number + 1, kind=kind.value, way=way, created_at=now, next_try_at=now
                )
                for way in ways
            ]
        )
    return True
