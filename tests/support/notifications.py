"""Notification channels for tests: made, filled with incidents, and inspected."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from pins import tasks
from pins.models import Delivery, Incident, NotificationChannel
from pins.notify import collecting, sending
from pins.notify.tries import SendResult
from rentals import signing_secrets
from rentals.models import Lock
from tests.support.scripted_server import Server

State = Delivery.State
EVERYTHING = ["incident.opened", "incident.resolved", "code.ready", "code.changed", "stay.cancelled"]


def letters(**fields: Any) -> NotificationChannel:
    """A channel by e-mail; Django keeps the letters of a test in `mail.outbox`."""
    return NotificationChannel.objects.create(
        **{"name": "Anna", "kind": "email", "target": "anna@example.com", **fields}
    )


def hook(server: Server, **fields: Any) -> NotificationChannel:
    given = {"name": "Robot", "kind": "webhook", "signing_secret": signing_secrets.generate(), "events": EVERYTHING}
    return NotificationChannel.objects.create(
        **{**given, "target": f"http://127.0.0.1:{server.port}/h1dden-path", **fields}
    )


def tell() -> list[SendResult]:
    """One tick: what beat and a worker would do."""
    now = timezone.now()
    collecting.collect(now)
    done: list[SendResult] = []
    tried: set[int] = set()
    while following := [one for one in sending.due(timezone.now(), 1000) if one not in tried]:
        tried.add(following[0])
        done.append(sending.send(following[0]))
    return done


def open_for(lock: Lock, kind: Incident.Kind = Incident.Kind.NO_PERMISSION) -> None:
    Incident.open(kind, timezone.now(), about=lock)


def resolve_for(lock: Lock, kind: Incident.Kind = Incident.Kind.NO_PERMISSION) -> None:
    Incident.resolve(timezone.now(), about=lock, kinds=(kind,))


def tried(channel: NotificationChannel) -> str:
    """What came of a test message; "" when it was sent."""
    delivery = sending.queue_test(channel.pk, timezone.now())
    tasks.send_messages()
    delivery.refresh_from_db()
    assert delivery.state in (State.SENT, State.GIVEN_UP)
    return delivery.last_error


def states(channel: NotificationChannel) -> list[str]:
    return list(channel.deliveries.order_by("pk").values_list("state", flat=True))
