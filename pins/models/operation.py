"""Facts of operation: leases, pauses, budgets. Losing them would cost time, never a code."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext as _

#: The pause of a lock whose account is observe-only (`LockAccount.observe_only`) while writes are due there.
#: It keeps the sweep away until the account may be written to again; a run still reads what may be read.
OBSERVE_ONLY: Final = "watched"
#: Locks that were out of reach when they were last asked, or that are watched because they seem to be.
OFFLINE: Final = models.Q(pause_cause="offline") | models.Q(offline_since__isnull=False)


class LockState(models.Model):
    """One row per lock. The lease makes sure that one run at a time speaks to the device."""

    lock = models.OneToOneField("rentals.Lock", on_delete=models.CASCADE, primary_key=True, related_name="operation")
    device_id = models.PositiveBigIntegerField(null=True, blank=True, help_text="The device our remote ids belong to.")
    lease_owner = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    rate_key = models.CharField(max_length=80, blank=True, db_index=True)
    block_is_void = models.BooleanField(
        default=False, help_text="What its run took from the budget in advance must not be sent any more."
    )
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
    strangers_since = models.JSONField(
        null=True, blank=True, help_text="When lists first showed each code that is not ours, by its id on the lock."
    )
    looked_at = models.DateTimeField(null=True, blank=True, help_text="When the lock's list was last read.")
    list_version = models.BigIntegerField(
        null=True, blank=True, help_text="The version of the last list that was read in full."
    )
    writes_since = models.PositiveIntegerField(
        default=0, help_text="Changes that were sent since that list, whatever became of them."
    )
    confirmed_since = models.PositiveIntegerField(default=0, help_text="Of those, the confirmed ones.")
    version_counts = models.BooleanField(
        null=True, blank=True, help_text="Has the list's version risen with our confirmed changes, when last compared?"
    )
    written_at = models.DateTimeField(null=True, blank=True, help_text="When a change was last sent.")
    list_proven_at = models.DateTimeField(
        null=True, blank=True, help_text="When a list last showed a code that we knew to be there."
    )
    audit_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="When the lock's list is to be compared again."
    )
    audited_at = models.DateTimeField(null=True, blank=True, help_text="When the lock's list was last compared.")
    audited_version = models.BigIntegerField(
        null=True, blank=True, help_text="The version of the list at that comparison."
    )
    confirmed_since_audit = models.PositiveIntegerField(
        default=0, help_text="Changes of ours that were confirmed since that comparison."
    )
    creation_unseen_at = models.DateTimeField(
        null=True, blank=True, help_text="When a creation whose answer was lost was last given up as not arrived."
    )
    full_list_at = models.DateTimeField(
        null=True, blank=True, help_text="When the list was last asked for without naming a version."
    )
    learned_room = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="How many codes the keypad held when it said that it was full."
    )
    learned_room_at = models.DateTimeField(null=True, blank=True)
    yielded_at = models.DateTimeField(
        null=True, blank=True, help_text="When one of our codes made room for a nearer arrival, after such an answer."
    )
    known_pin = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="The last code that the backup knew which was restored last, by its key."
    )
    read_since = models.JSONField(
        default=list, blank=True, help_text="Ids of codes that an unfinished comparison after that restore has read."
    )
    look_first = models.BooleanField(
        default=False, help_text="A backup was restored: the list is compared before the first change is sent."
    )
    offline_since = models.DateTimeField(
        null=True, blank=True, help_text="When a check first found the lock out of reach while somebody needs it."
    )

    #: What only the run of a lock and its own page need.
    LISTS: Final = ("foreign_names", "strangers_since")

    class Meta:
        indexes = (
            models.Index(name="lockstate_forbidden", fields=["lock"], condition=~models.Q(forbidden_key="")),
            models.Index(name="lockstate_offline", fields=["lock"], condition=OFFLINE),
        )

    def __str__(self) -> str:
        return _("Lock {number}").format(number=self.lock_id)


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
    probed_lock = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="The lock (its key here) whose probe failed last; another one is tried next."
    )
    writes_refused = models.PositiveSmallIntegerField(
        default=0, help_text="Changes in a row that the key was not allowed to make, on any lock."
    )
    listed_at = models.DateTimeField(
        null=True, blank=True, help_text="When batteries and connections of its locks were last read."
    )
    key_valid_to = models.DateTimeField(null=True, blank=True, help_text="When the access key ends, as Tedee says.")
    key_checked_at = models.DateTimeField(null=True, blank=True)
    key_may_write = models.BooleanField(
        null=True, blank=True, help_text="Whether the access key may change codes, where Tedee says so."
    )
    alias_form = models.CharField(
        max_length=40, blank=True, help_text="How names of codes must be written so that they come back as sent."
    )
    alias_probe = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="The code on a lock (its key here) whose name is read back to learn that."
    )
    alias_checked_at = models.DateTimeField(null=True, blank=True)
    outages = models.PositiveIntegerField(default=0, help_text="Probes in a row that found the cloud out of reach.")

    def __str__(self) -> str:
        return _("Account {number}").format(number=self.account_id)


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
    """When a periodic task last ran, how long it took, and how long its message had waited
    (`pins.measures.heartbeats`).

    Some rows are no tasks: `beat` is when the schedule last sent a sweep, `counted` and `marks` are how far
    `pins.measures` has counted, and `restored` is when a backup last came back.
    """

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(help_text="When it last began.")
    seconds = models.FloatField(null=True, blank=True, help_text="How long the last complete one took.")
    waited = models.FloatField(null=True, blank=True, help_text="Seconds from sending its message to its beginning.")

    def __str__(self) -> str:
        return self.name


class ScanPosition(models.Model):
    """How far a slow walk through a large table has come: one row a walk. Moved by compare-and-set, so that two runs at
    once walk the same slice, and none is left out."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(null=True, blank=True, help_text="Of the last row that was seen. Empty: a new round.")
    row = models.BigIntegerField(default=0, help_text="Its key.")
    size = models.PositiveIntegerField(default=0, help_text="Rows a slice, in this round.")

    def __str__(self) -> str:
        return self.name
