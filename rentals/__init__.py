"""The business of a host: properties, locks, bookings. Knows nothing of PINs."""
