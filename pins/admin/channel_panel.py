"""What the page of a channel says about the channel and its messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from pins.core import quiet_hours
from pins.core.notification_events import CHOICES, Event
from pins.models import Delivery, NotificationChannel
from pins.notify import reasons, signing
from pins.notify.texts import message
from rentals.phrases import mark
from rentals.wording import Badge, Tone, brief, day_and_time, soon

SHOWN: Final = 20
_STATES: Final = {
    Delivery.State.WAITING: (mark("Waiting"), Tone.BUSY),
    Delivery.State.SENT: (mark("Sent"), Tone.READY),
    Delivery.State.DROPPED: (mark("Not needed"), Tone.OVER),
    Delivery.State.GIVEN_UP: (mark("Not sent"), Tone.ACT),
}


@dataclass(frozen=True)
class Line:
    """One message."""

    at: str
    what: str
    badge: Badge
    tries: int
    said: str


@dataclass(frozen=True)
class Panel:
    badge: Badge
    sentences: tuple[str, ...]
    lines: tuple[Line, ...]
    is_webhook: bool
    lacks_secret: bool
    previous_until: str  # until when the previous secret signs too; "" without one
    test_waits: bool  # the result of a test message is not known yet


def channel_badge(channel: NotificationChannel, now: datetime) -> Badge:
    if not channel.is_active:
        return Badge(_("Switched off"), Tone.OVER)
    if channel.failing_since is not None:
        if now - channel.failing_since >= quiet_hours.FAILS_LONG:
            since = brief(channel.failing_since, now, ZoneInfo(channel.timezone))
            return Badge(_("Failing since {when}").format(when=since), Tone.ACT)
        return Badge(_("Last try failed"), Tone.TROUBLE)
    if channel.last_sent_at is None:
        return Badge(_("Nothing sent yet"), Tone.WAITING)
    return Badge(_("In order"), Tone.READY)


def panel(channel: NotificationChannel, now: datetime, *, has_secret: bool) -> Panel:
    zone = ZoneInfo(channel.timezone)
    said = []
    if channel.last_error:
        said.append(reasons.shown(channel.last_error))
    rests = channel.rests_until is not None and channel.rests_until > now and channel.is_active
    if channel.rests_until is not None and rests and channel.deliveries.filter(state=Delivery.State.WAITING).exists():
        next_try = soon(channel.rests_until, now, zone)
        said.append(_("Messages wait; the next try is {when}.").format(when=next_try))
    if channel.last_sent_at is not None:
        last = day_and_time(channel.last_sent_at, zone)
        said.append(_("The last message was accepted on {when}.").format(when=last))
    is_webhook = not channel.is_for_people
    latest = list(channel.deliveries.all()[:SHOWN])
    return Panel(
        badge=channel_badge(channel, now),
        sentences=tuple(said),
        lines=tuple(line(one, now, zone) for one in latest),
        is_webhook=is_webhook,
        lacks_secret=is_webhook and not has_secret,
        previous_until=previous_until(channel, now) if is_webhook else "",
        test_waits=any(one.event == Event.TEST and one.state == Delivery.State.WAITING for one in latest),
    )


def previous_until(channel: NotificationChannel, now: datetime) -> str:
    if not signing.previous_of(channel, now) or channel.previous_signs_until is None:
        return ""
    return brief(channel.previous_signs_until, now, ZoneInfo(channel.timezone))


def line(delivery: Delivery, now: datetime, zone: ZoneInfo) -> Line:
    said = reasons.shown(delivery.last_error)
    if delivery.state == Delivery.State.WAITING and delivery.next_try_at > now:
        look = _("Next look {when}.").format(when=soon(delivery.next_try_at, now, zone))
        said = f"{said} {look}".strip()
    return Line(
        at=brief(delivery.created_at, now, zone),
        what=title(delivery),
        badge=state_badge(delivery),
        tries=delivery.attempts,
        said=said,
    )


def state_badge(delivery: Delivery) -> Badge:
    label, tone = _STATES[Delivery.State(delivery.state)]
    return Badge(_(label), tone)


def title(delivery: Delivery) -> str:
    event = Event(delivery.event)
    if event is Event.SUMMARY:  # what it said is not kept
        return _("Summary of {day}").format(day=delivery.key.partition(":")[2])
    if event is Event.TEST:
        return _("Test message")
    try:
        said = message(event, delivery.payload, "").subject if delivery.payload else ""
    except (AttributeError, KeyError, TypeError, ValueError):  # another release wrote it in another form
        said = ""
    return said or _(dict(CHOICES)[event.value])


def event_choices() -> list[tuple[str, str]]:
    """What a channel may hear of, in the language that is active."""
    return [(value, _(label)) for value, label in CHOICES]
