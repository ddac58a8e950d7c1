"""Bookings that arrive by calendar: fetch, parse, classify, compare. `sync` is the way in."""
