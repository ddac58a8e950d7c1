"""Something a person must know."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, models, transaction


class Incident(models.Model):
    """At most one open incident per kind and subject. Opened and resolved by the code that meets the cause."""

    class Kind(models.TextChoices):
        CODE_LATE = "code_late", "The code is not on the lock yet and the guest arrives soon"
        CODE_STAYS = "code_stays", "The code is still on the lock after check-out"
        VALUE_REFUSED = "value_refused", "The lock refuses the code"
        VALUE_TAKEN = "value_taken", "Another code of the lock has the same digits"
        CODE_CHANGED = "code_changed", "The guest's code had to be changed"
        NO_ROOM = "no_room", "The lock has no room for more codes"
        TOO_MANY_CODES = "too_many_codes", "More stays than the lock has room for"
        NO_PERMISSION = "no_permission", "The account may not manage this lock"
        LOCK_UNKNOWN = "lock_unknown", "Tedee does not know this lock any more: fetch the account's locks"
        FEED_HELD = "feed_held", "Many stays vanished from a calendar: nothing is cancelled until you decide"
        FEED_RESET = "feed_reset", "The link of a calendar no longer exists: fetch a new one from the channel"
        FEED_FAILING = "feed_failing", "A calendar cannot be read"
        FEED_STALE = "feed_stale", "A calendar could not be read for a day"
        DEAD_KEY = "dead_key", "Tedee refuses the access key"

    kind = models.CharField(max_length=24, choices=Kind)
    subject = models.CharField(max_length=64, help_text="What it is about, as a key: “pin:7”, “lock:3”, “account:1”.")
    pin = models.ForeignKey("pins.Pin", on_delete=models.CASCADE, null=True, blank=True, related_name="incidents")
    lock = models.ForeignKey("rentals.Lock", on_delete=models.CASCADE, null=True, blank=True, related_name="incidents")
    account = models.ForeignKey(
        "rentals.LockAccount", on_delete=models.CASCADE, null=True, blank=True, related_name="incidents"
    )
    feed = models.ForeignKey(
        "rentals.CalendarFeed", on_delete=models.CASCADE, null=True, blank=True, related_name="incidents"
    )
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-opened_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                name="incident_one_open_per_cause",
                fields=["kind", "subject"],
                condition=models.Q(resolved_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return self.get_kind_display()

    @classmethod
    def open(cls, kind: Kind, now: datetime, *, about: models.Model) -> None:
        """Open it for a pin, lock, account or feed, unless it is open already."""
        field = _field_for(about)
        subject = f"{field}:{about.pk}"
        if cls.objects.filter(kind=kind, subject=subject, resolved_at__isnull=True).exists():
            return
        try:
            with transaction.atomic():
                cls.objects.create(kind=kind, subject=subject, opened_at=now, **{field: about})
        except IntegrityError:  # another run opened it between our look and our insert
            return

    @classmethod
    def resolve(cls, now: datetime, *, about: models.Model, kinds: tuple[Kind, ...]) -> None:
        """Close what is open for a subject."""
        field = _field_for(about)
        subject = f"{field}:{about.pk}"
        cls.objects.filter(subject=subject, kind__in=kinds, resolved_at__isnull=True).update(resolved_at=now)


def _field_for(about: models.Model) -> str:
    names = {"pin": "pin", "lock": "lock", "lockaccount": "account", "calendarfeed": "feed"}
    return names[about._meta.model_name or ""]
