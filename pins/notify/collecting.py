"""Finds news and puts them into the outbox.

Incidents and PINs are written in many places, some in bulk, so the code that writes them sends no message. Instead the
present state is compared with what was noticed before (`IncidentNotice`, `StayNotice`). One transaction moves the
notices of some hundred incidents or stays on, and writes the deliveries that follow. A crash leaves both or neither:
nothing is lost, since the next run finds the same difference, and nothing is sent twice, since a notice moves once and
a delivery's key is unique. The notice moves on even if no channel is interested: a channel hears what happens after it
was made. All times are UTC.
"""

from __future__ import annotations

from datetime import date, datetime

from django.db.models import QuerySet

from pins.core.notification_events import Event
from pins.core.quiet_hours import SUMMARY_KEEPS, summary_day
from pins.models import NotificationChannel
from pins.notify import arrival_news, incident_news, outbox, payloads, stay_news
from rentals.languages import speaking


def collect(now: datetime) -> None:
    """Notice everything that is new since the last run. Safe to run twice, late, or at the same time."""
    channels = list(_channels())
    incident_news.notice(channels, now)
    stay_news.notice(channels, now)
    arrival_news.notice(channels, now)
    for channel in channels:
        if channel.summary_at is not None:
            day = summary_day(channel.summary_at, channel.timezone, now, channel.listens_from)
            if day is not None:
                _put_summary(channel, day, now)
    outbox.end_what_is_late(now)


def _channels() -> QuerySet[NotificationChannel]:
    return NotificationChannel.objects.filter(is_active=True).defer(*NotificationChannel.SECRETS).order_by("pk")


def _put_summary(channel: NotificationChannel, day: date, now: datetime) -> None:
    key = f"summary:{day.isoformat()}"
    if channel.deliveries.filter(key=key).exists():
        return
    with speaking(channel.language):
        data = payloads.summary_data(day, channel.timezone, now)
    outbox.write(outbox.messages(Event.SUMMARY, key, [channel], data, now, now, keeps=SUMMARY_KEEPS))
