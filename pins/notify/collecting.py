"""Looks for news and puts them into the outbox.

Incidents and PINs are written in many places, some in bulk, so no message hangs on the code that meets the cause.
Instead what is, is compared with what was noticed (`IncidentNotice`, `StayNotice`), and in one transaction the notice
is moved on, by compare-and-set, and the deliveries are written that follow. A crash leaves both or neither: nothing is
lost, since the next look finds the same difference, and nothing is told twice, since only one look can move a notice.
Where no channel is interested the notice moves on all the same: a channel hears what happens after it was made.
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
from pins.notify import facts, flapping, outbox
from rentals.models import Booking

logger = logging.getLogger(__name__)

#: So much is noticed in one look; the next one comes soon.
MOST = 500
OVER_BEFORE_SENT = "It was over before it was sent."


def collect(now: datetime) -> None:
    """Everything that is new since the last look. Safe to run twice, late, or at the same time."""
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
    """People are not told of what was over before anybody looked; machines are told everything."""
    with transaction.atomic():
        incident = _locked(incident_id)
        if incident is None:
            return
        try:
            with transaction.atomic():
                IncidentNotice.objects.create(incident=incident, urgent=_is_urgent(incident))
        except IntegrityError:  # another look noticed it between our query and our insert
            return
        told = [
            one
            for one in channels
            if one.hears(Event.INCIDENT_OPENED, notification_events.severity(incident.severity), incident.opened_at)
            and not (one.is_for_people and incident.resolved_at)
        ]
        flapping.take_back_ends(incident, now)
        _put_opened(incident, told, incident.opened_at, now)


def _notice_risen(incident_id: int, channels: list[NotificationChannel], now: datetime) -> None:
    """It was opened as less and is urgent now. Who hears everything knows of it; who hears only what is urgent is told
    now, under the key of its opening, so that nobody is told twice."""
    with transaction.atomic():
        incident = _locked(incident_id)
        if incident is None or incident.resolved_at is not None or not _is_urgent(incident):
            return
        if not IncidentNotice.objects.filter(incident=incident, urgent=False).update(urgent=True):
            return  # another look was faster
        if not flapping.comes_back(incident):
            # What quiet hours hold back is looked at again: it may not be able to wait any more.
            held = Delivery.objects.filter(incident=incident, state=Delivery.State.WAITING, attempts=0)
            held.update(next_try_at=now)
        told = [
            one
            for one in channels
            if one.severity == NotificationChannel.Hears.URGENT
            and one.hears(Event.INCIDENT_OPENED, notification_events.Severity.URGENT, now)
        ]
        _put_opened(incident, told, now, now)


def _is_urgent(incident: Incident) -> bool:
    return notification_events.severity(incident.severity) is notification_events.Severity.URGENT


def _notice_resolved(incident_id: int, channels: list[NotificationChannel], now: datetime) -> None:
    """Whoever was told that it opened is told that it is over. A message that still waits is taken back instead."""
    with transaction.atomic():
        incident = _locked(incident_id)
        if incident is None or incident.resolved_at is None:
            return
        if not IncidentNotice.objects.filter(incident=incident, resolved=False).update(resolved=True):
            return  # another look was faster
        opened = Delivery.objects.filter(incident=incident, event=Event.INCIDENT_OPENED)
        for_people = opened.exclude(channel__kind=NotificationChannel.Kind.WEBHOOK)
        # `attempts=0`: whoever sends it counts the try first, in the same column; one of the two comes too late.
        for delivery_id in list(for_people.filter(state=Delivery.State.WAITING).values_list("pk", flat=True)):
            Delivery.objects.filter(pk=delivery_id, state=Delivery.State.WAITING, attempts=0).update(
                state=Delivery.State.DROPPED, ended_at=now, last_error=OVER_BEFORE_SENT
            )
        knowing = set(opened.exclude(state=Delivery.State.DROPPED).values_list("channel_id", flat=True))
        comes_back = flapping.comes_back(incident)
        knowing |= flapping.told_as_wrong(incident) if comes_back else set()
        told = [
            one
            for one in channels
            if one.hears(Event.INCIDENT_RESOLVED, notification_events.severity(incident.severity), incident.resolved_at)
            and (one.pk in knowing or _hears_only_the_end(one, incident))
        ]
        held = {one.pk for one in told if comes_back and one.is_for_people}
        _put_incident(Event.INCIDENT_RESOLVED, incident, told, held, incident.resolved_at, now)


def _hears_only_the_end(channel: NotificationChannel, incident: Incident) -> bool:
    return Event.INCIDENT_OPENED.value not in channel.events and incident.opened_at >= channel.listens_from


def _locked(incident_id: int) -> Incident | None:
    """The incident, its row locked, so that nobody deletes it before its notice is written."""
    if not Incident.objects.select_for_update().filter(pk=incident_id).exists():
        return None
    found: Incident | None = facts.incidents().filter(pk=incident_id).first()
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
    """`held`: ids of channels that are told after a while, unless it has changed by then."""
    if not channels:
        return
    key = f"incident:{incident.pk}:{event.value.removeprefix('incident.')}"
    data, grant = facts.incident_data(incident), facts.grant_of(incident)
    about: dict[str, Any] = {"incident": incident, "grant": grant}
    outbox.put(event, key, [one for one in channels if one.pk not in held], data, at, now, **about)
    later, why = at + flapping.CALM, flapping.COMES_AND_GOES
    outbox.put(event, key, [one for one in channels if one.pk in held], data, at, now, **about, later=later, why=why)


# -- stays -------------------------------------------------------------------------------------------------------------


def _notice_stays(channels: list[NotificationChannel], now: datetime) -> None:
    for grant_id in [*_perhaps_ready(now)[:MOST], *_perhaps_off(now)[:MOST]]:
        with transaction.atomic():
            _notice_stay(grant_id, channels, now)


def _live(now: datetime) -> QuerySet[AccessGrant]:
    return AccessGrant.objects.filter(kind=AccessGrant.Kind.GUEST, revoked_at=None, ends_at__gt=now)


def _ready(now: datetime) -> QuerySet[AccessGrant]:
    """Grants whose code is on every lock, with the `revision` of their PINs: while it stands, so does the code."""
    wanted = Q(pins__wanted=True)
    return (
        _live(now)
        .filter(wanted=True)
        .annotate(
            doors=Count("pins", filter=wanted),
            missing=Count("pins", filter=wanted & ~Q(pins__state=State.SET)),
            revision=Sum("pins__desired_rev", filter=wanted),
        )
        .filter(doors__gt=0, missing=0)
    )


def _off(now: datetime) -> QuerySet[AccessGrant]:
    """Grants that nobody wants any more because the stay is off; not those of a property that was switched off."""
    without_stay = Q(booking=None) | ~Q(booking__status=Booking.Status.CONFIRMED)
    return _live(now).filter(without_stay, wanted=False)


def _perhaps_ready(now: datetime) -> QuerySet[AccessGrant, int]:
    known = Q(notice__said=StayNotice.Said.READY, notice__revision=F("revision"))
    return _ready(now).exclude(known).order_by("pk").values_list("pk", flat=True)


def _perhaps_off(now: datetime) -> QuerySet[AccessGrant, int]:
    return _off(now).exclude(notice__said=StayNotice.Said.OFF).order_by("pk").values_list("pk", flat=True)


def _notice_stay(grant_id: int, channels: list[NotificationChannel], now: datetime) -> None:
    # The grant's row is locked first: an exchange of its code waits for us, or we see it.
    if not AccessGrant.objects.select_for_update().filter(pk=grant_id).exists():
        return
    notice, _ = StayNotice.objects.get_or_create(grant_id=grant_id)
    ready = _ready(now).filter(pk=grant_id).first()
    if ready is not None:
        before, digest = notice.said, ValueClaim.digest_of(ready.code)
        same = before == StayNotice.Said.READY and notice.digest == digest
        event = None if same else Event.CODE_CHANGED if before == StayNotice.Said.READY else Event.CODE_READY
        after = {"said": StayNotice.Said.READY, "digest": digest, "revision": _fact(ready, "revision")}
    elif _off(now).filter(pk=grant_id).exists():
        event, after = Event.STAY_CANCELLED, {"said": StayNotice.Said.OFF, "digest": "", "revision": 0}
    else:
        return
    number = notice.number + (event is not None)
    # Compare-and-set on the number: of two looks one moves it on and writes the deliveries.
    moved = StayNotice.objects.filter(grant_id=grant_id, number=notice.number, said=notice.said)
    if not moved.update(number=number, **after) or event is None:
        return
    told = [one for one in channels if one.hears(event, None, now)]
    if told:
        grant = AccessGrant.objects.select_related("booking__property").defer(*AccessGrant.SECRETS).get(pk=grant_id)
        data = facts.off_data(grant) if event is Event.STAY_CANCELLED else facts.code_data(grant)
        outbox.put(event, f"stay:{grant_id}:{number}", told, data, now, now, grant=grant)


# -- summaries ---------------------------------------------------------------------------------------------------------


def _put_summary(channel: NotificationChannel, day: date, now: datetime) -> None:
    key = f"summary:{day.isoformat()}"
    if channel.deliveries.filter(key=key).exists():
        return
    data = facts.summary_data(day, channel.timezone, now)
    outbox.put(Event.SUMMARY, key, [channel], data, now, now, keeps=SUMMARY_KEEPS)


def _fact(grant: AccessGrant, name: str) -> Any:
    return getattr(grant, name)  # annotated by `_ready`
