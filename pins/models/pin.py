"""A grant on one lock: what should be there and what we last knew to be there."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import pgettext_lazy

from pins.core.deadlines import deadline
from pins.core.pin_state import Blocked, Content, Desired, Late, Observed, Op, PendingWrite, PinView, State, Twin
from pins.core.plan import next_look_at, state_of
from pins.core.posts import Post, read_ends, write_ends
from pins.core.recurrence import read_recurrence, write_recurrence
from rentals.fields import EncryptedTextField

#: PINs between two settled states, by their stored state. An index holds these alone.
UNSETTLED: Final = ~models.Q(state__in=["set", "removed", "scheduled"])
DUE_SOME_TIME: Final = models.Q(deadline_at__isnull=False)
#: As support reads them in the list; `pins.status.wording` says more to others.
STATES: Final = (
    (State.SCHEDULED.value, pgettext_lazy("state of a code", "scheduled")),
    (State.SETTING.value, pgettext_lazy("state of a code", "setting")),
    (State.SET.value, pgettext_lazy("state of a code", "set")),
    (State.CHANGING.value, pgettext_lazy("state of a code", "changing")),
    (State.REMOVING.value, pgettext_lazy("state of a code", "removing")),
    (State.REMOVED.value, pgettext_lazy("state of a code", "removed")),
    (State.IN_DOUBT.value, pgettext_lazy("state of a code", "in doubt")),
    (State.BLOCKED.value, pgettext_lazy("state of a code", "blocked")),
)


class Pin(models.Model):
    """Two writers, two sides. `wanted`, `admitted`, `desired_rev` (and code and period on the grant) belong to
    `pins.desired`; everything below `remote_id` belongs to `pins.reconcile`. State and schedule are computed from both
    and written by whoever wrote a side, under the row's lock."""

    grant = models.ForeignKey("pins.AccessGrant", on_delete=models.CASCADE, related_name="pins")
    lock = models.ForeignKey("rentals.Lock", on_delete=models.PROTECT, related_name="pins")
    alias = models.CharField(max_length=30, blank=True, help_text=lazy("Its name in the Tedee app."))

    wanted = models.BooleanField(default=True)
    admitted = models.BooleanField(default=True, help_text="The keypad has room for it; nearest arrivals first.")
    desired_rev = models.PositiveIntegerField(default=1)
    wished_at = models.DateTimeField(default=timezone.now, help_text="When the wish last changed.")

    observed_rev = models.PositiveIntegerField(
        default=0, help_text="Raised whenever the observed side or the plan is stored, so that nobody stores over it."
    )
    remote_id = models.BigIntegerField(null=True, blank=True)
    applied_known = models.BooleanField(default=False)
    applied_code = EncryptedTextField(blank=True)
    applied_starts_at = models.DateTimeField(null=True, blank=True)
    applied_ends_at = models.DateTimeField(null=True, blank=True)
    applied_recurrence = models.CharField(max_length=24, blank=True)
    extra_ids = models.JSONField(default=list, blank=True)
    must_look = models.BooleanField(default=False)
    must_read = models.BooleanField(default=False)
    read_when_near = models.BooleanField(
        default=False, help_text="Somebody changed codes of the lock: this one is read when its stay comes near."
    )
    omitted = models.BooleanField("left out by a list", default=False)
    not_found = models.BooleanField("not found by its id", default=False)
    nominees = models.JSONField(default=list, blank=True)
    posts = models.JSONField("codes that may have been made", default=list, blank=True)
    more_posts = models.PositiveSmallIntegerField(default=0)
    edited_at = models.DateTimeField(null=True, blank=True)
    sent_alias = models.CharField(max_length=30, blank=True)
    left_codes = EncryptedTextField(blank=True)
    left_ends = models.JSONField("ends of codes that may be left", default=list, blank=True)
    suspected_at = models.DateTimeField("codes of others are suspected since", null=True, blank=True)
    twins = models.JSONField("codes of others with a value of ours", default=list, blank=True)
    read_failures = models.PositiveSmallIntegerField(default=0)
    listed_at = models.DateTimeField(null=True, blank=True)
    list_doubted_at = models.DateTimeField(null=True, blank=True)

    op = models.CharField(max_length=6, blank=True, choices=[(op.value, op.value.upper()) for op in Op])
    op_rev = models.PositiveIntegerField(default=0)
    op_token = models.UUIDField(null=True, blank=True)
    op_remote_id = models.BigIntegerField(null=True, blank=True)
    op_code = EncryptedTextField(blank=True)
    op_starts_at = models.DateTimeField(null=True, blank=True)
    op_ends_at = models.DateTimeField(null=True, blank=True)
    op_recurrence = models.CharField(max_length=24, blank=True)
    op_in_doubt = models.BooleanField(default=False)

    late_until = models.DateTimeField(null=True, blank=True)
    late_rev = models.PositiveIntegerField(default=0)
    late_count = models.PositiveSmallIntegerField(default=0)
    late_kinds = models.CharField(max_length=20, blank=True)
    late_codes = EncryptedTextField(blank=True)

    hold_until = models.DateTimeField(null=True, blank=True)
    hold_rev = models.PositiveIntegerField(default=0)
    troubles = models.PositiveIntegerField(default=0)
    exists = models.BooleanField("value exists on the lock", default=False)
    refused = models.BooleanField("value refused by the lock", default=False)
    lapsed = models.BooleanField(default=False)
    start_refused = models.BooleanField(default=False)
    refusals = models.PositiveSmallIntegerField(default=0)
    blocked = models.CharField(max_length=24, blank=True, choices=[(reason.value, reason.value) for reason in Blocked])
    blocked_rev = models.PositiveIntegerField(default=0)
    tried_rev = models.PositiveIntegerField(default=0)
    last_cause = models.CharField(max_length=24, blank=True, help_text="Why the last request did not succeed.")

    state = models.CharField(
        max_length=12,
        default=State.SCHEDULED.value,
        choices=STATES,
    )
    next_try_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    deadline_at = models.DateTimeField(null=True, blank=True)
    state_changed_at = models.DateTimeField(default=timezone.now)

    _as_read: dict[str, Any]
    #: How many values are claimed for its grant on its lock; `None`: not counted.
    claims_held: int | None = None

    #: What only the run of a lock needs.
    SECRETS: Final = ("applied_code", "op_code", "late_codes", "left_codes")

    class Meta:
        verbose_name = lazy("code on a lock")
        verbose_name_plural = lazy("codes on locks")
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(name="pin_once_per_grant_and_lock", fields=["grant", "lock"]),
            models.CheckConstraint(
                name="pin_state_known", condition=models.Q(state__in=[state.value for state in State])
            ),
            models.CheckConstraint(name="pin_op_known", condition=models.Q(op__in=["", "post", "put", "delete"])),
            models.CheckConstraint(
                name="pin_op_has_token", condition=models.Q(op="") | models.Q(op_token__isnull=False)
            ),
        )
        indexes = (
            models.Index(fields=["next_try_at"], name="pin_due", condition=models.Q(next_try_at__isnull=False)),
            models.Index(fields=["lock", "next_try_at"], name="pin_due_on_lock"),
            models.Index(fields=["state"], name="pin_state"),
            # Which were confirmed since the last count (pins.measures.counting).
            models.Index(fields=["state_changed_at"], name="pin_set_at", condition=models.Q(state="set")),
            # Few of many: looked for with every sweep.
            models.Index(name="pin_unready", fields=["deadline_at"], condition=~models.Q(state="set") & DUE_SOME_TIME),
            models.Index(name="pin_unsettled", fields=["wished_at"], condition=UNSETTLED),
        )

    def __str__(self) -> str:
        return self.alias or f"PIN {self.pk}"

    @property
    def desired(self) -> Desired:
        grant = self.grant
        return Desired(
            wanted=self.wanted,
            admitted=self.admitted,
            content=Content(grant.code, grant.begins_at, grant.stops_at, read_recurrence(grant.recurrence)),
            rev=self.desired_rev,
            issue_at=grant.issue_at,
            disclosed=grant.disclosed_at is not None,
            reserve=grant.is_reserve,
        )

    @property
    def observed(self) -> Observed:
        applied = pending = late = None
        if self.applied_known:
            when = read_recurrence(self.applied_recurrence)
            applied = Content(self.applied_code, self.applied_starts_at, self.applied_ends_at, when)
        if self.op:
            content = None
            if self.op != Op.DELETE:
                when = read_recurrence(self.op_recurrence)
                content = Content(self.op_code, self.op_starts_at, self.op_ends_at, when)
            pending = PendingWrite(Op(self.op), self.op_rev, content, self.op_remote_id, self.op_in_doubt)
        if self.late_until is not None:
            kinds = frozenset(Op(kind) for kind in self.late_kinds.split(",") if kind)
            codes = frozenset(code for code in self.late_codes.split(",") if code)
            late = Late(self.late_until, self.late_rev, self.late_count, kinds, codes)
        plain = {name: getattr(self, name) for name in _PLAIN}
        return Observed(
            applied=applied,
            pending=pending,
            late=late,
            extra_ids=tuple(self.extra_ids),
            nominees=tuple(self.nominees),
            posts=tuple(Post.from_json(post) for post in self.posts),
            left_codes=frozenset(code for code in self.left_codes.split(",") if code),
            left_ends=read_ends(self.left_ends),
            twins=tuple(Twin(*one) for one in self.twins),
            **plain,
        )

    @property
    def view(self) -> PinView:
        return PinView(self.desired, self.observed)

    def put_observed(self, observed: Observed) -> None:
        """Take over the observed side (unsaved). The token stays: it belongs to the request, not to its meaning."""
        for name in _PLAIN:
            setattr(self, name, getattr(observed, name))
        self.extra_ids = list(observed.extra_ids)
        self.nominees = list(observed.nominees)
        self.posts = [post.to_json() for post in observed.posts]
        self.left_codes = ",".join(sorted(observed.left_codes))
        self.left_ends = write_ends(observed.left_ends)
        self.twins = [[one.id, one.name] for one in observed.twins]
        applied = observed.applied or Content("", None, None)
        self.applied_known = observed.applied is not None
        self.applied_code = applied.code
        self.applied_starts_at, self.applied_ends_at = applied.starts_at, applied.ends_at
        self.applied_recurrence = write_recurrence(applied.recurrence)
        pending = observed.pending
        content = (pending.content if pending is not None else None) or Content("", None, None)
        self.op = pending.op.value if pending is not None else ""
        self.op_rev = pending.rev if pending is not None else 0
        self.op_remote_id = pending.remote_id if pending is not None else None
        self.op_code, self.op_starts_at, self.op_ends_at = content.code, content.starts_at, content.ends_at
        self.op_recurrence = write_recurrence(content.recurrence)
        self.op_in_doubt = pending.in_doubt if pending is not None else False
        late = observed.late
        self.late_until = late.until if late is not None else None
        self.late_rev = late.rev if late is not None else 0
        self.late_count = late.count if late is not None else 0
        self.late_kinds = ",".join(sorted(late.kinds)) if late is not None else ""
        self.late_codes = ",".join(sorted(late.codes)) if late is not None else ""

    def note_read(self) -> None:
        """Remember what the row holds, so that `changed_columns` can tell what differs. After it was read or stored."""
        self._as_read = {name: getattr(self, name) for name in OBSERVED_COLUMNS}

    def changed_columns(self) -> dict[str, Any]:
        """What differs from the row that was noted, of the observed side and the plan."""
        return {name: getattr(self, name) for name, old in self._as_read.items() if getattr(self, name) != old}

    def refresh_plan(self, now: datetime) -> None:
        """Recompute what follows from both sides: state, next try, deadline (unsaved)."""
        view = self.view
        state = state_of(view, now).value
        if state != self.state:
            self.state, self.state_changed_at = state, now
        self.next_try_at = next_look_at(view, now)
        # A code that is as it should be waits for its end, and then it is a removal: no work of this moment.
        due = self.next_try_at if state == State.SET else now
        self.deadline_at = deadline(view, max(due, now)) if due is not None and self.next_try_at is not None else None


#: Observed facts that are stored as lists.
_LISTS = ("extra_ids", "nominees", "posts", "left_ends", "twins")
#: Observed facts that are stored under their own name.
_PLAIN = tuple(
    name
    for name in (field.name for field in fields(Observed))
    if name not in {"applied", "pending", "late", *_LISTS, "left_codes"}
)
#: The columns of each writer, for `save(update_fields=...)`.
PLANNED_COLUMNS = ("state", "next_try_at", "deadline_at", "state_changed_at")
DESIRED_COLUMNS = ("alias", "wanted", "admitted", "desired_rev", "wished_at", *PLANNED_COLUMNS)
OBSERVED_COLUMNS = (
    *_PLAIN,
    *(*_LISTS, "left_codes"),
    *("applied_known", "applied_code", "applied_starts_at", "applied_ends_at", "applied_recurrence"),
    *("op", "op_rev", "op_token", "op_remote_id", "op_in_doubt"),
    *("op_code", "op_starts_at", "op_ends_at", "op_recurrence"),
    *("late_until", "late_rev", "late_count", "late_kinds", "late_codes", "last_cause"),
    *("observed_rev", *PLANNED_COLUMNS),
)
