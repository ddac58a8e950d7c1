"""Where messages go, the outbox, and what was already noticed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.timezone import now as present
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from pins.core.notification_events import CHOICES, CHOSEN_BY_DEFAULT, Event, Severity
from pins.core.quiet_hours import Quiet
from pins.models.outbox import OutboxMessage
from rentals import languages
from rentals.fields import EncryptedTextField
from rentals.models.names import NameField
from rentals.models.property import validate_zone


def default_events() -> list[str]:
    return list(CHOSEN_BY_DEFAULT)


def validate_events(value: Any) -> None:
    known = {name for name, _label in CHOICES}
    if not isinstance(value, list) or not all(isinstance(one, str) and one in known for one in value):
        raise ValidationError(_("Choose only events from the list."))


class NotificationChannel(models.Model):
    """The address of a person or a machine, and what it wants to hear. The whole target is a secret."""

    class Kind(models.TextChoices):
        EMAIL = "email", lazy("E-mail")
        APPRISE = "apprise", lazy("Messaging service")
        WEBHOOK = "webhook", lazy("Webhook")

    class Hears(models.TextChoices):
        ALL = "all", lazy("Everything")
        URGENT = "urgent", lazy("Only what may keep a guest out")

    name = NameField(max_length=120, help_text=lazy("What you call it, for example “Anna's phone”."))
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.EMAIL)
    target = EncryptedTextField(blank=True, default="")
    signing_secret = EncryptedTextField(blank=True, default="")
    previous_signing_secret = EncryptedTextField(blank=True, default="", editable=False)
    previous_signs_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Until then, messages are signed with the previous secret, too.",
    )
    language = models.CharField(
        lazy("language"),
        max_length=2,
        choices=languages.CHOICES,
        default=languages.ENGLISH,
        help_text=lazy("Of everything that is sent here."),
    )
    is_active = models.BooleanField(lazy("active"), default=True, help_text=lazy("Switch off to send nothing here."))
    events = models.JSONField(lazy("hears of"), default=default_events, blank=True, validators=[validate_events])
    severity = models.CharField(
        lazy("incidents"), max_length=8, choices=Hears, default=Hears.ALL, help_text=lazy("Applies to incidents only.")
    )
    timezone = models.CharField(
        lazy("time zone"),
        max_length=64,
        default="UTC",
        validators=[validate_zone],
        help_text=lazy("For quiet hours and the summary, for example Europe/Warsaw."),
    )
    quiet_from = models.TimeField(lazy("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(lazy("until"), null=True, blank=True)
    summary_at = models.TimeField(
        lazy("morning summary at"), null=True, blank=True, help_text=lazy("One message a day. Empty: none.")
    )
    include_code = models.BooleanField(
        lazy("send the door code, too"),
        default=False,
        help_text=lazy("Webhooks only. Each time is listed under “Codes shown”, and fixes the code."),
    )
    # -- facts of operation, written by compare-and-set alone
    listens_from = models.DateTimeField(
        default=present, editable=False, help_text="Nothing that happened before is sent."
    )
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="Failed tries in a row.")
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    rests_until = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=200, blank=True, editable=False, help_text="Without the target.")
    last_sent_at = models.DateTimeField(null=True, blank=True, editable=False)

    #: What no list or form needs.
    SECRETS: Final = ("target", "signing_secret", "previous_signing_secret")

    class Meta:
        verbose_name = lazy("notification channel")
        ordering = ("name", "pk")
        constraints = (
            models.CheckConstraint(name="channel_name_given", condition=~models.Q(name="")),
            models.CheckConstraint(
                name="channel_kind_known", condition=models.Q(kind__in=["email", "apprise", "webhook"])
            ),
            models.CheckConstraint(
                name="channel_code_by_webhook_alone",
                condition=models.Q(include_code=False) | models.Q(kind="webhook"),
            ),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValidationError({"quiet_until": _("Give both ends of the quiet hours, or none.")})
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            raise ValidationError({"quiet_until": _("Quiet hours must end at another time than they begin.")})
        if self.include_code and self.kind != self.Kind.WEBHOOK:
            raise ValidationError({"include_code": _("Only a webhook may be sent the code.")})

    @property
    def quiet(self) -> Quiet | None:
        if self.quiet_from is None or self.quiet_until is None:
            return None
        return Quiet(self.quiet_from, self.quiet_until, self.timezone)

    @property
    def is_for_people(self) -> bool:
        return self.kind != self.Kind.WEBHOOK

    def hears(self, event: Event, severity: Severity | None, at: datetime) -> bool:
        """Whether this channel is told of a change that happened at `at`."""
        if not self.is_active or event.value not in self.events or at < self.listens_from:
            return False
        return severity is None or severity is Severity.URGENT or self.severity == self.Hears.ALL


class Delivery(OutboxMessage):
    """One message to one channel: the outbox. Unique per channel and change, so that nothing is sent twice, however
    many workers look for news at once. Holds no code and no secret; a guest's name goes when the stay is deleted."""

    channel = models.ForeignKey(NotificationChannel, on_delete=models.CASCADE, related_name="deliveries")
    key = models.CharField(max_length=80, help_text="The change: “incident:7:opened”, “summary:2027-03-01”.")
    event = models.CharField(max_length=24, choices=[(event.value, event.value) for event in Event])
    incident = models.ForeignKey(
        "pins.Incident", on_delete=models.SET_NULL, null=True, blank=True, related_name="deliveries"
    )
    grant = models.ForeignKey(
        "pins.AccessGrant", on_delete=models.SET_NULL, null=True, blank=True, related_name="deliveries"
    )
    payload = models.JSONField(default=dict, blank=True, help_text="What it says, without codes and secrets.")
    happened_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="Not worth sending after this moment.")

    class Meta(OutboxMessage.Meta):
        verbose_name = lazy("message")
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(name="delivery_once_per_change", fields=["channel", "key"]),
            *OutboxMessage.Meta.constraints,
        )
        indexes = (*OutboxMessage.Meta.indexes, models.Index(name="delivery_ended", fields=["ended_at"]))

    def __str__(self) -> str:
        return _("{event} to channel {number}").format(event=self.event, number=self.channel_id)


class IncidentNotice(models.Model):
    """How far an incident has been noticed. Written with the deliveries that follow, by compare-and-set."""

    incident = models.OneToOneField("pins.Incident", on_delete=models.CASCADE, primary_key=True, related_name="notice")
    resolved = models.BooleanField(default=False)
    urgent = models.BooleanField(default=False, help_text="It was sent as urgent; a severity may also rise later.")

    class Meta:
        indexes = (models.Index(name="incidentnotice_open", fields=["incident"], condition=models.Q(resolved=False)),)

    def __str__(self) -> str:
        return f"Notice of incident {self.incident_id}"


class StayNotice(models.Model):
    """What was last noticed about a guest's code. `number` counts the changes and is part of their keys."""

    class Said(models.TextChoices):
        NOTHING = "", "Nothing yet"
        READY = "ready", "The code is on all locks"
        OFF = "off", "The stay is cancelled"

    grant = models.OneToOneField("pins.AccessGrant", on_delete=models.CASCADE, primary_key=True, related_name="notice")
    number = models.PositiveIntegerField(default=0)
    said = models.CharField(max_length=8, choices=Said, default=Said.NOTHING, blank=True)
    revision = models.PositiveIntegerField(default=0, help_text="Of the PINs: while it stands, so does the code.")
    digest = models.CharField(max_length=64, blank=True, help_text="Keyed fingerprint of the code, as in the claims.")

    def __str__(self) -> str:
        return f"Notice of grant {self.grant_id}"
