from rentals.models.booking import Booking, BookingQuerySet
from rentals.models.lock import Lock, LockAccount
from rentals.models.property import Property

__all__ = ["Booking", "BookingQuerySet", "Lock", "LockAccount", "Property"]
