"""The only doors from the business to the PINs.

`rentals` never imports `pins`. It announces what changed, inside the transaction of the change, and whoever must react
does so in that same transaction: a booking and what it asks of the locks are saved together or not at all.
"""

from django.dispatch import Signal

#: Sent with `booking_ids: list[int]` after bookings, or the property facts that they follow, were written.
#: Before a booking is deleted it is sent once more with `deleted=True`, while its links still exist.
bookings_changed = Signal()

#: Sent inside the transaction with `feed_id: int`, `condition: str` ("held", "stale", "failing", "reset"),
#: `active: bool` and `now: datetime` when a condition of a calendar feed begins or ends: once each.
feed_condition_changed = Signal()

#: Sent inside the transaction with `account_id: int` when Turnkey may write to the locks of an account that it only
#: watched before.
account_released = Signal()
