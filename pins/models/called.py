"""What models and fields are called that have no name of their own (see `rentals.models.called`): those that a page of
the admin shows, also the one that asks before it deletes."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as lazy

from pins.models.activity import DoorEntry, LockActivity, StayArrival
from pins.models.attempt import PinAttempt
from pins.models.claim import ValueClaim
from pins.models.grant import AccessGrant
from pins.models.guest import GuestGuide, GuestMessage, GuestPage, GuestPicture, GuestText
from pins.models.incident import Incident
from pins.models.measure import ArrivalRecord
from pins.models.notification import Delivery, NotificationChannel
from pins.models.operation import AccountState, LockState
from pins.models.pin import Pin
from pins.models.reveal import CodeTry
from pins.models.staff import FlatReady, StaffAccess
from pins.models.tokens import AccountTokens
from rentals.models.called import call

call(AccessGrant, None, lazy("door codes"), reference=lazy("reference"), kind=lazy("kind"), wanted=lazy("wanted"))
call(Pin, None, None, alias=lazy("alias"), lock=lazy("lock"), grant=lazy("grant"), state=lazy("state"))
call(PinAttempt, lazy("pin attempt"), lazy("pin attempts"), correlation_id=lazy("correlation id"))
call(CodeTry, None, None, taken=lazy("taken"))
call(Incident, lazy("incident"), lazy("incidents"), kind=lazy("kind"), severity=lazy("severity"))
call(
    StaffAccess,
    None,
    None,
    name=lazy("name"),
    kind=lazy("kind"),
    properties=lazy("properties"),
    locks=lazy("locks"),
    mode=lazy("mode"),
    weekdays=lazy("weekdays"),
    two_codes=lazy("two codes"),
)
call(NotificationChannel, None, lazy("notification channels"), name=lazy("name"), kind=lazy("kind"))
call(Delivery, None, lazy("messages"), channel=lazy("channel"), state=lazy("state"))
call(GuestGuide, None, lazy("guest guides"), property=lazy("property"), address=lazy("address"))
call(
    GuestText,
    None,
    None,
    language=lazy("language"),
    door_instructions=lazy("door instructions"),
    check_out_notes=lazy("check out notes"),
    subject=lazy("subject"),
    message=lazy("message"),
)
call(GuestPicture, None, lazy("pictures"), caption=lazy("caption"))

# Shown only by the page that asks before it deletes.
call(GuestPage, None, lazy("guest pages"))
call(GuestMessage, None, lazy("messages to guests"))
call(StayArrival, lazy("stay arrival"), lazy("stay arrivals"))
call(ArrivalRecord, lazy("arrival record"), lazy("arrival records"))
call(FlatReady, lazy("flat ready"), lazy("flats ready"))
call(LockState, lazy("lock state"), lazy("lock states"))
call(LockActivity, lazy("lock activity"), lazy("lock activities"))
call(DoorEntry, lazy("door entry"), lazy("door entries"))
call(ValueClaim, lazy("value claim"), lazy("value claims"))
call(AccountState, lazy("account state"), lazy("account states"))
call(AccountTokens, lazy("account tokens"), lazy("account tokens"))
