"""Facts of operation: leases, pauses, budgets. Losing them would cost time, never a code."""

from __future__ import annotations

from typing import Final

from django.db import models

#: The pause of a lock whose account is observe-only (`LockAccount.observe_only`) while writes are due there.
#: It keeps the sweep away until the account may be written to again; a run still reads what may be read.
OBSERVE_ONLY: Final = "watched"


class LockState(models.Model):
    """One row per lock. The lease makes sure that one run at a time speaks to the device."""

    lock = models.OneToOneField("rentals.Lock", on_delete=models.CASCADE, primary_key=True, related_name="operation")
    device_id = models.PositiveBigIntegerField(null=True, blank=True, help_text="The device our remote ids belong to.")
    lease_owner = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    rate_key = models.CharField(max_length=80, blank=True, db_index=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    pause_cause = models.CharField(max_length=24, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="Failed requests in a row.")
    failures_alike = models.PositiveIntegerField(default=0, help_text="Of those, the last ones with the same cause.")
    forbidden_key = models.CharField(
        max_length=64, blank=True, help_text="Fingerprint of the key that has no permission for this lock."
    )
    dispatched_at = models.DateTimeField(
        null=True, blank=True, help_text="A hint: a run was asked for at, or for, this time."
    )
    foreign_pins = models.PositiveSmallIntegerField(default=0, help_text="Codes that are not ours, at the last look.")
    foreign_names = models.JSONField(
        default=list, blank=True, help_text="What those codes are called in the lock app, at most 120 of them."
    )
    looked_at = models.DateTimeField(null=True, blank=True, help_text="When the lock's list was last read.")
    offline_since = models.DateTimeField(
        null=True, blank=True, help_text="When a check first found the lock out of reach while somebody needs it."
    )

    def __str__(self) -> str:
        return f"Lock {self.lock_id}"


class AccountState(models.Model):
    """One row per account: a dead key, and outages of the cloud as this account sees them."""

    account = models.OneToOneField(
        "rentals.LockAccount", on_delete=models.CASCADE, primary_key=True, related_name="operation"
    )
    paused_until = models.DateTimeField(null=True, blank=True)
    pause_cause = models.CharField(max_length=24, blank=True)
    dead_key = models.CharField(max_length=64, blank=True, help_text="Fingerprint of the key that was refused.")
    recent_faults = models.JSONField(default=list, blank=True)
    watched_at = models.DateTimeField(
        null=True, blank=True, help_text="When the connectivity of offline locks was last checked."
    )
    outages = models.PositiveIntegerField(default=0, help_text="Probes in a row that found the cloud out of reach.")

    def __str__(self) -> str:
        return f"Account {self.account_id}"


class RateBudget(models.Model):
    """Requests spent by one Tedee user, kept here so that a flushed Redis cannot overspend."""

    key = models.CharField(max_length=80, primary_key=True)
    usage = models.JSONField(default=dict)
    cutoff_at = models.DateTimeField(
        null=True, blank=True, help_text="Under scarcity: only work that is due before this moment may spend."
    )

    def __str__(self) -> str:
        return self.key


class Heartbeat(models.Model):
    """When a periodic task last ran."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
