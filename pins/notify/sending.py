"""Empties the outbox of the channels, by the rules of `pins.notify.tries`.

A failure makes the whole channel rest, each time longer, so that a dead server costs one try at a time. Whoever died
while it sent: the message is sent again, with the same `webhook-id` or Message-ID.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Q, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from pins.core import quiet_hours
from pins.core.notification_events import WITH_CODE, Event
from pins.desired import disclosure
from pins.models import AccessGrant, Delivery, NotificationChannel
from pins.notify import guests, reasons, targets, texts, tries
from pins.notify.outgoing import NotSentError, Outgoing
from pins.notify.tries import Claim, SendResult
from rentals.fields import behind
from rentals.languages import speaking
from rentals.phrases import mark

logger = logging.getLogger(__name__)

#: When a message whose code is being exchanged is tried again.
EXCHANGE_TAKES: Final = timedelta(minutes=1)
#: After how long a message that quiet hours hold back is judged again.
LOOK_AGAIN: Final = timedelta(minutes=15)
#: How long a test message is worth sending: nobody expects it later.
TEST_KEEPS: Final = timedelta(minutes=10)
QUIET: Final = mark("It waits for the end of the quiet hours.")
NOT_TRUE_ANY_MORE: Final = mark("It was not true any more when it could be sent.")
CHANGED: Final = mark("The channel was changed before it was sent.")

State = Delivery.State
_IS_TEST: Final = Q(event=Event.TEST)


def due(now: datetime, limit: int) -> list[int]:
    """Ids of messages that may be tried now. First come tests, for which a person waits, then channels that work, then
    messages that were never tried. A channel gets the messages about one incident or stay in the order of the
    events."""
    earlier = Delivery.objects.filter(channel=OuterRef("channel"), state=State.WAITING, pk__lt=OuterRef("pk"))
    # A message to people that is held back for its own reasons holds up no later one.
    earlier = earlier.exclude(~Q(channel__kind=NotificationChannel.Kind.WEBHOOK), attempts=0, next_try_at__gt=now)
    in_turn = ~Exists(earlier.filter(incident=OuterRef("incident"))) & ~Exists(earlier.filter(grant=OuterRef("grant")))
    rests = Q(channel__is_active=False) | Q(channel__rests_until__isnull=False, channel__rests_until__gt=now)
    found = Delivery.objects.filter(_is_due(now), in_turn).filter(_IS_TEST | ~rests)
    tests_first = Case(When(_IS_TEST, then=0), default=1)
    order = (tests_first, "channel__failures", "attempts", "pk")
    return list(found.order_by(*order).values_list("pk", flat=True)[:limit])


def _is_due(now: datetime) -> Q:
    return tries.is_due(now) & Q(expires_at__gt=now)


def send(delivery_id: int, *, clock: Callable[[], datetime] = timezone.now) -> SendResult:
    """Try one message if it is due. Safe to call twice, late, or at the same time."""
    now = clock()
    claim = tries.claim(Delivery.objects.filter(pk=delivery_id, expires_at__gt=now), now)
    if claim is None:
        return SendResult.LEFT
    delivery = Delivery.objects.select_related("channel", "incident").defer(*_CHANNEL_SECRETS).get(pk=delivery_id)
    channel, event = delivery.channel, Event(delivery.event)
    if not channel.is_active and event is not Event.TEST:
        claim.release()
        return SendResult.LEFT
    grant = _grant(delivery)
    if not _is_true(delivery, event, grant, now):
        _end(claim, delivery, State.DROPPED, now, NOT_TRUE_ANY_MORE)
        return SendResult.DROPPED
    held_until = _held_until(delivery, event, grant, now)
    if held_until is not None:
        # Judged again before that: a guest may be booked for tonight meanwhile.
        claim.release(next_try_at=min(held_until, now + LOOK_AGAIN), last_error=QUIET)
        return SendResult.HELD
    return _try(claim, delivery, clock)


_CHANNEL_SECRETS: Final = behind("channel", NotificationChannel.SECRETS)


def _grant(delivery: Delivery) -> AccessGrant | None:
    grants = AccessGrant.objects.select_related("booking__property").defer(*AccessGrant.SECRETS)
    return grants.filter(pk=delivery.grant_id).first() if delivery.grant_id is not None else None


def _held_until(delivery: Delivery, event: Event, grant: AccessGrant | None, now: datetime) -> datetime | None:
    quiet = delivery.channel.quiet
    if quiet is None or quiet.until(now) is None or event in (Event.SUMMARY, Event.TEST):
        return None
    return quiet_hours.held_until(quiet, guests.arrivals(delivery.incident, grant, now), now)


def _is_true(delivery: Delivery, event: Event, grant: AccessGrant | None, now: datetime) -> bool:
    """Whether it is still worth sending. Machines get every incident, in order."""
    if event is Event.INCIDENT_OPENED and delivery.channel.is_for_people and not delivery.attempts:
        return delivery.incident is not None and delivery.incident.resolved_at is None
    if event in WITH_CODE:
        return grant is not None and grant.wanted and grant.revoked_at is None and now < grant.ends_at
    return True


def _try(claim: Claim, delivery: Delivery, clock: Callable[[], datetime]) -> SendResult:
    channel, event = delivery.channel, Event(delivery.event)
    if not claim.begin(clock()):
        return SendResult.LEFT  # dropped this moment, since the incident is over
    try:
        with speaking(_language(delivery)):
            targets.send(channel, _outgoing(delivery, channel, event, clock()), clock())
    except disclosure.CodeChangingError:
        claim.release(next_try_at=clock() + EXCHANGE_TAKES)
        return SendResult.HELD
    except disclosure.CodeNotShownError:
        _end(claim, delivery, State.DROPPED, clock(), NOT_TRUE_ANY_MORE)
        return SendResult.DROPPED
    except NotSentError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - a fault of ours with one message must not stop the others; its text may quote the message
        failure = NotSentError(reasons.OWN_FAULT.format(name=type(error).__name__))
    else:
        _sent(claim, delivery, clock())
        return SendResult.SENT
    _failed(claim, delivery, failure, clock())
    return SendResult.FAILED


def _language(delivery: Delivery) -> str:
    """That of what the payload says, so that a message is in one language even if the channel has another one since;
    else the channel's."""
    return str(delivery.payload.get("language") or delivery.channel.language)


@sensitive_variables()
def _outgoing(delivery: Delivery, channel: NotificationChannel, event: Event, now: datetime) -> Outgoing:
    """The complete message. A code is read at this moment, and not kept. Raises CodeNotShownError."""
    data, base_url = dict(delivery.payload), settings.PUBLIC_URL
    body = texts.body(event, data, delivery.happened_at, base_url)
    if channel.include_code and event in WITH_CODE and delivery.grant_id is not None:
        body["data"]["code"] = disclosure.reveal_to_machine(delivery.grant_id, now, name=f"webhook “{channel.name}”")
    return Outgoing(delivery.uid, texts.message(event, data, base_url), body)


# -- results -----------------------------------------------------------------------------------------------------------


def _sent(claim: Claim, delivery: Delivery, now: datetime) -> None:
    logger.info("message_sent", extra={"delivery_id": delivery.pk, "channel_id": delivery.channel_id})
    with transaction.atomic():
        _end(claim, delivery, State.SENT, now, "")
        NotificationChannel.objects.filter(pk=delivery.channel_id).update(
            failures=0, failing_since=None, rests_until=None, last_error="", last_sent_at=now
        )
        if delivery.event == Event.TEST:  # the channel works again: try now what could not be sent
            failed = Delivery.objects.filter(channel=delivery.channel_id, state=State.WAITING, attempts__gt=0)
            failed.filter(claim_token=None).update(next_try_at=now)


def _failed(claim: Claim, delivery: Delivery, failure: NotSentError, now: datetime) -> None:
    channel = delivery.channel
    logger.warning("message_not_sent", extra={"delivery_id": delivery.pk, "channel_id": channel.pk})
    text = str(failure)[:200]
    if delivery.event == Event.TEST:
        with transaction.atomic():
            _end(claim, delivery, State.GIVEN_UP, now, text)
            # A person may press the button many times, and that must not make other messages wait longer.
            NotificationChannel.objects.filter(pk=channel.pk).update(
                failing_since=Coalesce("failing_since", now), last_error=text
            )
        return
    failures = channel.failures + 1
    rests_until = now + quiet_hours.wait(failures, random.uniform(0.5, 1))
    rests_until = max(rests_until, failure.retry_at or rests_until)
    with transaction.atomic():
        if failure.final or rests_until >= delivery.expires_at:
            _end(claim, delivery, State.GIVEN_UP, now, text)
        else:
            claim.release(next_try_at=rests_until, last_error=text)
        # Of several messages that fail together one counts, so that the channel does not rest too long.
        NotificationChannel.objects.filter(pk=channel.pk, failures=channel.failures).update(
            failures=failures,
            failing_since=Coalesce("failing_since", now),
            rests_until=rests_until,
            last_error=text,
        )


def _end(claim: Claim, delivery: Delivery, state: Delivery.State, now: datetime, text: str) -> None:
    """End the message in this state. A summary loses its payload, which names the day's guests."""
    claim.end(state, now, text, **({"payload": {}} if delivery.event == Event.SUMMARY else {}))


# -- what a person asks for --------------------------------------------------------------------------------------------


def queue_test(channel_id: int, now: datetime) -> Delivery:
    """Put a test message into the outbox. It is sent before all others, also to a channel that is switched off or
    rests, and tried once."""
    return Delivery.objects.create(
        channel_id=channel_id,
        key=f"test:{uuid4()}",
        event=Event.TEST,
        happened_at=now,
        created_at=now,
        next_try_at=now,
        expires_at=now + TEST_KEEPS,
    )


def give_up(delivery_id: int, now: datetime, why: str) -> None:
    """End a message that cannot be sent; one that is being sent at this moment is left alone."""
    unsent = Delivery.objects.filter(pk=delivery_id, state=State.WAITING, claim_token=None)
    unsent.update(state=State.GIVEN_UP, ended_at=now, last_error=why)


def listen_anew(channel_id: int, now: datetime) -> None:
    """A channel was switched on again, or given another address: messages that waited before are not for it any
    more."""
    with transaction.atomic():
        NotificationChannel.objects.filter(pk=channel_id).update(
            listens_from=now, failures=0, failing_since=None, rests_until=None, last_error=""
        )
        waiting = Delivery.objects.filter(channel_id=channel_id, state=State.WAITING, claim_token=None)
        waiting.filter(event=Event.SUMMARY).update(payload={})  # it names the day's guests
        waiting.update(state=State.DROPPED, ended_at=now, last_error=CHANGED)
