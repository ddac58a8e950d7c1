"""Calendars that we publish: the stays and turnovers of a property behind a secret link."""
