"""Finds news and puts them into the outbox.

Incidents and PINs are written in many places, some in bulk, so the code that writes them sends no message. Instead the
present state is compared with what was noticed before (`IncidentNotice`, `StayNotice`). One transaction moves the
notice on, by compare-and-set, and writes the deliveries that follow. A crash leaves both or neither: nothing is lost,
since the next run finds the same difference, and nothing is sent twice, since only one run can move a notice. The
notice moves on even if no channel is interested: a channel hears what happens after it was made. All times are UTC.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q, QuerySet, Sum

from pins.core import notification_events
from pins.core.notification_events import Event
from pins.core.pin_state import State
from pins.core.quiet_hours import SUMMARY_KEEPS, summary_day
from pins.models import (
    AccessGrant,
    Delivery,
    Incident,
    IncidentNotice,
    NotificationChannel,
    StayNotice,
    ValueClaim,
)
from pins.notify import flapping, outbox, payloads
from rentals.models import Booking

logger = logging.getLogger(__name__)

#: How much one run notices; the next one comes soon.
MOST = 500
OVER_BEFORE_SENT = "It was over before it was sent."


def collect(now: datetime) -> None:
    """Notice everything that is new since the last run. Safe to run twice, late, or at the same time."""
    channels = list(_channels())
    _notice_incidents(channels, now)
    _notice_stays(channels, now)
    for channel in channels:
        if channel.summary_at is not None:
            day = summary_day(channel.summary_at, channel.timezone, now, channel.listens_from)
            if day is not None:
                _put_summary(channel, day, now)
    outbox.end_what_is_late(now)


def _channels() -> QuerySet[NotificationChannel]:
    return NotificationChannel.objects.filter(is_active=True).defer(*NotificationChannel.SECRETS).order_by("pk")


# -- incidents ---------------------------------------------------------------------------------------------------------


def _notice_incidents(channels: list[NotificationChannel], now: datetime) -> None:
    fresh = Incident.objects.filter(notice=None).order_by("pk").values_list("pk", flat=True)
    for incident_id in list(fresh[:MOST]):
        _notice_opened(incident_id, channels, now)
    risen = Incident.objects.filter(notice__urgent=False, severity=Incident.Severity.URGENT, resolved_at=None)
    for incident_id in list(risen.order_by("pk").values_list("pk", flat=True)[:MOST]):
        _notice_risen(incident_id, channels, now)
    over = Incident.objects.filter(notice__resolved=False, resolved_at__isnull=False).order_by("pk")
    for incident_id in list(over.values_list("pk", flat=True)[:MOST]):
        _notice_resolved(incident_id, channels, now)


def _notice_opened(incident_id: int, channels: list[NotificationChannel], now: datetime) -> None:
    """An incident that was over before it was noticed is not sent to people; machines get everything."""
    with transaction.atomic():
        incident = _locked(incident_id)
        if incident is None:
            return
        try:
            with transaction.atomic():
                IncidentNotice.objects.create(incident=incident, urgent=_is_urgent(incident))
        except IntegrityError:  # another run noticed it between our query and our insert
            return
        chosen = [
            one
            for one in channels
            if one.hears(Event.INCIDENT_OPENED, notification_events.severity(incident.severity), incident.opened_at)
            and not (one.is_for_people and incident.resolved_at)
        ]
        flapping.take_back_ends(incident, now)
        _put_opened(incident, chosen, incident.opened_at, now)


def _notice_risen(incident_id: int, channels: list[NotificationChannel], now: datetime) -> None:
    """The incident was opened as less urgent, and is urgent now. Channels that hear everything know of it already;
    those that hear only urgent incidents are told now, under the key of its opening, so that none is told twice."""
    with transaction.atomic():
        incident = _locked(incident_id)
        if incident is None or incident.resolved_at is not None or not _is_urgent(incident):
            return
        if not IncidentNotice.objects.filter(incident=incident, urgent=False).update(urgent=True):
            return  # another run was faster
        if not flapping.comes_back(incident):
            # Messages that quiet hours hold back are judged again: they may not be able to wait any more.
            held = Delivery.objects.filter(incident=incident, state=Delivery.State.WAITING, attempts=0)
            held.update(next_try_at=now)
        chosen = [
            one
            for one in channels
            if one.severity == NotificationChannel.Hears.URGENT
            and one.hears(Event.INCIDENT_OPENED, notification_events.Severity.URGENT, now)
        ]
        _put_opened(incident, chosen, now, now)


def _is_urgent(incident: Incident) -> bool:
    return notification_events.severity(incident.severity) is notification_events.Severity.URGENT


def _notice_resolved(incident_id: int, channels: list[NotificationChannel], now: datetime) -> None:
    """A channel that was told of the opening is told of the end. An opening that still waits is taken back instead."""
    with transaction.atomic():
        incident = _locked(incident_id)
        if incident is None or incident.resolved_at is None:
            return
        if not IncidentNotice.objects.filter(incident=incident, resolved=False).update(resolved=True):
            return  # another run was faster
        opened = Delivery.objects.filter(incident=incident, event=Event.INCIDENT_OPENED)
        for_people = opened.exclude(channel__kind=NotificationChannel.Kind.WEBHOOK)
        outbox.take_back(for_people, now, OVER_BEFORE_SENT)
        knowing = set(opened.exclude(state=Delivery.State.DROPPED).values_list("channel_id", flat=True))
        comes_back = flapping.comes_back(incident)
        knowing |= flapping.told_as_wrong(incident) if comes_back else set()
        chosen = [
            one
            for one in channels
            if one.hears(Event.INCIDENT_RESOLVED, notification_events.severity(incident.severity), incident.resolved_at)
            and (one.pk in knowing or _hears_only_the_end(one, incident))
        ]
        held = {one.pk for one in chosen if comes_back and one.is_for_people}
        _put_incident(Event.INCIDENT_RESOLVED, incident, chosen, held, incident.resolved_at, now)


def _hears_only_the_end(channel: NotificationChannel, incident: Incident) -> bool:
    return Event.INCIDENT_OPENED.value not in channel.events and incident.opened_at >= channel.listens_from


def _locked(incident_id: int) -> Incident | None:
    """The incident with its row locked, so that it cannot be deleted before its notice is written."""
    if not Incident.objects.select_for_update().filter(pk=incident_id).exists():
        return None
    found: Incident | None = payloads.incidents().filter(pk=incident_id).first()
    return found


def _put_opened(incident: Incident, channels: list[NotificationChannel], at: datetime, now: datetime) -> None:
    held = flapping.told_as_wrong(incident) if flapping.comes_back(incident) else set()
    _put_incident(Event.INCIDENT_OPENED, incident, channels, held, at, now)


def _put_incident(
    event: Event,
    incident: Incident,
    channels: list[NotificationChannel],
    held: Collection[int],
    at: datetime,
    now: datetime,
) -> None:
    """`held`: ids of channels that are told after `flapping.CALM`, unless the incident has changed by then."""
    if not channels:
        return
    key = f"incident:{incident.pk}:{event.value.removeprefix('incident.')}"
    data, grant = payloads.incident_data(incident), payloads.grant_of(incident)
    about: dict[str, Any] = {"incident": incident, "grant": grant}
    outbox.put(event, key, [one for one in channels if one.pk not in held], data, at, now, **about)
    later, why = at + flapping.CALM, flapping.COMES_AND_GOES
    outbox.put(event, key, [one for one in channels if one.pk in held], data, at, now, **about, later=later, why=why)


# -- stays -------------------------------------------------------------------------------------------------------------


def _notice_stays(channels: list[NotificationChannel], now: datetime) -> None:
    for grant_id in [*_perhaps_ready(now)[:MOST], *_perhaps_cancelled(now)[:MOST]]:
        with transaction.atomic():
            _notice_stay(grant_id, channels, now)


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


def _perhaps_ready(now: datetime) -> QuerySet[AccessGrant, int]:
    known = Q(notice__said=StayNotice.Said.READY, notice__revision=F("revision"))
    return _ready(now).exclude(known).order_by("pk").values_list("pk", flat=True)


def _perhaps_cancelled(now: datetime) -> QuerySet[AccessGrant, int]:
    return _cancelled(now).exclude(notice__said=StayNotice.Said.OFF).order_by("pk").values_list("pk", flat=True)


def _notice_stay(grant_id: int, channels: list[NotificationChannel], now: datetime) -> None:
    # The grant's row is locked first: a change of its code either waits for us, or is visible to us.
    if not AccessGrant.objects.select_for_update().filter(pk=grant_id).exists():
        return
    notice, _ = StayNotice.objects.get_or_create(grant_id=grant_id)
    ready = _ready(now).filter(pk=grant_id).first()
    if ready is not None:
        before, digest = notice.said, ValueClaim.digest_of(ready.code)
        same = before == StayNotice.Said.READY and notice.digest == digest
        event = None if same else Event.CODE_CHANGED if before == StayNotice.Said.READY else Event.CODE_READY
        after = {"said": StayNotice.Said.READY, "digest": digest, "revision": _annotated(ready, "revision")}
    elif _cancelled(now).filter(pk=grant_id).exists():
        event, after = Event.STAY_CANCELLED, {"said": StayNotice.Said.OFF, "digest": "", "revision": 0}
    else:
        return
    number = notice.number + (event is not None)
    # Compare-and-set on the number: of two runs one moves it on and writes the deliveries.
    moved = StayNotice.objects.filter(grant_id=grant_id, number=notice.number, said=notice.said)
    if not moved.update(number=number, **after) or event is None:
        return
    chosen = [one for one in channels if one.hears(event, None, now)]
    if chosen:
        grant = AccessGrant.objects.select_related("booking__property").defer(*AccessGrant.SECRETS).get(pk=grant_id)
        data = payloads.cancelled_data(grant) if event is Event.STAY_CANCELLED else payloads.code_data(grant)
        outbox.put(event, f"stay:{grant_id}:{number}", chosen, data, now, now, grant=grant)


# -- summaries ---------------------------------------------------------------------------------------------------------


def _put_summary(channel: NotificationChannel, day: date, now: datetime) -> None:
    key = f"summary:{day.isoformat()}"
    if channel.deliveries.filter(key=key).exists():
        return
    data = payloads.summary_data(day, channel.timezone, now)
    outbox.put(Event.SUMMARY, key, [channel], data, now, now, keeps=SUMMARY_KEEPS)


def _annotated(grant: AccessGrant, name: str) -> Any:
    return getattr(grant, name)  # annotated by `_ready`
