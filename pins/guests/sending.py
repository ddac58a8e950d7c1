"""Sends the messages to guests: each once, however many workers there are.

As in `pins.notify.sending`: claim by one UPDATE, count the try, send outside any transaction, mark as sent. A crash
before the mark sends the message again when the claim ends, with the same Message-ID. What the message says is read
only now, so it is never older than the stay. One guest's wrong address makes no other guest wait.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from pins.core import quiet_hours
from pins.desired import disclosure
from pins.guests import letters, links, reading, showing
from pins.guests.reading import GuestStay
from pins.guests.timing import LAST_CALL, Kind
from pins.models import GuestMessage, GuestPage, Incident
from pins.notify import mail, services
from pins.notify.outgoing import NotSentError, Outgoing
from pins.notify.sending import CLAIM, SendResult
from rentals.fields import UndecryptableValue, behind

logger = logging.getLogger(__name__)

#: When a message whose code is being changed is looked at again.
LOOK_AGAIN: Final = timedelta(minutes=1)
#: From this try on a failure is an incident: mail servers often refuse a stranger once.
TELL_FROM: Final = 2
OVER: Final = "The stay is over, or off."
REPLACED: Final = "A later message says more."
#: What stands for the guest's number in the address of a messaging service.
PHONE: Final = "{phone}"

State = GuestMessage.State


def due(now: datetime, limit: int) -> list[int]:
    """Ids of messages that may be tried now; those that were never tried come first."""
    found = GuestMessage.objects.filter(_is_due(now)).order_by("attempts", "pk")
    return list(found.values_list("pk", flat=True)[:limit])


def _is_due(now: datetime) -> Q:
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return free & Q(state=State.WAITING, next_try_at__lte=now)


def send(message_id: int, *, clock: Callable[[], datetime] = timezone.now) -> SendResult:
    """Try one message if it is due. Safe to call twice, late, or at the same time."""
    now, token = clock(), uuid4()
    claimed = GuestMessage.objects.filter(_is_due(now), pk=message_id)
    if not claimed.update(claim_token=token, claimed_until=now + CLAIM):
        return SendResult.LEFT
    rows = GuestMessage.objects.select_related("page").defer(*behind("page", GuestPage.SECRETS))
    message = rows.get(pk=message_id)
    stay = reading.read(message.page, now)
    if stay is None or not stay.facts.is_expected or now >= stay.booking.check_out:
        return _end(message, token, State.DROPPED, now, OVER, SendResult.DROPPED)
    if GuestMessage.objects.filter(page=message.page, way=message.way, number__gt=message.number).exists():
        return _end(message, token, State.DROPPED, now, REPLACED, SendResult.DROPPED)
    ours = GuestMessage.objects.filter(pk=message.pk, claim_token=token, state=State.WAITING)
    ours.update(attempts=F("attempts") + 1)
    try:
        _hand_over(message, stay, clock())
    except disclosure.CodeNotShownError:
        ours.update(attempts=message.attempts, claim_token=None, claimed_until=None, next_try_at=now + LOOK_AGAIN)
        return SendResult.HELD
    except NotSentError as error:
        failure = error
    except UndecryptableValue:
        failure = NotSentError("No configured key opens the guest's link, or an address. See FIELD_ENCRYPTION_KEYS.")
    except Exception as error:  # noqa: BLE001 - one message must not stop the others; the error's text may quote it
        failure = NotSentError(f"Turnkey met a fault of its own ({type(error).__name__}).")
    else:
        logger.info("guest_told", extra={"booking_id": stay.booking.pk})
        _end(message, token, State.SENT, clock(), "", SendResult.SENT)
        Incident.resolve(clock(), about=stay.booking, kinds=(Incident.Kind.GUEST_NOT_TOLD,))
        return SendResult.SENT
    return _failed(message, stay, token, failure, clock())


@sensitive_variables()
def _hand_over(message: GuestMessage, stay: GuestStay, now: datetime) -> None:
    """Render and send. Raises NotSentError; CodeNotShownError where the code is to be in it and is being changed."""
    if not settings.PUBLIC_URL:
        raise NotSentError("Turnkey does not know its own address. Set PUBLIC_URL in the environment.")
    link = links.address(stay.page, settings.PUBLIC_URL)
    code = _code(message, stay, now)
    text = letters.letter(stay, Kind(message.kind), link=link, code=code)
    if message.way == GuestMessage.Way.EMAIL:
        if not stay.booking.guest_email:
            raise NotSentError("The stay has no e-mail address any more. Enter it again.")
        mail.send(stay.booking.guest_email, Outgoing(message.uid, text, {}))
        return
    service = stay.guide.text_service
    digits = "".join(sign for sign in stay.booking.guest_phone if sign.isdigit())
    if not service or not digits:
        raise NotSentError("The stay has no telephone number any more, or its property no service for text messages.")
    services.send(service.replace(PHONE, digits), Outgoing(message.uid, letters.shortened(text, link), {}))


@sensitive_variables()
def _code(message: GuestMessage, stay: GuestStay, now: datetime) -> str:
    """The code, where the host wants it in messages and every lock has it; else nothing, and the link shows it later. A
    message that says “ready” waits for it, until the link must go out."""
    if not stay.guide.code_in_message or message.kind == GuestMessage.Kind.LINK:
        return ""
    try:
        return showing.put_into_message(stay, now)
    except disclosure.CodeNotShownError:
        if message.kind == GuestMessage.Kind.READY and now < stay.facts.check_in - LAST_CALL:
            raise
    GuestPage.objects.filter(pk=stay.page.pk).update(said=GuestPage.Said.LINK)  # so that the code follows
    return ""


def _failed(message: GuestMessage, stay: GuestStay, token: UUID, failure: NotSentError, now: datetime) -> SendResult:
    """Try again later. A person is told: urgently when the guest arrives soon."""
    tries = message.attempts + 1
    logger.warning("guest_not_told", extra={"booking_id": stay.booking.pk})
    ours = GuestMessage.objects.filter(pk=message.pk, claim_token=token, state=State.WAITING)
    changes: dict[str, Any] = {"claim_token": None, "claimed_until": None, "last_error": str(failure)[:200]}
    ours.update(next_try_at=now + quiet_hours.wait(tries, random.uniform(0.5, 1)), **changes)
    soon = stay.booking.check_in <= now + timedelta(hours=settings.CODE_URGENT_HOURS)
    if tries >= TELL_FROM or failure.final or soon:
        severity = Incident.Severity.URGENT if soon else Incident.Severity.WARNING
        Incident.open(Incident.Kind.GUEST_NOT_TOLD, now, about=stay.booking, severity=severity)
    return SendResult.FAILED


def _end(
    message: GuestMessage, token: UUID, state: GuestMessage.State, now: datetime, text: str, result: SendResult
) -> SendResult:
    ours = GuestMessage.objects.filter(pk=message.pk, claim_token=token)
    ours.update(state=state, ended_at=now, claim_token=None, claimed_until=None, last_error=text)
    return result
