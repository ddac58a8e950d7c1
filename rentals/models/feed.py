"""Calendars that bookings come from, and what we made of each of their events."""

from __future__ import annotations

import builtins
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rentals.calendars.events import Channel, Contact, EndDates, Options, Verdict
from rentals.fields import EncryptedTextField
from rentals.models.booking import Booking
from rentals.models.names import NameField
from rentals.models.property import Property
from rentals.models.sentences import SentenceField
from rentals.models.tokens import HasSecretAddress
from rentals.phrases import mark

CHANNEL_LABELS: Final = {  # in English
    Channel.AUTO: mark("Recognise it"),
    Channel.AIRBNB: "Airbnb",
    Channel.BOOKING: "Booking.com",
    Channel.VRBO: "Vrbo, HomeAway, Abritel",
    Channel.GUESTY: "Guesty",
    Channel.SMOOBU: "Smoobu",
    Channel.HOSTAWAY: "Hostaway",
    Channel.HOSPITABLE: "Hospitable",
    Channel.OWNERREZ: "OwnerRez",
    Channel.BEDS24: "Beds24",
    Channel.GOOGLE: mark("Google Calendar"),
    Channel.OTHER: mark("Another calendar"),
}


class CalendarFeed(HasSecretAddress):
    """A calendar of one property: fetched from `url`, pushed to `/webhooks/ical/<token>/`, or both."""

    property = models.ForeignKey(Property, on_delete=models.CASCADE, related_name="feeds")
    name = NameField(max_length=120, help_text=lazy("What you call this calendar, for example “Airbnb Old Town 3”."))
    channel = models.CharField(
        max_length=16,
        choices=[(channel.value, lazy(label)) for channel, label in CHANNEL_LABELS.items()],
        default=Channel.AUTO.value,
        help_text=lazy("Each channel writes stays and closed days in its own way."),
    )
    url = EncryptedTextField(
        lazy("address"),
        blank=True,
        default="",
        help_text=lazy("The calendar's export link (https). It is a secret. Empty: the calendar is only pushed to us."),
    )
    signing_secret = EncryptedTextField(
        blank=True,
        default="",
        help_text=lazy("Standard Webhooks secret (whsec_...). Set: unsigned pushes are refused."),
    )
    previous_signing_secret = EncryptedTextField(
        blank=True, default="", help_text=lazy("Still accepted while the sender changes to the new secret.")
    )
    is_active = models.BooleanField(
        lazy("active"), default=True, help_text=lazy("Switch off to leave this calendar alone.")
    )
    poll_minutes = models.PositiveSmallIntegerField(
        lazy("fetched every (minutes)"), default=15, validators=[MinValueValidator(5), MaxValueValidator(24 * 60)]
    )
    user_agent = models.CharField(
        lazy("introduces itself as"),
        max_length=255,
        blank=True,
        validators=[RegexValidator(r"\A[ -~]*\Z", lazy("Use letters, digits and signs of plain ASCII, on one line."))],
        help_text=lazy("The User-Agent of requests. Empty: Turnkey and its version, which most channels accept."),
    )
    blocked_items_are_stays = models.BooleanField(
        default=False, help_text=lazy("For channels that export every stay as “blocked”, such as Guesty Lite.")
    )
    longest_stay_nights = models.PositiveSmallIntegerField(
        lazy("longest stay (nights)"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text=lazy(
            "Booking.com exports closed days like stays. A longer item waits for your decision, without a code."
        ),
    )

    end_dates = models.CharField(
        lazy("the end date is"),
        max_length=16,
        choices=[
            (EndDates.UNDECIDED.value, lazy("the check-out day, unless you say otherwise")),
            (EndDates.CHECK_OUT.value, lazy("the check-out day")),
            (EndDates.LAST_NIGHT.value, lazy("the last night")),
        ],
        default=EndDates.UNDECIDED.value,
        blank=True,
        help_text=lazy(
            "Some systems write the last night where the standard wants the check-out day. Choose “the last "
            "night” only if the channel shows every stay a day longer than Turnkey."
        ),
    )

    #: What no list or form needs.
    SECRETS: Final = ("url", "token", "signing_secret", "previous_signing_secret")

    class Meta:
        verbose_name = lazy("calendar feed")
        ordering = ("name", "pk")
        constraints = (models.CheckConstraint(name="calendarfeed_name_given", condition=~models.Q(name="")),)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save together with the row of facts that belongs to the feed. A changed address is fetched soon."""
        with transaction.atomic():
            before = type(self).objects.filter(pk=self.pk).values_list("url", flat=True).first() if self.pk else None
            super().save(*args, **kwargs)
            FeedState.objects.get_or_create(feed=self)
            if before is not None and before != self.url:
                FeedState.objects.filter(feed=self).update(next_fetch_at=None, failures=0, disproved="")

    def clean(self) -> None:
        super().clean()
        if self.previous_signing_secret and not self.signing_secret:
            raise ValidationError(
                {"signing_secret": _("Give the new secret here while the previous one still counts.")}
            )

    @builtins.property  # the field above has the name
    def options(self) -> Options:
        return Options(
            Channel(self.channel), self.blocked_items_are_stays, self.longest_stay_nights, EndDates(self.end_dates)
        )


class FeedState(models.Model):
    """Facts of operation of a feed: who fetches it now, when the next fetch is due, what is wrong with it. Written only
    by compare-and-set or under the row's lock."""

    feed = models.OneToOneField(CalendarFeed, on_delete=models.CASCADE, primary_key=True, related_name="state")
    # -- fetching
    next_fetch_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text=lazy("Empty: as soon as possible.")
    )
    claim_token = models.UUIDField(null=True, blank=True)
    claimed_until = models.DateTimeField(
        null=True, blank=True, help_text=lazy("A worker fetches it, until this moment at most.")
    )
    etag = models.CharField(max_length=255, blank=True)
    last_modified = models.CharField(max_length=64, blank=True)
    refetched_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=lazy("When the whole calendar was last asked for without conditions, and came."),
    )
    doubted_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=lazy("When a push or a person last told of news, which “not modified” would deny."),
    )
    disproved = models.CharField(
        max_length=12, blank=True, help_text=lazy("The mark of an address whose “not modified” was found to be wrong.")
    )
    last_try_at = models.DateTimeField(null=True, blank=True)
    last_good_at = models.DateTimeField(
        null=True, blank=True, help_text=lazy("When the calendar was last read without fault.")
    )
    failures = models.PositiveIntegerField(default=0, help_text=lazy("Failed fetches in a row."))
    last_error = SentenceField(max_length=1000, blank=True, help_text=lazy("In words, without secrets."))
    # -- content
    as_of = models.DateTimeField(null=True, blank=True, help_text=lazy("When the content that we hold was asked for."))
    whole_at = models.DateTimeField(
        null=True, blank=True, help_text=lazy("When it last came whole: fetched, pushed, by hand.")
    )
    whole_hash = models.CharField(
        max_length=64, blank=True, help_text=lazy("Of the bytes without DTSTAMP and the like, alone.")
    )
    body_hash = models.CharField(max_length=64, blank=True)
    content_hash = models.CharField(max_length=64, blank=True, help_text=lazy("The same without DTSTAMP and the like."))
    detected_channel = models.CharField(max_length=16, blank=True)
    summary = models.JSONField(
        default=dict, blank=True, help_text=lazy("Counts of the last import that changed something.")
    )
    pending_absences = models.PositiveIntegerField(
        default=0, help_text=lazy("Stays that vanished and are not cancelled.")
    )
    # -- conditions, each since when
    held_since = models.DateTimeField(null=True, blank=True)
    held_reason = SentenceField(max_length=1000, blank=True)
    stale_since = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    reset_since = models.DateTimeField(null=True, blank=True)
    refused_since = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return _("Feed {number}").format(number=self.feed_id)


class FeedItem(models.Model):
    """One event of a feed, what we made of it and why. Its personal data is deleted together with the booking."""

    class Decision(models.TextChoices):
        NONE = "", lazy("None")
        STAY = "stay", lazy("It is a stay")
        NOT_STAY = "not_stay", lazy("It is not a stay")

    feed = models.ForeignKey(CalendarFeed, on_delete=models.CASCADE, related_name="items")
    booking = models.ForeignKey(Booking, on_delete=models.SET_NULL, null=True, blank=True, related_name="feed_items")
    # -- identity (RFC 5545: UID and RECURRENCE-ID)
    uid = models.CharField(max_length=255)
    recurrence_id = models.CharField(max_length=64, blank=True)
    part = models.CharField(
        max_length=64, blank=True, help_text=lazy("Tells items apart that share the two fields above.")
    )
    # -- what it says
    summary = NameField(max_length=255, blank=True)
    starts_on = models.DateField(null=True, blank=True, help_text=lazy("Local day at the property."))
    ends_on = models.DateField(null=True, blank=True, help_text=lazy("Local day at the property: the check-out day."))
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    whole_days = models.BooleanField(default=False, help_text=lazy("Its times are the property's."))
    guest_name = NameField(max_length=120, blank=True)
    reservation_code = NameField(max_length=64, blank=True)
    phone_last4 = models.CharField(lazy("phone, last digits"), max_length=8, blank=True)
    guest_count = models.PositiveSmallIntegerField(null=True, blank=True)
    reservation_url = models.CharField(max_length=500, blank=True)
    trace = models.CharField(
        max_length=8,
        blank=True,
        help_text=lazy("For a deleted stay: tells its guest from others without saying who it was."),
    )
    excerpt = EncryptedTextField(blank=True, default="", help_text=lazy("Of an event that cannot be read: its lines."))
    # -- what we made of it
    verdict = models.CharField(max_length=16, choices=[(verdict.value, verdict.value.title()) for verdict in Verdict])
    reason = SentenceField(max_length=1000, blank=True)
    needs_review = models.BooleanField(default=False)
    decision = models.CharField(max_length=16, choices=Decision, default=Decision.NONE, blank=True)
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    unreadable_since = models.DateTimeField(
        null=True, blank=True, help_text=lazy("It, or its latest version, cannot be read; a person is told.")
    )
    # -- absence (see rentals.calendars.decide.absence)
    absent_since = models.DateTimeField(null=True, blank=True, help_text=lazy("First good fetch that did not list it."))
    awaits_approval = models.BooleanField(
        default=False, help_text=lazy("A person decides whether its stay is cancelled.")
    )
    kept_at = models.DateTimeField(null=True, blank=True, help_text=lazy("A person decided to keep the stay."))
    gone_at = models.DateTimeField(
        null=True, blank=True, help_text=lazy("It left the feed and no longer holds its stay.")
    )

    #: Where its guest can be told something, while its event is imported. Never stored here: it goes to the stay.
    contact: Contact = Contact()

    #: What only the page of an unreadable event needs.
    SECRETS: Final = ("excerpt",)

    class Meta:
        verbose_name = lazy("calendar item")
        ordering = ("starts_at", "pk")
        constraints = (models.UniqueConstraint(name="feeditem_once", fields=["feed", "uid", "recurrence_id", "part"]),)
        indexes = (
            # Few rows of many: looked for each minute.
            models.Index(
                name="feeditem_unreadable",
                fields=["unreadable_since"],
                condition=models.Q(unreadable_since__isnull=False),
            ),
            models.Index(
                name="feeditem_undecided",
                fields=["ends_at"],
                condition=models.Q(verdict=Verdict.REVIEW.value, decision="", gone_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        if self.starts_on is None and self.ends_on is None:
            return _("Calendar item, unknown dates")
        first, last = (day or _("an unknown day") for day in (self.starts_on, self.ends_on))
        return _("Calendar item, {first} to {last}").format(first=first, last=last)


class WebhookReceipt(models.Model):
    """A push that was accepted. It makes the same `webhook-id` count once (Standard Webhooks)."""

    feed = models.ForeignKey(CalendarFeed, on_delete=models.CASCADE, related_name="receipts")
    webhook_id = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    received_at = models.DateTimeField(db_index=True)
    answer = models.JSONField(default=dict, blank=True, help_text=lazy("Our answer, to give it again."))

    class Meta:
        constraints = (models.UniqueConstraint(name="webhookreceipt_once", fields=["feed", "webhook_id"]),)

    def __str__(self) -> str:
        return _("Push to feed {number}").format(number=self.feed_id)
