"""Sends the messages to guests, by the rules of `pins.notify.tries`.

What a message says is read only when it is sent, so it is never older than the stay. One guest's wrong address makes no
other guest wait.

A letter that may have been taken is sent again with the same Message-ID, which mail programs show once. A text message
has no such mark. The host is told first (`GUEST_NOT_TOLD`), then it is sent once more, because a guest without the link
stands at the door while two messages only puzzle; after a second time without an answer a person decides.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from pins.core import quiet_hours
from pins.desired import disclosure
from pins.guests import letters, links, reading, showing
from pins.guests.reading import GuestStay
from pins.guests.timing import LAST_CALL, Kind
from pins.models import GuestMessage, GuestPage, Incident
from pins.notify import mail, reasons, services, tries
from pins.notify.outgoing import NotSentError, Outgoing
from pins.notify.tries import Claim, SendResult
from rentals.fields import UndecryptableValue, behind
from rentals.models import Booking
from rentals.phrases import mark

logger = logging.getLogger(__name__)

#: When a message whose code is being changed is looked at again.
LOOK_AGAIN: Final = timedelta(minutes=1)
#: When a message about a stay that is off, or whose guide is, is looked at again.
OFF_LOOK_AGAIN: Final = timedelta(minutes=5)
#: From this try on a failure is an incident: mail servers often refuse a stranger once.
TELL_FROM: Final = 2
OVER: Final = mark("The stay is over.")
OFF: Final = mark("It waits: the stay is off, or the guide of its property.")
REPLACED: Final = mark("A later message says more.")
#: How long a text message that was perhaps taken rests: the host hears of it before it is sent again.
TELL_FIRST: Final = timedelta(minutes=10)
ONCE_MORE: Final = mark("Nobody knows whether it was taken. It is sent once more, so the guest may get it twice.")
UNSURE: Final = mark("Nobody knows whether it was taken, twice. Ask the guest, or send the link yourself.")
PERHAPS_TWICE: Final = mark("The guest may have got it twice.")
#: What stands for the guest's number in the address of a messaging service.
PHONE: Final = "{phone}"

State = GuestMessage.State


def due(now: datetime, limit: int) -> list[int]:
    """Ids of messages that may be tried now; those that were never tried come first."""
    found = GuestMessage.objects.filter(tries.is_due(now)).order_by("attempts", "pk")
    return list(found.values_list("pk", flat=True)[:limit])


def send(message_id: int, *, clock: Callable[[], datetime] = timezone.now) -> SendResult:
    """Try one message if it is due. Safe to call twice, late, or at the same time."""
    now = clock()
    claim = tries.claim(GuestMessage.objects.filter(pk=message_id), now)
    if claim is None:
        return SendResult.LEFT
    rows = GuestMessage.objects.select_related("page").defer(*behind("page", GuestPage.SECRETS))
    message = rows.get(pk=message_id)
    if not Booking.objects.filter(pk=message.page.booking_id, check_out__gt=now).exists():
        claim.end(State.DROPPED, now, OVER)
        return SendResult.DROPPED
    if GuestMessage.objects.filter(page=message.page, way=message.way, number__gt=message.number).exists():
        claim.end(State.DROPPED, now, REPLACED)
        return SendResult.DROPPED
    stay = reading.read(message.page, now)
    if stay is None or not stay.facts.is_expected:
        # Nothing is lost while it waits: what the guest was told counts from the moment when a message was written.
        claim.release(next_try_at=now + OFF_LOOK_AGAIN, last_error=OFF, begun_at=message.begun_at)
        return SendResult.HELD
    if message.begun_at is not None and message.way == GuestMessage.Way.TEXT:  # a sender died in the middle
        return _in_doubt(claim, message, stay, now)
    return _try(claim, message, stay, clock)


def _try(claim: Claim, message: GuestMessage, stay: GuestStay, clock: Callable[[], datetime]) -> SendResult:
    if not claim.begin(clock()):
        return SendResult.LEFT
    try:
        _hand_over(message, stay, clock())
    except disclosure.CodeNotShownError:
        claim.release(attempts=message.attempts, next_try_at=clock() + LOOK_AGAIN)
        return SendResult.HELD
    except NotSentError as error:
        failure = error
    except UndecryptableValue:
        failure = NotSentError(
            mark("No configured key opens the guest's link, or an address. See FIELD_ENCRYPTION_KEYS.")
        )
    except Exception as error:  # noqa: BLE001 - one message must not stop the others; the error's text may quote it
        failure = NotSentError(reasons.OWN_FAULT.format(name=type(error).__name__))
    else:
        logger.info("guest_told", extra={"booking_id": stay.booking.pk})
        claim.end(State.SENT, clock(), PERHAPS_TWICE if message.doubted_at is not None else "")
        _told(message, stay, clock())
        return SendResult.SENT
    if failure.unsure:
        return _in_doubt(claim, message, stay, clock())
    return _failed(claim, message, stay, failure, clock())


@sensitive_variables()
def _hand_over(message: GuestMessage, stay: GuestStay, now: datetime) -> None:
    """Render and send. Raises NotSentError; CodeNotShownError where the code is to be in it and is being changed."""
    if not settings.PUBLIC_URL:
        raise NotSentError(mark("Turnkey does not know its own address. Set PUBLIC_URL in the environment."))
    link = links.address(stay.page, settings.PUBLIC_URL)
    code = _code(message, stay, now)
    text = letters.letter(stay, Kind(message.kind), link=link, code=code)
    if message.way == GuestMessage.Way.EMAIL:
        if not stay.booking.guest_email:
            raise NotSentError(mark("The stay has no e-mail address any more. Enter it again."))
        mail.send(stay.booking.guest_email, Outgoing(message.uid, text, {}))
        return
    service = stay.guide.text_service
    digits = "".join(sign for sign in stay.booking.guest_phone if sign.isdigit())
    if not service or not digits:
        raise NotSentError(
            mark("The stay has no telephone number any more, or its property no service for text messages.")
        )
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


def _failed(claim: Claim, message: GuestMessage, stay: GuestStay, failure: NotSentError, now: datetime) -> SendResult:
    """Try again later. A person is told, from the second time on or when the guest arrives soon."""
    tried = message.attempts + 1
    rest = quiet_hours.wait(tried, random.uniform(0.5, 1))
    claim.release(next_try_at=now + rest, last_error=str(failure)[:200])
    logger.warning("guest_not_told", extra={"booking_id": stay.booking.pk})
    if tried >= TELL_FROM or failure.final or _is_soon(stay, now):
        _tell_host(stay, now)
    return SendResult.FAILED


def _in_doubt(claim: Claim, message: GuestMessage, stay: GuestStay, now: datetime) -> SendResult:
    """A text message that the service may have taken: a person is told, and it is sent once more; but not a third
    time."""
    logger.warning("guest_perhaps_told", extra={"booking_id": stay.booking.pk})
    _tell_host(stay, now)  # before anything else, so that a crash in between only makes us tell it again
    if message.doubted_at is None:
        claim.release(next_try_at=now + TELL_FIRST, last_error=ONCE_MORE, doubted_at=now)
    else:
        claim.end(State.GIVEN_UP, now, UNSURE)
    return SendResult.FAILED


def _is_soon(stay: GuestStay, now: datetime) -> bool:
    return stay.booking.check_in <= now + timedelta(hours=settings.CODE_URGENT_HOURS)


def _tell_host(stay: GuestStay, now: datetime) -> None:
    """Open the incident, urgent when the guest arrives soon."""
    severity = Incident.Severity.URGENT if _is_soon(stay, now) else Incident.Severity.WARNING
    Incident.open(Incident.Kind.GUEST_NOT_TOLD, now, about=stay.booking, severity=severity)


def _told(message: GuestMessage, stay: GuestStay, now: datetime) -> None:
    """The incident ends, unless a message that goes another way is in trouble."""
    troubled = Q(state=State.WAITING, attempts__gt=0) | Q(state=State.GIVEN_UP, number=message.number)
    if not GuestMessage.objects.filter(troubled, page=message.page).exists():
        Incident.resolve(now, about=stay.booking, kinds=(Incident.Kind.GUEST_NOT_TOLD,))
