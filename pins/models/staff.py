"""People who work in a flat: when its doors open for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import pgettext_lazy

from pins.core.code_rules import problems
from pins.core.staff import Mode as CoreMode
from pins.core.staff import Terms, refusals
from pins.tedee.messages import EVERY_DAY
from rentals.fields import EncryptedTextField
from rentals.models.names import NameField
from rentals.wording import said

#: In minutes: how far the margins of a gap may go.
EARLIEST, LATEST = -120, 24 * 60
_MARGIN: Final = (MinValueValidator(EARLIEST), MaxValueValidator(LATEST))


class StaffAccess(models.Model):
    """A code for somebody who works there, kept on the locks by `pins.desired.staff_grants`.

    In mode `schedule` it works on all its locks on its weekdays, at its hours, within its period; without any of these
    it is permanent. In mode `turnover` it works on the locks of each property between check-out and the next check-in
    (`pins.core.staff`), and at weekdays and hours on locks that other properties use, too.
    """

    class Kind(models.TextChoices):
        CLEANER = "cleaner", lazy("Cleaner")
        TRADE = "trade", lazy("Craftsman or service")
        OWNER = "owner", lazy("Owner")
        OTHER = "other", pgettext_lazy("staff", "Other")

    class Mode(models.TextChoices):
        SCHEDULE = CoreMode.SCHEDULE.value, lazy("At fixed hours, or always")
        TURNOVER = CoreMode.TURNOVER.value, lazy("Between stays")

    name = NameField(max_length=120, help_text=lazy("Its name becomes the code's name in the Tedee app."))
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.CLEANER)
    properties = models.ManyToManyField(
        "rentals.Property",
        blank=True,
        related_name="staff",
        help_text=lazy("All active locks of these properties."),
    )
    locks = models.ManyToManyField(
        "rentals.Lock",
        blank=True,
        related_name="staff",
        help_text=lazy("Single locks, beside those of the properties."),
    )
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.SCHEDULE)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    weekdays = models.PositiveSmallIntegerField(
        default=EVERY_DAY, help_text="Flags: Monday 1, Tuesday 2, Wednesday 4, to Sunday 64. All days: 127."
    )
    day_start = models.TimeField(lazy("from"), null=True, blank=True)
    day_end = models.TimeField(
        lazy("until"), null=True, blank=True, help_text=lazy("00:00 is midnight at the end of the day.")
    )
    two_codes = models.BooleanField(
        default=False, help_text=lazy("For hours over midnight: one code until midnight, another one after it.")
    )
    after_check_out = models.SmallIntegerField(
        lazy("minutes after check-out"),
        default=0,
        validators=_MARGIN,
        help_text=lazy("Between stays: how much later than check-out it begins to work. With a minus: earlier."),
    )
    before_check_in = models.SmallIntegerField(
        lazy("minutes before check-in"),
        default=0,
        validators=_MARGIN,
        help_text=lazy("Between stays: how much earlier than the next check-in it ends."),
    )
    code = EncryptedTextField(blank=True, help_text="Used on every lock where these digits are free.")
    disclosed_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since when somebody knows this code."
    )
    is_active = models.BooleanField(
        lazy("active"), default=True, help_text=lazy("Switch off to take the code off all locks.")
    )
    link_digest = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Of the secret part of the address of their own page."
    )
    check_at = models.DateTimeField(
        default=timezone.now, db_index=True, editable=False, help_text="When its codes are compared with it again."
    )

    #: What only its locks and a disclosure need.
    SECRETS: Final = ("code",)

    class Meta:
        verbose_name = lazy("staff access")
        verbose_name_plural = lazy("staff access")
        ordering = ("name", "pk")
        constraints = (
            models.CheckConstraint(name="staff_name_given", condition=~models.Q(name="")),
            models.CheckConstraint(
                name="staff_kind_known", condition=models.Q(kind__in=["cleaner", "trade", "owner", "other"])
            ),
            models.CheckConstraint(name="staff_mode_known", condition=models.Q(mode__in=["schedule", "turnover"])),
            models.UniqueConstraint(
                name="staff_link_once", fields=["link_digest"], condition=~models.Q(link_digest="")
            ),
            models.CheckConstraint(name="staff_weekdays", condition=models.Q(weekdays__gte=1, weekdays__lte=EVERY_DAY)),
            models.CheckConstraint(
                name="staff_margins",
                condition=models.Q(after_check_out__gte=EARLIEST, after_check_out__lte=LATEST)
                & models.Q(before_check_in__gte=EARLIEST, before_check_in__lte=LATEST),
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}, {self.get_kind_display().lower()}"

    @property
    def terms(self) -> Terms:
        return Terms(
            mode=CoreMode(self.mode),
            weekdays=self.weekdays,
            day_start=self.day_start,
            day_end=self.day_end,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            two_codes=self.two_codes,
            after_check_out=timedelta(minutes=self.after_check_out),
            before_check_in=timedelta(minutes=self.before_check_in),
        )

    def clean(self) -> None:
        super().clean()
        numbers: tuple[Any, ...] = (self.weekdays, self.after_check_out, self.before_check_in)
        if None in numbers:
            return  # a form leaves None where its field did not parse
        if found := refusals(self.terms):
            raise ValidationError({field: said(text) for field, text in found})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save together with what the locks need because of it (`pins.receivers`).

        Raises `ValidationError` for terms that no lock can keep, and for digits that no lock takes.
        """
        self._make_plain()
        self.clean()
        loads_code = "code" not in self.get_deferred_fields()
        if loads_code and self.code and (found := problems(self.code)):
            raise ValidationError({"code": [said(one) for one in found]})
        with transaction.atomic():
            columns = ("disclosed_at", "code") if loads_code else ("disclosed_at",)
            stored = type(self).objects.filter(pk=self.pk).values(*columns).first() if self.pk else None
            #: Whether a person chose other digits with this save. No digits mean: as before.
            self.chose_code = loads_code and bool(self.code) and (stored is None or self.code != stored["code"])
            if self.chose_code:
                self.disclosed_at = timezone.now()
            else:
                for name, value in (stored or {}).items():
                    setattr(self, name, value)
            self.check_at = timezone.now()
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "disclosed_at", "check_at"}
            super().save(*args, **kwargs)

    def _make_plain(self) -> None:
        """Times that were given as text, as fields take them. A day means midnight UTC; a moment needs a zone."""
        for name in ("day_start", "day_end"):
            setattr(self, name, models.TimeField().to_python(getattr(self, name)))
        for name in ("valid_from", "valid_until"):
            moment: Any = getattr(self, name)
            if isinstance(moment, date) and not isinstance(moment, datetime):
                setattr(self, name, datetime.combine(moment, time(), UTC))
            elif isinstance(moment, datetime) and moment.tzinfo is None:
                raise ValidationError({name: _("Give a moment with its time zone, such as UTC.")})


class FlatReady(models.Model):
    """When somebody who works there last said that a property is ready for its next guest."""

    property = models.OneToOneField("rentals.Property", on_delete=models.CASCADE, related_name="ready")
    said_by = NameField(max_length=120)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.property}, {self.at:%Y-%m-%d %H:%M}"
