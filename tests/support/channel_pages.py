"""Notification channels in the admin."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from pins.models import NotificationChannel

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
LIST = reverse("admin:pins_notificationchannel_changelist")
ADD = reverse("admin:pins_notificationchannel_add")
DISCORD = "discord://" + "4" * 18 + "/" + "h1dden" * 10


def person(*codenames: str) -> Client:
    user = User.objects.create_user("person", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def filled(**fields: Any) -> dict[str, Any]:
    return {
        "name": "Anna",
        "kind": "email",
        "target": "h1dden@example.com",
        "language": "en",
        "is_active": "on",
        "events": ["incident.opened", "incident.resolved"],
        "severity": "all",
        "timezone": "Europe/Warsaw",
        **fields,
    }


def page(channel: NotificationChannel) -> str:
    return reverse("admin:pins_notificationchannel_change", args=[channel.pk])


def action(channel: NotificationChannel, name: str) -> str:
    return reverse(f"admin:pins_notificationchannel_{name}", args=[channel.pk])


def made(**fields: Any) -> NotificationChannel:
    return NotificationChannel.objects.create(
        **{"name": "Anna", "kind": "email", "target": "h1dden@example.com", "timezone": "Europe/Warsaw", **fields}
    )
