"""Incidents that come and go, such as a budget at its limit or a lock with bad Wi-Fi, must not become a storm of
messages.

The first time people are told of the end at once: mostly it is over. If it comes back within half an hour, they are
told once more. From then on they are told of an end when it has lasted half an hour, and of another beginning when that
has lasted as long; until then the last thing that they heard, that it is wrong, still holds. Machines are told
everything.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, QuerySet

from pins.core.notification_events import ABOUT_INCIDENTS, Event
from pins.models import Delivery, Incident, NotificationChannel
from pins.notify import outbox

#: An end, or a beginning, that has lasted so long is believed.
CALM: Final = timedelta(minutes=30)
COMES_AND_GOES: Final = "It comes and goes: it waits until it has stayed so for half an hour."
WRONG_AGAIN: Final = "It was wrong again before it was sent."

State = Delivery.State


def comes_back(incident: Incident) -> bool:
    """Whether the same incident was resolved less than `CALM` before this one opened."""
    return _former(incident).filter(resolved_at__gt=incident.opened_at - CALM).exists()


def told_as_wrong(incident: Incident) -> set[int]:
    """Ids of channels of people that were told of an earlier occurrence and not of its end; at their present address,
    by a message that was not given up."""
    chain = _former(incident).filter(resolved_at__isnull=False)
    told = _for_people().filter(incident__in=chain.values("pk"), event__in=ABOUT_INCIDENTS)
    told = told.exclude(state__in=(State.DROPPED, State.GIVEN_UP)).filter(created_at__gte=F("channel__listens_from"))
    last = dict(told.order_by("pk").values_list("channel_id", "event"))
    return {channel_id for channel_id, event in last.items() if event == Event.INCIDENT_OPENED}


def take_back_ends(incident: Incident, now: datetime) -> None:
    """The incident is back: messages to people that still wait to say it was over are dropped."""
    ends = _for_people().filter(incident__in=_former(incident).values("pk"), event=Event.INCIDENT_RESOLVED)
    outbox.take_back(ends, now, WRONG_AGAIN)


def _for_people() -> QuerySet[Delivery]:
    return Delivery.objects.exclude(channel__kind=NotificationChannel.Kind.WEBHOOK)


def _former(incident: Incident) -> QuerySet[Incident]:
    """Earlier incidents of the same kind and subject. The subject's key is enough; the ids let the indexes be used."""
    return Incident.objects.filter(
        kind=incident.kind,
        subject=incident.subject,
        pin=incident.pin_id,
        lock=incident.lock_id,
        account=incident.account_id,
        feed=incident.feed_id,
        booking=incident.booking_id,
        pk__lt=incident.pk,
    )
