"""Incidents that come and go, such as a budget at its limit or a lock with bad Wi-Fi, must not become a storm of
messages.

The first time people are told of the end at once: mostly it is over. If it comes back within half an hour, they are
told once more. From then on they are told of an end when it has lasted half an hour, and of another beginning when that
has lasted as long; until then the last thing that they heard, that it is wrong, still holds. Machines are told
everything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from django.db.models import F, QuerySet

from pins.core.notification_events import ABOUT_INCIDENTS, Event
from pins.models import Delivery, Incident, NotificationChannel
from pins.notify import outbox
from rentals.phrases import mark

#: An end, or a beginning, that has lasted so long is believed.
CALM: Final = timedelta(minutes=30)
COMES_AND_GOES: Final = mark("It comes and goes: it waits until it has stayed so for half an hour.")
WRONG_AGAIN: Final = mark("It was wrong again before it was sent.")

State = Delivery.State
_Former = tuple[int, datetime | None]  # an earlier incident: its key, when it was resolved
_Told = tuple[int, int, str]  # a message: its key, its channel, its event


class Past:
    """Earlier incidents of the same kind and subject, for a batch of incidents: with a constant number of queries,
    asked when they are needed. Of one subject there is one in the batch."""

    def __init__(self, incidents: Collection[Incident]) -> None:
        """The subject's key says what an incident is about, also where the row of the subject is gone."""
        alike = Incident.objects.filter(
            subject__in={one.subject for one in incidents}, kind__in={one.kind for one in incidents}
        )
        found: defaultdict[tuple[str, str], list[_Former]] = defaultdict(list)
        for pk, kind, subject, resolved_at in alike.values_list("pk", "kind", "subject", "resolved_at"):
            found[kind, subject].append((pk, resolved_at))
        self._former = {one.pk: [row for row in found[one.kind, one.subject] if row[0] < one.pk] for one in incidents}
        self._ids = {pk for rows in self._former.values() for pk, _ in rows}

    def take_back_ends(self, now: datetime) -> None:
        """The incidents are back: messages to people that still wait to say it was over are dropped. Before anybody
        asks what people were told."""
        if self._ids:
            ends = _for_people().filter(incident__in=self._ids, event=Event.INCIDENT_RESOLVED)
            outbox.take_back(ends, now, WRONG_AGAIN)

    def comes_back(self, incident: Incident) -> bool:
        """Whether the same incident was resolved less than `CALM` before this one opened."""
        since = incident.opened_at - CALM
        return any(resolved_at is not None and resolved_at > since for _, resolved_at in self._former[incident.pk])

    def told_as_wrong(self, incident: Incident) -> set[int]:
        """Ids of channels of people that were told of an earlier occurrence and not of its end; at their present
        address, by a message that was not given up."""
        chain = [pk for pk, resolved_at in self._former[incident.pk] if resolved_at is not None]
        told = sorted(message for pk in chain for message in self._told.get(pk, ()))
        last = {channel_id: event for _, channel_id, event in told}
        return {channel_id for channel_id, event in last.items() if event == Event.INCIDENT_OPENED}

    @cached_property
    def _told(self) -> Mapping[int, list[_Told]]:
        """By earlier incident, the messages to people that stand."""
        found: defaultdict[int, list[_Told]] = defaultdict(list)
        if not self._ids:
            return found
        rows = _for_people().filter(incident__in=self._ids, event__in=ABOUT_INCIDENTS)
        rows = rows.exclude(state__in=(State.DROPPED, State.GIVEN_UP))
        rows = rows.filter(created_at__gte=F("channel__listens_from")).order_by()
        for incident_id, pk, channel_id, event in rows.values_list("incident_id", "pk", "channel_id", "event"):
            if incident_id is not None:
                found[incident_id].append((pk, channel_id, event))
        return found


def _for_people() -> QuerySet[Delivery]:
    return Delivery.objects.exclude(channel__kind=NotificationChannel.Kind.WEBHOOK)
