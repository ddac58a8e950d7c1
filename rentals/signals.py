"""The only way from the business to the PINs.

`rentals` never imports `pins`. It announces what changed, inside the transaction of the change, and the receivers react
in the same transaction: a booking and what it needs from the locks are saved together, or not at all.
"""

from django.dispatch import Signal

#: Sent with `booking_ids: list[int]` after bookings, or the facts of their property that they follow, were written;
#: with `created=True` where none of them was there before.
#: Before a booking is deleted, it is sent with `deleted=True`, while the booking's links still exist.
bookings_changed = Signal()

#: Sent inside the transaction with `feed_id: int`, `condition: str` ("held", "stale", "failing", "reset", "refused",
#: "unreadable"), `active: bool` and `now: datetime` when a condition of a calendar feed begins or ends: once each.
feed_condition_changed = Signal()

#: Sent inside the transaction with `account_id: int` when an account is not observe-only any more, so that Turnkey may
#: write to its locks.
account_released = Signal()
