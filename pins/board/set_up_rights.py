"""Who may set Turnkey up: accounts, properties, calendars and bookings, and none of them hidden."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin

from rentals.access import scope_of

NEEDED: Final = (
    "rentals.add_lockaccount",
    "rentals.change_lockaccount",
    "rentals.add_property",
    "rentals.add_calendarfeed",
    "rentals.change_calendarfeed",
    "rentals.add_booking",
)


def may_set_up(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether the pages of the first run are for this person."""
    if not isinstance(user, PermissionsMixin) or not user.has_perms(NEEDED):
        return False
    return not scope_of(user).restricted
