"""Which of several beats sends the ticks."""

from __future__ import annotations

from django.db import models


class BeatLease(models.Model):
    """The one row by which beats agree who leads (`config.beat_lease`); the others stand by."""

    name = models.CharField(max_length=20, primary_key=True)
    owner = models.UUIDField(null=True)  # one life of one beat; None: the last one ended in order
    process = models.CharField(max_length=255, blank=True)  # of the owner, to recognise its death on the same machine
    until = models.DateTimeField(null=True)  # by the database's clock (UTC)

    def __str__(self) -> str:
        return self.name
