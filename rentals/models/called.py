"""What models and fields are called that have no name of their own.

Django makes one of the attribute: `guest_name` is called “guest name”. A name in the model itself would be a part of
its migrations; one that is given here, when the models are made, is not, and can be said in other languages.
"""

from __future__ import annotations

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy

from rentals.models.access import PropertyAccess
from rentals.models.booking import Booking
from rentals.models.departure import EarlyDeparture
from rentals.models.feed import CalendarFeed, FeedItem, FeedState, WebhookReceipt
from rentals.models.lock import Lock, LockAccount
from rentals.models.property import Property
from rentals.models.published import PublishedCalendar


def call(model: type[Model], one: Promise | None, many: Promise | None, **fields: Promise) -> None:
    """Give the model its names for one and for many, and these fields theirs. None: the model says it itself. In
    English each is what Django would make of the attribute."""
    if one is not None:
        model._meta.verbose_name = one  # type: ignore[assignment]
    if many is not None:
        model._meta.verbose_name_plural = many  # type: ignore[assignment]
    for name, words in fields.items():
        model._meta.get_field(name).verbose_name = words  # type: ignore[union-attr]


call(
    Property,
    lazy("property"),
    None,
    name=lazy("name"),
    check_in_time=lazy("check in time"),
    check_out_time=lazy("check out time"),
    issue_ahead_days=lazy("issue ahead days"),
    early_minutes=lazy("early minutes"),
    late_minutes=lazy("late minutes"),
    code_length=lazy("code length"),
    locks=lazy("locks"),
)
call(PropertyAccess, None, None, user=lazy("user"), properties=lazy("properties"))
call(
    Booking,
    lazy("booking"),
    lazy("bookings"),
    property=lazy("property"),
    guest_name=lazy("guest name"),
    check_in=lazy("check in"),
    check_out=lazy("check out"),
    status=lazy("status"),
    source=lazy("source"),
    needs_review=lazy("needs review"),
)
call(EarlyDeparture, None, lazy("early departures"))
call(
    CalendarFeed,
    None,
    lazy("calendar feeds"),
    property=lazy("property"),
    name=lazy("name"),
    channel=lazy("channel"),
    signing_secret=lazy("signing secret"),
    previous_signing_secret=lazy("previous signing secret"),
    blocked_items_are_stays=lazy("blocked items are stays"),
)
call(FeedState, lazy("feed state"), lazy("feed states"))
call(
    FeedItem,
    None,
    lazy("calendar items"),
    feed=lazy("feed"),
    booking=lazy("booking"),
    uid=lazy("uid"),
    summary=lazy("summary"),
    starts_on=lazy("starts on"),
    ends_on=lazy("ends on"),
    starts_at=lazy("starts at"),
    ends_at=lazy("ends at"),
    whole_days=lazy("whole days"),
    guest_name=lazy("guest name"),
    reservation_code=lazy("reservation code"),
    guest_count=lazy("guest count"),
    reservation_url=lazy("reservation url"),
    verdict=lazy("verdict"),
    reason=lazy("reason"),
    needs_review=lazy("needs review"),
    decision=lazy("decision"),
    first_seen_at=lazy("first seen at"),
    changed_at=lazy("changed at"),
    absent_since=lazy("absent since"),
    awaits_approval=lazy("awaits approval"),
    kept_at=lazy("kept at"),
    gone_at=lazy("gone at"),
)
call(WebhookReceipt, lazy("webhook receipt"), lazy("webhook receipts"))
call(LockAccount, None, lazy("lock accounts"), name=lazy("name"), kind=lazy("kind"), rate_group=lazy("rate group"))
call(
    Lock,
    lazy("lock"),
    lazy("locks"),
    account=lazy("account"),
    name=lazy("name"),
    serial_number=lazy("serial number"),
    time_zone=lazy("time zone"),
    has_keypad=lazy("has keypad"),
    has_bridge=lazy("has bridge"),
)
call(
    PublishedCalendar,
    None,
    lazy("published calendars"),
    property=lazy("property"),
    name=lazy("name"),
    shows_guest_names=lazy("shows guest names"),
    shows_turnovers=lazy("shows turnovers"),
)
