"""Something a person must know."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import IntegrityError, models, transaction
from django.db.models import Case, Value, When
from django.utils.translation import gettext_lazy as lazy


class Incident(models.Model):
    """At most one open incident per kind and subject. Opened and resolved by the code that meets the cause, or by the
    periodic checks of `pins.incidents`. `pins.incidents.texts` says what each means for a person."""

    class Kind(models.TextChoices):
        CODE_LATE = "code_late", lazy("The code is not on the lock yet")
        OUTCOME_UNKNOWN = "outcome_unknown", lazy("It is not known whether the code is on the lock")
        CODE_STAYS = "code_stays", lazy("The code is still on the lock after check-out")
        VALUE_REFUSED = "value_refused", lazy("The lock refuses the code")
        VALUE_TAKEN = "value_taken", lazy("Another code on the lock has the same digits")
        CODE_CHANGED = "code_changed", lazy("The guest's code had to be changed")
        CHANGED_IN_APP = "changed_in_app", lazy("Somebody changed or removed our code in the Tedee app")
        CREATED_OFTEN = "created_often", lazy("The code was sent several times, and its arrival is not confirmed")
        CODES_PILE_UP = "codes_pile_up", lazy("The lock holds more codes of ours than its stays need")
        SECOND_CODE = "second_code", lazy("Another code on the lock has digits that Turnkey sent")
        STRAY_CODE = "stray_code", lazy("A code made by Turnkey is on the lock, and no stay explains it")
        LOCK_OFFLINE = "lock_offline", lazy("The lock cannot be reached")
        BATTERY_LOW = "battery_low", lazy("The battery of the lock is low")
        NO_KEYPAD = "no_keypad", lazy("The lock has no keypad, and guests are expected")
        NO_LOCK = "no_lock", lazy("No lock of the property can let the guest in")
        NO_ROOM = "no_room", lazy("The lock has no room for more codes")
        TOO_MANY_CODES = "too_many_codes", lazy("More stays than the lock has room for")
        NO_PERMISSION = "no_permission", lazy("The account may not manage this lock")
        LOCK_UNKNOWN = "lock_unknown", lazy("Tedee no longer knows this lock")
        ZONE_DIFFERS = "zone_differs", lazy("Lock and property are in different time zones")
        GUEST_SHUT_OUT = "guest_shut_out", lazy("A guest says that they cannot get in")
        GUEST_NOT_TOLD = "guest_not_told", lazy("A message to a guest was not delivered")
        SPARES_SHORT = "spares_short", lazy("The lock has fewer spare codes than you asked for")
        STAYS_OVERLAP = "stays_overlap", lazy("Two stays of one property overlap")
        STAY_UNCLEAR = "stay_unclear", lazy("A calendar row may be a stay, and nobody decided")
        NOT_CONFIRMED = "not_confirmed", lazy("A stay is not confirmed, so it has no code")
        FEED_HELD = "feed_held", lazy("A calendar waits for your decision")
        FEED_RESET = "feed_reset", lazy("The link of a calendar no longer exists")
        FEED_REFUSED = "feed_refused", lazy("A channel refuses to give its calendar to Turnkey")
        FEED_FAILING = "feed_failing", lazy("A calendar cannot be read")
        FEED_UNREADABLE = "feed_unreadable", lazy("A row of a calendar cannot be read")
        FEED_STALE = "feed_stale", lazy("A calendar has not been read for a day")
        DEAD_KEY = "dead_key", lazy("Tedee refuses the access key")
        NO_WRITE_SCOPE = "no_write_scope", lazy("The access key may read locks, but not change codes")
        NO_ACTIVITY = "no_activity", lazy("The activity of locks cannot be read")
        KEY_EXPIRES = "key_expires", lazy("The access key expires soon")
        CONNECTION_ENDED = "connection_ended", lazy("Tedee no longer accepts the connection of the account")
        CONNECTION_ENDS = "connection_ends", lazy("The connection of the account to Tedee ends soon")
        CONNECTION_FAILS = "connection_fails", lazy("The connection of the account to Tedee cannot be renewed")
        BUDGET_SPENT = "budget_spent", lazy("Not enough requests are left this hour for the locks that are due")
        LOGINS_FAIL = "logins_fail", lazy("Somebody tries many passwords")

    class Severity(models.TextChoices):
        """How urgent it is. It rises while the incident is open, and never sinks."""

        NOTICE = "notice", lazy("Notice")  # good to know; nobody stands before a closed door because of it
        WARNING = "warning", lazy("Warning")  # it will hurt unless it ends, or a person acts
        URGENT = "urgent", lazy("Urgent")  # a person should act now

    kind = models.CharField(max_length=24, choices=Kind)
    severity = models.CharField(max_length=8, choices=Severity, default=Severity.WARNING)
    subject = models.CharField(max_length=64, help_text="What it is about, as a key: “pin:7”, “lock:3”, “account:1”.")
    pin = models.ForeignKey("pins.Pin", on_delete=models.CASCADE, null=True, blank=True, related_name="incidents")
    lock = models.ForeignKey("rentals.Lock", on_delete=models.CASCADE, null=True, blank=True, related_name="incidents")
    account = models.ForeignKey(
        "rentals.LockAccount", on_delete=models.CASCADE, null=True, blank=True, related_name="incidents"
    )
    feed = models.ForeignKey(
        "rentals.CalendarFeed", on_delete=models.CASCADE, null=True, blank=True, related_name="incidents"
    )
    booking = models.ForeignKey(
        "rentals.Booking", on_delete=models.CASCADE, null=True, blank=True, related_name="incidents"
    )
    item = models.ForeignKey(
        "rentals.FeedItem",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="incidents",
        help_text="One row of the calendar `feed`.",
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
            models.CheckConstraint(
                name="incident_severity_known", condition=models.Q(severity__in=["notice", "warning", "urgent"])
            ),
        )
        indexes = (
            models.Index(
                name="incident_resolved", fields=["resolved_at"], condition=models.Q(resolved_at__isnull=False)
            ),
            models.Index(name="incident_subject", fields=["subject"]),
        )

    def __str__(self) -> str:
        return self.get_kind_display()

    @classmethod
    def open(cls, kind: Kind, now: datetime, *, about: models.Model | None, severity: Severity | None = None) -> None:
        """Open it for a pin, lock, account, feed or booking, or with `None` for this installation as a whole. An open
        one is kept; its severity can only rise.

        `severity`: as usual for the kind, unless given.
        """
        subject = _subject_of(about)
        severity = severity or usual_severity(kind)
        open_one = cls.objects.filter(kind=kind, subject=subject, resolved_at__isnull=True)
        standing = open_one.values_list("severity", flat=True).first()
        if standing is None:
            try:
                with transaction.atomic():
                    where = {_field_for(about): about} if about is not None else {}
                    cls.objects.create(kind=kind, subject=subject, severity=severity, opened_at=now, **where)
                return
            except IntegrityError:  # another run opened it between our look and our insert
                standing = open_one.values_list("severity", flat=True).first()
        if standing is not None and rank(standing) < rank(severity):
            open_one.filter(severity__in=less_than(severity)).update(severity=severity)

    @classmethod
    def resolve(cls, now: datetime, *, about: models.Model | None, kinds: tuple[Kind, ...]) -> None:
        """Close what is open for a subject."""
        subject = _subject_of(about)
        cls.objects.filter(subject=subject, kind__in=kinds, resolved_at__isnull=True).update(resolved_at=now)


#: The subject of what concerns this installation as a whole.
SITE: Final = "site"
#: Least first.
SEVERITIES: Final = tuple(Incident.Severity)

_USUAL: Final = {
    Incident.Kind.CODE_CHANGED: Incident.Severity.URGENT,  # a guest holds a code that opens nothing
    Incident.Kind.DEAD_KEY: Incident.Severity.URGENT,  # nothing goes on for any lock of the account
    Incident.Kind.CONNECTION_ENDED: Incident.Severity.URGENT,  # the same
    Incident.Kind.NO_WRITE_SCOPE: Incident.Severity.URGENT,  # no code is set for any lock of the account
    Incident.Kind.CODES_PILE_UP: Incident.Severity.URGENT,  # codes that nobody counts may open the door
    Incident.Kind.BUDGET_SPENT: Incident.Severity.URGENT,  # a door will stay shut within the hour
    Incident.Kind.GUEST_SHUT_OUT: Incident.Severity.URGENT,  # somebody stands before the door
    Incident.Kind.FEED_FAILING: Incident.Severity.NOTICE,
    Incident.Kind.ZONE_DIFFERS: Incident.Severity.NOTICE,
    Incident.Kind.NO_ACTIVITY: Incident.Severity.NOTICE,  # codes do not need it
    Incident.Kind.SPARES_SHORT: Incident.Severity.NOTICE,  # no guest is shut out because of it
}

#: For `order_by`: the most severe first.
MOST_SEVERE_FIRST: Final = Case(
    *[When(severity=severity, then=Value(-at)) for at, severity in enumerate(SEVERITIES)],
    default=Value(0),
    output_field=models.SmallIntegerField(),
)


def usual_severity(kind: Incident.Kind) -> Incident.Severity:
    """The severity of a kind, unless more is known about the single case."""
    return _USUAL.get(kind, Incident.Severity.WARNING)


def rank(severity: str) -> int:
    """For comparing severities, least first: their texts do not sort by weight."""
    return SEVERITIES.index(Incident.Severity(severity))


def less_than(severity: Incident.Severity) -> tuple[Incident.Severity, ...]:
    return SEVERITIES[: rank(severity)]


def subject_key(field: str, pk: int) -> str:
    return f"{field}:{pk}"


def _subject_of(about: models.Model | None) -> str:
    return subject_key(_field_for(about), about.pk) if about is not None else SITE


def _field_for(about: models.Model) -> str:
    names = {"pin": "pin", "lock": "lock", "lockaccount": "account", "calendarfeed": "feed", "booking": "booking"}
    return names[about._meta.model_name or ""]
