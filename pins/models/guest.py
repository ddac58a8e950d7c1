"""What a guest is told: a property's guide in the guest's language, the page of a stay, and the messages about it."""

from __future__ import annotations

from typing import Any, Final

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from pins.models.outbox import OutboxMessage
from rentals.fields import EncryptedTextField
from rentals.models.booking import LANGUAGES, validate_phone
from rentals.models.names import NameField
from rentals.models.tokens import HasSecretAddress

#: The longest time that a setting in hours may name: 30 days.
_MONTH: Final = 30 * 24


class GuestGuide(models.Model):
    """How the guests of one property are looked after. Without a guide they get no page and no message."""

    property = models.OneToOneField("rentals.Property", on_delete=models.CASCADE, related_name="guide")
    is_active = models.BooleanField(
        lazy("active"), default=True, help_text=lazy("Switch off to close the pages of all guests.")
    )
    code_hours = models.PositiveSmallIntegerField(
        lazy("code shown before check-in, hours"),
        default=24,
        validators=[MaxValueValidator(_MONTH)],
        help_text=lazy("The page shows the code no earlier."),
    )
    message_hours = models.PositiveSmallIntegerField(
        lazy("message before check-in, hours"),
        default=48,
        validators=[MaxValueValidator(_MONTH)],
        help_text=lazy(
            "When the guest gets the message, if the code is on all locks. At once for a stay entered later."
        ),
    )
    needs_release = models.BooleanField(
        lazy("wait until a person releases the stay"),
        default=False,
        help_text=lazy(
            "For guests whom you verify first. Until you press “Release” on the stay, no code is shown or sent."
        ),
    )
    code_in_message = models.BooleanField(
        lazy("code in the message"),
        default=False,
        help_text=lazy("Otherwise the message has the link only. Messages are kept by mail servers and telephones."),
    )
    hands_out_spares = models.BooleanField(
        lazy("give a spare code to a guest who cannot get in"),
        default=False,
        help_text=lazy(
            "Only where the guest's own code is proven not to work, and only after they press “I cannot get in”. "
            "You choose on the page of each lock how many spare codes wait there."
        ),
    )
    grace_hours = models.PositiveSmallIntegerField(
        lazy("page open after check-out, hours"), default=24, validators=[MaxValueValidator(_MONTH)]
    )
    text_service = EncryptedTextField(blank=True, default="")
    sends_texts = models.BooleanField(default=False, editable=False, help_text="There is a service for text messages.")
    host_phone = models.CharField(
        lazy("your telephone"),
        max_length=32,
        blank=True,
        validators=[validate_phone],
        help_text=lazy("The page offers to call you."),
    )
    address = NameField(max_length=300, blank=True, help_text=lazy("Shown with a link to a map."))
    wifi_name = NameField(lazy("Wi-Fi name"), max_length=64, blank=True)
    wifi_password = EncryptedTextField(lazy("Wi-Fi password"), blank=True, default="")

    #: What no list needs.
    SECRETS: Final = ("text_service", "wifi_password")

    class Meta:
        verbose_name = lazy("guest guide")
        ordering = ("property__name", "pk")

    def __str__(self) -> str:
        return _("Guests of {property}").format(property=self.property)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save with `sends_texts`, because an encrypted column cannot be asked whether it is empty."""
        self.sends_texts = bool(self.text_service)
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "sends_texts"}
        super().save(*args, **kwargs)


class GuestText(models.Model):
    """A host's own words in one language. Whatever is empty is taken from Turnkey's own texts, or left out."""

    guide = models.ForeignKey(GuestGuide, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=8, choices=LANGUAGES, default="en")
    door_instructions = models.TextField(max_length=4000, blank=True, help_text=lazy("How to find and open the doors."))
    check_out_notes = models.TextField(max_length=2000, blank=True, help_text=lazy("What to do before leaving."))
    subject = NameField(max_length=150, blank=True, help_text=lazy("Of the message. Empty: Turnkey's own."))
    message = models.TextField(max_length=4000, blank=True, help_text=lazy("Empty: Turnkey's own."))

    class Meta:
        verbose_name = lazy("text in one language")
        verbose_name_plural = lazy("texts, one for each language")
        ordering = ("language",)
        constraints = (models.UniqueConstraint(name="guesttext_one_per_language", fields=["guide", "language"]),)

    def __str__(self) -> str:
        return self.get_language_display()


class GuestPicture(models.Model):
    """A picture beside the door instructions. It lies in the database, so that a backup holds it. Written by
    `pins.guests.pictures.written_anew` alone, which makes it a JPEG; other formats are those of former versions."""

    class Format(models.TextChoices):
        JPEG = "image/jpeg", "JPEG"
        PNG = "image/png", "PNG"
        WEBP = "image/webp", "WebP"

    guide = models.ForeignKey(GuestGuide, on_delete=models.CASCADE, related_name="pictures")
    place = models.PositiveSmallIntegerField(lazy("order"), default=0)
    caption = NameField(
        max_length=120,
        help_text=lazy("Says what it shows, also to a guest who cannot see it: “The gate, seen from the street”."),
    )
    content_type = models.CharField(max_length=16, choices=Format, editable=False)
    data = models.BinaryField(editable=False)

    class Meta:
        verbose_name = lazy("picture")
        ordering = ("place", "pk")

    def __str__(self) -> str:
        return self.caption


class GuestPage(HasSecretAddress):
    """The page of one stay, and what its guest was told last. Whoever has the link may read it, so a code is on it only
    after a press, and only when it is true (`pins.guests.status`).

    `told_*` is what the last message said; a message follows when it is not so any more. Written by compare-and-set on
    `number`, which counts the messages.
    """

    class Said(models.TextChoices):
        NOTHING = "", "Nothing yet"
        LINK = "link", "The link"
        READY = "ready", "The code is ready"

    booking = models.OneToOneField("rentals.Booking", on_delete=models.CASCADE, related_name="guest_page")
    released_at = models.DateTimeField(null=True, blank=True, help_text="When a person released the stay.")
    number = models.PositiveIntegerField(default=0)
    said = models.CharField(max_length=8, choices=Said, default=Said.NOTHING, blank=True)
    told_check_in = models.DateTimeField(null=True, blank=True)
    told_check_out = models.DateTimeField(null=True, blank=True)
    told_property = models.BigIntegerField(null=True, blank=True)
    told_link = models.CharField(max_length=64, blank=True, help_text="Digest of the link's token.")
    told_code = models.CharField(max_length=64, blank=True, help_text="Keyed fingerprint, as in the claims.")
    help_at = models.DateTimeField(null=True, blank=True, help_text="When the guest last asked for help.")
    help_findings = models.CharField(max_length=200, blank=True)

    #: What no list needs.
    SECRETS: Final = ("token",)

    class Meta:
        verbose_name = lazy("guest page")
        default_permissions = ("view",)
        indexes = (models.Index(name="guestpage_told", fields=["told_check_out"]),)

    def __str__(self) -> str:
        return _("Page of stay {number}").format(number=self.booking_id)


class GuestMessage(OutboxMessage):
    """One message to a guest by one way. Holds no text and no address: both are read when it is sent."""

    class Kind(models.TextChoices):
        LINK = "link", lazy("The link")
        READY = "ready", lazy("The code is ready")
        CHANGED = "changed", lazy("Something changed")

    class Way(models.TextChoices):
        EMAIL = "email", lazy("e-mail")
        TEXT = "text", lazy("text message")

    page = models.ForeignKey(GuestPage, on_delete=models.CASCADE, related_name="messages")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    way = models.CharField(max_length=8, choices=Way)
    doubted_at = models.DateTimeField(
        null=True, blank=True, help_text="When a try ended without a certain answer: the guest may have the message."
    )

    class Meta(OutboxMessage.Meta):
        verbose_name = lazy("message to a guest")
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(name="guestmessage_once_per_change", fields=["page", "number", "way"]),
            *OutboxMessage.Meta.constraints,
        )

    def __str__(self) -> str:
        return _("{kind}, by {way}").format(kind=self.get_kind_display(), way=self.get_way_display())
