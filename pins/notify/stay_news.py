"""News about stays: the code is on all its locks, has changed there, or the stay is off. Called by
`pins.notify.collecting`.

`AccessGrant.unnoticed` says where to look. Whoever asks something of a grant's locks sets it (`pins.desired.grants`),
and it stays set until what came of it is noticed: so a code that waits is looked at each time, and a million that are
announced cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum

from pins.core.notification_events import Event
from pins.core.pin_state import State
from pins.models import AccessGrant, Delivery, InstallationKey, NotificationChannel, StayNotice, ValueClaim
from pins.notify import outbox, payloads
from rentals.models import Booking

#: How many stays of each kind one run notices; the next one comes soon.
MOST: Final = 2_000
#: How many one transaction notices. Their grants are locked meanwhile: whoever changes one of these stays waits.
BATCH: Final = 100

_MOVING = ("number", "said", "digest", "revision")
_Said = StayNotice.Said
Channels = Sequence[NotificationChannel]


def notice(channels: Channels, now: datetime) -> None:
    """Write the messages that follow from what changed since the last call."""
    for found in (_ready(now), _cancelled(now)):
        ids = list(found.filter(unnoticed=True).order_by("pk").values_list("pk", flat=True)[:MOST])
        for start in range(0, len(ids), BATCH):
            with transaction.atomic():
                _notice(ids[start : start + BATCH], channels, now)


def _live(now: datetime) -> QuerySet[AccessGrant]:
    return AccessGrant.objects.filter(kind=AccessGrant.Kind.GUEST, revoked_at=None, ends_at__gt=now)


def _ready(now: datetime) -> QuerySet[AccessGrant]:
    """Grants whose code is on every lock, annotated with the `revision` of their PINs: the code is the same as long as
    the revision is."""
    wanted = Q(pins__wanted=True)
    return (
        _live(now)
        .filter(wanted=True)
        .annotate(
            wanted_pins=Count("pins", filter=wanted),
            missing=Count("pins", filter=wanted & ~Q(pins__state=State.SET)),
            revision=Sum("pins__desired_rev", filter=wanted),
        )
        .filter(wanted_pins__gt=0, missing=0)
    )


def _cancelled(now: datetime) -> QuerySet[AccessGrant]:
    """Grants that are not wanted any more because the stay is cancelled, tentative or deleted; not those of a property
    that was switched off."""
    without_stay = Q(booking=None) | ~Q(booking__status=Booking.Status.CONFIRMED)
    return _live(now).filter(without_stay, wanted=False)


def _notice(ids: Sequence[int], channels: Channels, now: datetime) -> None:
    # The grants' rows are locked first: a change of a code either waits for us, or is visible to us. One that is being
    # changed at this moment is left to the next run.
    locked = AccessGrant.objects.select_for_update(skip_locked=True).filter(pk__in=ids, unnoticed=True).order_by("pk")
    mine = list(locked.values_list("pk", flat=True))
    ready = {grant.pk: grant for grant in _ready(now).filter(pk__in=mine)}
    off = set(_cancelled(now).filter(pk__in=mine).values_list("pk", flat=True))
    settled = [pk for pk in mine if pk in ready or pk in off]
    notices = {pk: StayNotice(grant_id=pk) for pk in settled} | StayNotice.objects.in_bulk(settled)
    news: dict[int, Event] = {}
    key = InstallationKey.load()
    for pk in settled:
        event = _moved_on(notices[pk], ready.get(pk), key)
        if event is not None:
            news[pk] = event
    # `bulk_update` would take longer than all the rest together.
    StayNotice.objects.bulk_create(
        notices.values(), update_conflicts=True, unique_fields=["grant"], update_fields=_MOVING
    )
    AccessGrant.objects.filter(pk__in=settled).update(unnoticed=False)
    outbox.write(_messages(news, notices, channels, now))


def _moved_on(notice: StayNotice, ready: AccessGrant | None, key: bytes) -> Event | None:
    """Move the notice on (unsaved) to the grant that is ready, or else to the stay that is off. What is to be told."""
    before, digest = (notice.said, notice.digest), ""
    event: Event | None = Event.STAY_CANCELLED
    if ready is not None:
        digest = ValueClaim.digest_of(ready.code, key=key)
        event = Event.CODE_CHANGED if notice.said == _Said.READY else Event.CODE_READY
    notice.said = _Said.READY if ready is not None else _Said.OFF
    notice.digest, notice.revision = digest, _revision(ready) if ready is not None else 0
    if (notice.said, digest) == before:
        return None
    notice.number += 1
    return event


def _messages(
    news: dict[int, Event], notices: dict[int, StayNotice], channels: Channels, now: datetime
) -> list[Delivery]:
    hearing = {event: [one for one in channels if one.hears(event, None, now)] for event in set(news.values())}
    told = [pk for pk, event in news.items() if hearing[event]]
    grants = AccessGrant.objects.select_related("booking__property").defer(*AccessGrant.SECRETS).filter(pk__in=told)
    rows: list[Delivery] = []
    data = payloads.stays_data({grant: news[grant.pk] is Event.STAY_CANCELLED for grant in grants})
    for grant, said in data.items():
        event = news[grant.pk]
        name = f"stay:{grant.pk}:{notices[grant.pk].number}"
        rows += outbox.messages(event, name, hearing[event], said, now, now, grant=grant)
    return rows


def _revision(grant: AccessGrant) -> Any:
    return getattr(grant, "revision")  # noqa: B009 - annotated by `_ready`
