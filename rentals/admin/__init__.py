"""The business in Django's admin. `pins.admin` adds what concerns door codes, and registers the bookings."""

from rentals.admin import timetable
from rentals.admin.account import LockAccountAdmin
from rentals.admin.change_log import ChangeAdmin
from rentals.admin.feed import CalendarFeedAdmin
from rentals.admin.feed_item import FeedItemAdmin
from rentals.admin.lock import LockAdmin
from rentals.admin.property import PropertyAdmin
from rentals.admin.published import PublishedCalendarAdmin

__all__ = [
    "CalendarFeedAdmin",
    "ChangeAdmin",
    "FeedItemAdmin",
    "LockAccountAdmin",
    "LockAdmin",
    "PropertyAdmin",
    "PublishedCalendarAdmin",
    "timetable",
]
