"""News about incidents: one was opened, became urgent, or is resolved. Called by `pins.notify.collecting`.

Each search begins with what is open, or was resolved a while ago at most, so incidents of former months cost nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from pins.core import notification_events
from pins.core.notification_events import Event
from pins.models import Delivery, Incident, IncidentNotice, NotificationChannel, ScanPosition
from pins.notify import flapping, outbox, payloads
from rentals.languages import speaking
from rentals.phrases import mark

logger = logging.getLogger(__name__)

#: How much one run notices of each kind of news; the next one comes soon.
MOST: Final = 2_000
#: How many one transaction notices.
BATCH: Final = 200
#: So long before the last run that noticed everything an incident may have been resolved and not be visible yet.
LONGEST_WRITE: Final = timedelta(hours=1)
#: How often it is noted that a run noticed everything.
_NOTED_EVERY: Final = timedelta(minutes=10)
OVER_BEFORE_SENT: Final = mark("It was over before it was sent.")

Channels = Sequence[NotificationChannel]
_Batch = Callable[[Sequence[int], Channels, datetime], None]


def notice(channels: Channels, now: datetime) -> None:
    """Write the messages that follow from what changed since the last call."""
    position, _ = ScanPosition.objects.get_or_create(name="incident news")
    fresh = _found(_unnoticed(position.at, now))
    _in_batches(fresh, _notice_opened, channels, now)
    risen = Incident.objects.filter(notice__urgent=False, severity=Incident.Severity.URGENT, resolved_at=None)
    _in_batches(_found(risen), _notice_risen, channels, now)
    over = Incident.objects.filter(notice__resolved=False, resolved_at__isnull=False)
    _in_batches(_found(over), _notice_resolved, channels, now)
    if len(fresh) < MOST and (position.at is None or not now - _NOTED_EVERY < position.at <= now):
        ScanPosition.objects.filter(name=position.name).update(at=now)


def _unnoticed(all_noticed_at: datetime | None, now: datetime) -> QuerySet[Incident]:
    """Incidents that no run has noticed. What was resolved well before everything was noticed is not among them."""
    rows = Incident.objects.filter(notice=None)
    if all_noticed_at is None:
        return rows
    return rows.filter(Q(resolved_at=None) | Q(resolved_at__gt=min(all_noticed_at, now) - LONGEST_WRITE))


def _found(rows: QuerySet[Incident]) -> list[tuple[int, str]]:
    return list(rows.order_by("pk").values_list("pk", "subject")[:MOST])


def _in_batches(found: Sequence[tuple[int, str]], notice_batch: _Batch, channels: Channels, now: datetime) -> None:
    for ids in _batches(found):
        try:
            with transaction.atomic():
                notice_batch(ids, channels, now)
        except IntegrityError:  # an incident was deleted since we read it; the next run finds the others again
            logger.info("incident_gone")


def _batches(found: Iterable[tuple[int, str]]) -> Iterator[list[int]]:
    """Keys of incidents, no two of one subject together: what is told of the later one depends on the messages about
    the earlier one (`flapping`)."""
    batch: dict[str, int] = {}
    for pk, subject in found:
        if subject in batch or len(batch) == BATCH:
            yield list(batch.values())
            batch = {}
        batch[subject] = pk
    if batch:
        yield list(batch.values())


def _notice_opened(ids: Sequence[int], channels: Channels, now: datetime) -> None:
    """An incident that was over before it was noticed is not sent to people; machines get everything.

    No row of an incident is locked: a run that wants to resolve it must not wait for us. Two collections at once may
    both get here; the second one waits for the notices of the first and writes no message twice.
    """
    incidents = list(payloads.incidents().filter(pk__in=ids, notice=None).order_by("pk"))
    notices = [IncidentNotice(incident=one, urgent=_is_urgent(one)) for one in incidents]
    IncidentNotice.objects.bulk_create(notices, ignore_conflicts=True)
    past = flapping.Past(incidents)
    past.take_back_ends(now)
    rows: list[Delivery] = []
    for incident in incidents:
        chosen = [
            one
            for one in channels
            if one.hears(Event.INCIDENT_OPENED, notification_events.severity(incident.severity), incident.opened_at)
            and not (one.is_for_people and incident.resolved_at)
        ]
        rows += _opened(incident, chosen, past, incident.opened_at, now)
    outbox.write(rows)


def _notice_risen(ids: Sequence[int], channels: Channels, now: datetime) -> None:
    """The incidents were opened as less urgent, and are urgent now. Channels that hear everything know of them already;
    those that hear only urgent incidents are told now, under the key of the opening, so that none is told twice."""
    mine = _locked_notices(ids, urgent=False)
    urgent = payloads.incidents().filter(pk__in=mine, resolved_at=None, severity=Incident.Severity.URGENT)
    incidents = list(urgent.order_by("pk"))
    IncidentNotice.objects.filter(incident__in=incidents).update(urgent=True)
    past = flapping.Past(incidents)
    # Messages that quiet hours hold back are judged again: they may not be able to wait any more.
    steady = [one.pk for one in incidents if not past.comes_back(one)]
    held = Delivery.objects.filter(incident__in=steady, state=Delivery.State.WAITING, attempts=0)
    held.update(next_try_at=now)
    rows: list[Delivery] = []
    for incident in incidents:
        chosen = [
            one
            for one in channels
            if one.severity == NotificationChannel.Hears.URGENT
            and one.hears(Event.INCIDENT_OPENED, notification_events.Severity.URGENT, now)
        ]
        rows += _opened(incident, chosen, past, now, now)
    outbox.write(rows)


def _is_urgent(incident: Incident) -> bool:
    return notification_events.severity(incident.severity) is notification_events.Severity.URGENT


def _notice_resolved(ids: Sequence[int], channels: Channels, now: datetime) -> None:
    """A channel that was told of the opening is told of the end. An opening that still waits is taken back instead."""
    mine = _locked_notices(ids, resolved=False)
    incidents = list(payloads.incidents().filter(pk__in=mine, resolved_at__isnull=False).order_by("pk"))
    IncidentNotice.objects.filter(incident__in=incidents).update(resolved=True)
    openings = Delivery.objects.filter(incident__in=incidents, event=Event.INCIDENT_OPENED)
    outbox.take_back(openings.exclude(channel__kind=NotificationChannel.Kind.WEBHOOK), now, OVER_BEFORE_SENT)
    told = set(openings.exclude(state=Delivery.State.DROPPED).values_list("incident_id", "channel_id"))
    past = flapping.Past(incidents)
    rows: list[Delivery] = []
    for incident in incidents:
        comes_back = past.comes_back(incident)
        wrong = past.told_as_wrong(incident) if comes_back else set()
        ended = incident.resolved_at or now
        chosen = [
            one
            for one in channels
            if one.hears(Event.INCIDENT_RESOLVED, notification_events.severity(incident.severity), ended)
            and ((incident.pk, one.pk) in told or one.pk in wrong or _hears_only_the_end(one, incident))
        ]
        held = {one.pk for one in chosen if comes_back and one.is_for_people}
        rows += _messages(Event.INCIDENT_RESOLVED, incident, chosen, held, ended, now)
    outbox.write(rows)


def _hears_only_the_end(channel: NotificationChannel, incident: Incident) -> bool:
    return Event.INCIDENT_OPENED.value not in channel.events and incident.opened_at >= channel.listens_from


def _locked_notices(ids: Sequence[int], **as_read: bool) -> list[int]:
    """Of these notices those that no other run has moved or is moving, their rows locked; only collections lock them,
    so nobody else waits."""
    rows = IncidentNotice.objects.select_for_update(skip_locked=True).filter(incident__in=ids, **as_read)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _opened(
    incident: Incident, channels: Channels, past: flapping.Past, at: datetime, now: datetime
) -> Iterable[Delivery]:
    held = past.told_as_wrong(incident) if past.comes_back(incident) else set()
    return _messages(Event.INCIDENT_OPENED, incident, channels, held, at, now)


def _messages(
    event: Event, incident: Incident, channels: Channels, held: Collection[int], at: datetime, now: datetime
) -> list[Delivery]:
    """`held`: ids of channels that are told after `flapping.CALM`, unless the incident has changed by then."""
    key = f"incident:{incident.pk}:{event.value.removeprefix('incident.')}"
    later, why = at + flapping.CALM, flapping.COMES_AND_GOES
    rows: list[Delivery] = []
    for language in sorted({one.language for one in channels}):
        with speaking(language):
            data, grant = payloads.incident_data(incident), payloads.grant_of(incident)
        hearing = [one for one in channels if one.language == language]
        soon, rest = ([one for one in hearing if (one.pk in held) is is_held] for is_held in (False, True))
        rows += outbox.messages(event, key, soon, data, at, now, incident=incident, grant=grant)
        rows += outbox.messages(event, key, rest, data, at, now, incident=incident, grant=grant, later=later, why=why)
    return rows
