"""Which secrets sign the messages of a webhook: the present one, and for a while the previous one beside it (Standard
Webhooks, "Signature scheme": a list of signatures). `rentals.signing_secrets` makes and rotates them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.views.decorators.debug import sensitive_variables

from pins.models import NotificationChannel
from rentals.fields import UndecryptableValue

#: How long the previous secret signs beside a new one, unless a person says otherwise, in hours.
OVERLAP_HOURS: Final = 24
LONGEST_OVERLAP_HOURS: Final = 30 * 24


@sensitive_variables()
def secrets_of(channel: NotificationChannel, now: datetime) -> tuple[str, ...]:
    """The secrets that sign at this moment, the present one first. Raises UndecryptableValue where no key opens that
    one."""
    return (channel.signing_secret, previous_of(channel, now))


@sensitive_variables()
def previous_of(channel: NotificationChannel, now: datetime) -> str:
    """The previous secret while it still signs, else empty."""
    if channel.previous_signs_until is None or channel.previous_signs_until <= now:
        return ""
    try:
        return str(channel.previous_signing_secret)
    except UndecryptableValue:  # a previous secret that nobody can read ends now
        return ""


def end_previous(channel_id: int) -> None:
    """The previous secret signs no more, and is deleted."""
    NotificationChannel.objects.filter(pk=channel_id).update(previous_signing_secret="", previous_signs_until=None)


def forget_ended(now: datetime) -> int:
    """Delete previous secrets that sign no more; return how many."""
    ended = NotificationChannel.objects.filter(previous_signs_until__lte=now)
    return ended.update(previous_signing_secret="", previous_signs_until=None)
