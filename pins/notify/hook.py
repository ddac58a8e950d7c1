"""Webhooks in the form of Standard Webhooks, through the guarded client."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from standardwebhooks import Webhook

from pins.notify import reasons
from pins.notify.outgoing import NotSentError, Outgoing
from rentals import outbound, signing_secrets
from rentals.calendars.fetching.fetch import retry_at
from rentals.outbound import INTERNET, NEIGHBOURHOOD, Limits, Network
from rentals.phrases import mark
from rentals.wording import said

LIMITS: Final = Limits(seconds=15)
_LONGEST: Final = 2000


def clean(typed: str) -> str:
    """The URL as it is stored. Raises ValidationError, which never repeats the URL."""
    if len(typed) > _LONGEST or any(letter.isspace() or not letter.isprintable() for letter in typed):
        raise ValidationError(_("The address has spaces or line breaks in it, or is too long. Copy it once more."))
    try:
        outbound.check(typed, network=network())
    except outbound.Refused as error:
        refused = said(error.args[0])
    else:
        return typed
    whole = _("Enter the whole address, beginning with https://")
    raise ValidationError(f"{refused} {whole}")


def network() -> Network:
    """The network that webhooks may reach (`FEEDS_ALLOW_PRIVATE_HOSTS`)."""
    return NEIGHBOURHOOD if settings.FEEDS_ALLOW_PRIVATE_HOSTS else INTERNET


def send(target: str, secrets: tuple[str, ...], outgoing: Outgoing, now: datetime) -> None:
    """One try, signed with each of the secrets; the first is the present one. Raises NotSentError."""
    if not signing_secrets.is_valid(secrets[0]):
        raise NotSentError(mark("There is no usable signing secret. Make a new one on the channel's page."))
    signers = [Webhook(secret) for secret in secrets if signing_secrets.is_valid(secret)]
    message_id = f"msg_{outgoing.uid.hex}"
    text = json.dumps(outgoing.body, ensure_ascii=False, separators=(",", ":"))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signer.sign(message_id, now, text) for signer in signers),
    }
    try:
        response = outbound.post(target, text.encode(), headers=headers, limits=LIMITS, network=network())
    except outbound.OutboundError as error:
        failure = str(error)  # names the host at most
    else:
        _judge(response, now)
        return
    raise NotSentError(failure)


def _judge(response: outbound.Response, now: datetime) -> None:
    """Standard Webhooks, "Delivery": 2xx means taken, 410 that no further try is wanted; anything else is tried again.
    Raises NotSentError unless it was taken."""
    status = response.status
    if 200 <= status <= 299:
        return
    if status == 410:
        raise NotSentError(mark("The receiver says that it is gone (410). Switch the channel off."), final=True)
    if 300 <= status <= 399:
        raise NotSentError(reasons.REDIRECTS.format(status=status))
    again = retry_at(response.headers.get("retry-after", ""), now) if status in (429, 503) else None
    raise NotSentError(reasons.STATUS.format(status=status), retry_at=again)
