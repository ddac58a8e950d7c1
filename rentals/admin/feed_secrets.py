"""What pages may tell of the encrypted values of a feed, also where no configured key opens one any more."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from rentals.fields import UndecryptableValue
from rentals.models import CalendarFeed, FeedItem


def has_secret(feed: CalendarFeed, name: str) -> bool:
    """Whether something is stored, readable or not."""
    try:
        return bool(getattr(feed, name))
    except UndecryptableValue:
        return True


def readable(feed: CalendarFeed, name: str) -> str:
    """A stored secret; empty where there is none, or where no configured key opens it."""
    try:
        return str(getattr(feed, name))
    except UndecryptableValue:
        return ""


def mark_of(feed: CalendarFeed, name: str) -> str:
    """Tells one value of a stored secret from another, and nothing else about it."""
    return salted_hmac("rentals.admin.feed_actions", f"{name}:{readable(feed, name)}").hexdigest()[:16]


def host_of(feed: CalendarFeed) -> str:
    """The host of the stored address, which tells it from others without giving it away; empty without one."""
    try:
        return urlsplit(feed.url).hostname or ""
    except UndecryptableValue:
        return ""
    except ValueError:
        return _("an address that cannot be read")


def excerpt_of(item: FeedItem) -> str:
    """The lines of an event that cannot be read; empty where none are kept."""
    try:
        return item.excerpt
    except UndecryptableValue:
        return _("No configured key opens them.")
