"""Bookings that arrive by calendar: fetched, read, classified, compared, imported. `imports.run` is the way in."""
