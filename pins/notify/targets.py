"""The three kinds of senders behind one set of functions."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from pins.models import NotificationChannel
from pins.notify import hook, mail, services, signing
from pins.notify.outgoing import NotSentError, Outgoing
from rentals.fields import UndecryptableValue

Kind = NotificationChannel.Kind


def clean(kind: str, typed: str) -> str:
    """The target as it is stored. Raises ValidationError that says what to do and never names the target."""
    if not typed:
        raise ValidationError("Enter where the messages go.")
    if kind == Kind.EMAIL:
        return mail.clean(typed)
    return services.clean(typed) if kind == Kind.APPRISE else hook.clean(typed)


def hint(channel: NotificationChannel) -> str:
    """A few words that distinguish the stored target from another one without giving it away. Raises
    UndecryptableValue."""
    target = channel.target
    if not target:
        return ""
    if channel.kind == Kind.EMAIL:
        addresses = target.splitlines()
        domains = ", ".join(sorted({one.rpartition("@")[2] for one in addresses}))
        return f"1 address at {domains}" if len(addresses) == 1 else f"{len(addresses)} addresses at {domains}"
    if channel.kind == Kind.APPRISE:
        return services.service_of(target) or "an unknown service"
    try:
        return urlsplit(target).hostname or ""
    except ValueError:
        return "an address that cannot be read"


def send(channel: NotificationChannel, outgoing: Outgoing, now: datetime) -> None:
    """One try. Raises NotSentError; any other exception is a fault of Turnkey."""
    try:
        target, secrets = channel.target, signing.secrets_of(channel, now)
    except UndecryptableValue:
        raise NotSentError("No configured key opens the stored address. Enter it again.") from None
    if not target:
        raise NotSentError("The channel has no address. Enter it on the channel's page.")
    if channel.kind == Kind.EMAIL:
        mail.send(target, outgoing)
    elif channel.kind == Kind.APPRISE:
        services.send(target, outgoing)
    else:
        hook.send(target, secrets, outgoing, now)
