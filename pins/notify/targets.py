"""The three kinds of senders behind one set of functions."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pins.models import NotificationChannel
from pins.notify import hook, mail, services, signing
from pins.notify.outgoing import NotSentError, Outgoing
from rentals.fields import UndecryptableValue
from rentals.phrases import mark

Kind = NotificationChannel.Kind


def clean(kind: str, typed: str) -> str:
    """The target as it is stored. Raises ValidationError that says what to do and never names the target."""
    if not typed:
        raise ValidationError(_("Enter where the messages go."))
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
        said = ngettext("{number} address at {domains}", "{number} addresses at {domains}", len(addresses))
        return said.format(number=len(addresses), domains=domains)
    if channel.kind == Kind.APPRISE:
        return services.service_of(target) or _("an unknown service")
    try:
        return urlsplit(target).hostname or ""
    except ValueError:
        return _("an address that cannot be read")


def send(channel: NotificationChannel, outgoing: Outgoing, now: datetime) -> None:
    """One try. Raises NotSentError; any other exception is a fault of Turnkey."""
    try:
        target, secrets = channel.target, signing.secrets_of(channel, now)
    except UndecryptableValue:
        raise NotSentError(mark("No configured key opens the stored address. Enter it again.")) from None
    if not target:
        raise NotSentError(mark("The channel has no address. Enter it on the channel's page."))
    if channel.kind == Kind.EMAIL:
        mail.send(target, outgoing)
    elif channel.kind == Kind.APPRISE:
        services.send(target, outgoing)
    else:
        hook.send(target, secrets, outgoing, now)
