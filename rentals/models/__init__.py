from rentals.models.access import PropertyAccess
from rentals.models.booking import Booking, BookingQuerySet
from rentals.models.called import call
from rentals.models.departure import EarlyDeparture
from rentals.models.feed import CalendarFeed, FeedItem, FeedState, WebhookReceipt
from rentals.models.lock import Lock, LockAccount
from rentals.models.property import Property
from rentals.models.published import PublishedCalendar

__all__ = [
    "Booking",
    "BookingQuerySet",
    "CalendarFeed",
    "EarlyDeparture",
    "FeedItem",
    "FeedState",
    "Lock",
    "LockAccount",
    "Property",
    "PropertyAccess",
    "PublishedCalendar",
    "WebhookReceipt",
    "call",
]
