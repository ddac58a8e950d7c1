"""What comes and goes: a budget at its edge, a lock with bad Wi-Fi. Told as it happens it would be a storm.

The first time, its end is told at once: mostly it is over. What comes back within half an hour is told again; from
then on people are told of its end when it has stayed away for half an hour, and of its next beginning, since the last
that they heard is that it is wrong, when it has lasted as long. Machines are told everything.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, QuerySet

from pins.core.notification_events import ABOUT_INCIDENTS, Event
from pins.models import Delivery, Incident, NotificationChannel

#: What has stayed away, or has lasted, for so long is believed.
CALM: Final = timedelta(minutes=30)
COMES_AND_GOES: Final = "It comes and goes: it waits until it has stayed so for half an hour."
WRONG_AGAIN: Final = "It was wrong again before it was sent."

State = Delivery.State


def comes_back(incident: Incident) -> bool:
    """Whether the same was wrong shortly before it opened."""
    return _former(incident).filter(resolved_at__gt=incident.opened_at - CALM).exists()


def told_as_wrong(incident: Incident) -> set[int]:
    """Channels of people that were told of what came back, and not of its end: at their present address, and where it
    was not given up."""
    chain = _former(incident).filter(resolved_at__isnull=False)
    told = _for_people().filter(incident__in=chain.values("pk"), event__in=ABOUT_INCIDENTS)
    told = told.exclude(state__in=(State.DROPPED, State.GIVEN_UP)).filter(created_at__gte=F("channel__listens_from"))
    last = dict(told.order_by("pk").values_list("channel_id", "event"))
    return {channel_id for channel_id, event in last.items() if event == Event.INCIDENT_OPENED}


def take_back_ends(incident: Incident, now: datetime) -> None:
    """It is wrong again: that it was in order is not told to people any more, whatever that waits for."""
    ends = _for_people().filter(incident__in=_former(incident).values("pk"), event=Event.INCIDENT_RESOLVED)
    for delivery_id in list(ends.filter(state=State.WAITING, attempts=0).values_list("pk", flat=True)):
        # `attempts=0`: whoever sends it counts the try first, in the same column; one of the two comes too late.
        Delivery.objects.filter(pk=delivery_id, state=State.WAITING, attempts=0).update(
            state=State.DROPPED, ended_at=now, last_error=WRONG_AGAIN
        )


def _for_people() -> QuerySet[Delivery]:
    return Delivery.objects.exclude(channel__kind=NotificationChannel.Kind.WEBHOOK)


def _former(incident: Incident) -> QuerySet[Incident]:
    """Earlier incidents of the same cause and subject. The subject's key says it all; the ids are for the indexes."""
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
