"""What locks report about codes at their keypads, and what it says of arrivals. Only of accounts that ask for it
(`LockAccount.reads_activity`). Personal data: it goes with the stay (docs/privacy.md). Times are UTC."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext as _

from pins.core.arrival import Sign


class LockActivity(models.Model):
    """How far the activity of a lock was read, and when it is read again."""

    lock = models.OneToOneField("rentals.Lock", on_delete=models.CASCADE, primary_key=True, related_name="activity")
    read_at = models.DateTimeField(null=True, blank=True, help_text="When it was last read.")
    whole_since = models.DateTimeField(
        null=True, blank=True, help_text="From this moment until `read_at` nothing is missing."
    )
    due_at = models.DateTimeField(null=True, blank=True, help_text="When it is to be read again.")
    rest_until = models.DateTimeField(
        null=True, blank=True, help_text="Not before this moment: it is being read, or could not be."
    )
    trouble = models.CharField(max_length=24, blank=True, help_text="Why the last try failed: a cause, or nothing.")

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return _("Activity of lock {number}").format(number=self.lock_id)


class DoorEntry(models.Model):
    """One line of a lock's activity that is about a code. Who entered it is not stored: only which code of ours the
    cloud named, if it named one."""

    lock = models.ForeignKey("rentals.Lock", on_delete=models.CASCADE, related_name="+")
    remote_id = models.CharField(max_length=64, help_text="Tedee's, so that a line is stored once.")
    sign = models.CharField(max_length=8, choices=[(sign.value, sign.value) for sign in Sign])
    at = models.DateTimeField()
    grant = models.ForeignKey("pins.AccessGrant", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    is_foreign = models.BooleanField(default=False, help_text="The cloud named a code that is not ours.")

    class Meta:
        default_permissions = ("view",)
        constraints = (models.UniqueConstraint(name="doorentry_once", fields=["lock", "remote_id"]),)
        indexes = (
            models.Index(name="doorentry_of_lock", fields=["lock", "at"]),
            models.Index(name="doorentry_age", fields=["at"]),
        )

    def __str__(self) -> str:
        return _("{sign} at lock {number}").format(sign=self.sign, number=self.lock_id)


class StayArrival(models.Model):
    """What the activity of its locks says about one stay (`pins.core.arrival`). There is a row from the first time that
    they were read for it."""

    booking = models.OneToOneField("rentals.Booking", on_delete=models.CASCADE, related_name="arrival")
    read_at = models.DateTimeField(help_text="Until when the activity of all its locks is known.")
    first_opened_at = models.DateTimeField(null=True, blank=True)
    is_named = models.BooleanField(default=False, help_text="The cloud named the code of that first time.")
    maybe_used = models.BooleanField(
        default=False, help_text="A code was used since it works, and it may have been this guest's."
    )
    early_at = models.DateTimeField(null=True, blank=True, help_text="The last try before the code works.")
    early_is_named = models.BooleanField(default=False)
    wrong_at = models.DateTimeField(null=True, blank=True, help_text="The last of several wrong codes.")
    wrong_tries = models.PositiveSmallIntegerField(default=0)
    absent_at = models.DateTimeField(null=True, blank=True, help_text="When it was certain that no code was used.")
    announced = models.BooleanField(default=False, help_text="Whoever wants to hear that nobody came was told.")

    class Meta:
        default_permissions = ("view",)
        indexes = (
            models.Index(
                name="arrival_unannounced",
                fields=["absent_at"],
                condition=models.Q(announced=False, absent_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return _("Arrival of stay {number}").format(number=self.booking_id)
