"""Telling people and machines what happened: an outbox in the database, and who empties it."""
