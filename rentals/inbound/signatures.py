"""Signed pushes in the form of Standard Webhooks, each of which counts once.

A signature covers `webhook-id`, `webhook-timestamp` and the calendar as text, before any compression. The library
checks it in constant time and refuses timestamps that are more than five minutes away from our clock.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from standardwebhooks import Webhook, WebhookVerificationError

from rentals import signing_secrets
from rentals.inbound.http import Refused
from rentals.models import CalendarFeed
from rentals.models.feed import WebhookReceipt

#: How long receipts are kept: a sender that got no answer repeats a push for some days, with the same id.
KEEP_RECEIPTS: Final = timedelta(days=14)

#: Standard Webhooks, "Signature scheme": a list separated by spaces.
_ENTRY: Final = re.compile(r"(?<!\S)v1,[A-Za-z0-9+/=_-]+(?!\S)")

_MISSING = (
    "This calendar accepts only signed pushes: send the headers webhook-id, webhook-timestamp and webhook-signature."
)
_STALE = (
    "webhook-timestamp is more than five minutes away from our clock. Check your clock, and sign again when you repeat."
)
_WRONG = "webhook-signature matches neither the current nor the previous secret of this calendar."


def signed_at(feed: CalendarFeed, body: bytes, headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When the push was signed (UTC, not after `now`); `None` for a feed without a signing secret.

    Raises Refused (401; 400 for a body that is not text, which cannot be signed in this form).
    """
    if not feed.signing_secret:
        return None
    kept = (feed.signing_secret, feed.previous_signing_secret)
    signatures = [Webhook(secret) for secret in kept if signing_secrets.is_valid(secret)]
    if not signatures:
        detail = "The signing secret stored for this calendar is malformed. Save a new one in the admin."
        raise Refused(401, "signing_secret_unusable", detail)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Refused(400, "not_utf8", "A signed calendar must be UTF-8 (RFC 5545, 3.1.4).") from None
    given = {name: headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
    if given["webhook-signature"]:
        given["webhook-signature"] = _of_our_kind(given["webhook-signature"])
    if not all(given.values()):
        raise Refused(401, "signature_missing", _MISSING)
    for signature in signatures:
        if _verifies(signature, text, given):
            # The signature has whole seconds: the calendar may be as young as the end of that second.
            second = datetime.fromtimestamp(int(float(given["webhook-timestamp"])), UTC)
            return min(now, second + timedelta(microseconds=999_999))
    raise Refused(401, "signature_wrong", _WRONG)


def _of_our_kind(signatures: str) -> str:
    """The entries that this scheme knows, "v1,<base64>": the library rejects a whole list for one entry that it cannot
    split. Without any, an entry that matches nothing."""
    return " ".join(_ENTRY.findall(signatures)) or "v1,none"


def _verifies(signature: Webhook, text: str, headers: dict[str, str]) -> bool:
    try:
        signature.verify(text, headers, json_parse=False)
    except WebhookVerificationError as error:
        # The library has one class for all faults; only the text tells a wrong clock from a wrong secret.
        if "timestamp too" in str(error):
            raise Refused(401, "timestamp_too_far", _STALE) from None
        return False
    except ValueError:  # webhook-signature is not "v1,<base64>"
        return False
    return True


def webhook_id(headers: Mapping[str, str]) -> str:
    """The id under which the sender repeats this push; "" when there is none. Raises Refused (400)."""
    given = headers.get("webhook-id", "")
    if given and not re.fullmatch(r"[!-~]{1,255}", given):
        detail = "webhook-id must be 1 to 255 printable ASCII characters without spaces."
        raise Refused(400, "bad_webhook_id", detail)
    return given


def once(
    feed: CalendarFeed, given_id: str, body: bytes, now: datetime, prepare: Callable[[], Callable[[], dict[str, Any]]]
) -> dict[str, Any]:
    """Do the work that `prepare` returns and store its answer, in one transaction. For an id that was used before,
    return the stored answer. `prepare` runs before the transaction and does what takes long and writes nothing.

    The receipt is written first: of two pushes at once, the second waits for the first (or fails and then looks), and a
    crash leaves both the import and its receipt, or neither. Raises Refused (409) for the same id with another body.
    Without an id the work is simply done.
    """
    if not given_id:
        return prepare()()
    digest = hashlib.sha256(body).hexdigest()
    kept = _kept(feed, given_id, digest)
    if kept is not None:
        return kept
    work = prepare()
    try:
        with transaction.atomic():
            WebhookReceipt.objects.filter(feed=feed, received_at__lt=now - KEEP_RECEIPTS).delete()
            receipt = WebhookReceipt.objects.create(feed=feed, webhook_id=given_id, body_hash=digest, received_at=now)
            answer = work()
            WebhookReceipt.objects.filter(pk=receipt.pk).update(answer=answer)
            return answer
    except IntegrityError:
        # Somebody else wrote the receipt between our look and our insert.
        kept = _kept(feed, given_id, digest)
        if kept is None:
            raise
        return kept


def _kept(feed: CalendarFeed, given_id: str, digest: str) -> dict[str, Any] | None:
    receipt = WebhookReceipt.objects.filter(feed=feed, webhook_id=given_id).first()
    if receipt is None:
        return None
    if receipt.body_hash != digest:
        detail = "This webhook-id was used for another calendar body. Give each new push an id of its own."
        raise Refused(409, "webhook_id_reused", detail)
    return {**receipt.answer, "duplicate": True}
