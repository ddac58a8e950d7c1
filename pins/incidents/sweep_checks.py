"""The checks of every sweep: open incidents for what is late, raise what becomes more urgent, resolve what is over.

They read the database only, in as many queries for five hundred properties as for one, and write only where something
changed. Each begins with what is due or open, by an index that holds little else, so a check costs the same among a
million codes as among a thousand. Heavier checks, which can wait a minute, are in `pins.incidents.slow_checks`. All
times are UTC.
"""

from __future__ import annotations

import dataclasses
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from pins.core import budget
from pins.core.pin_state import State
from pins.models import AccessGrant, Incident, LockState, Pin, RateBudget
from pins.models.incident import less_than, rank, subject_key
from pins.models.operation import OFFLINE
from pins.models.pin import UNSETTLED
from pins.reconcile import endings, request_budget
from pins.tedee.errors import Cause
from rentals.models import Booking, Lock, LockAccount

logger = logging.getLogger(__name__)

Kind, Severity = Incident.Kind, Incident.Severity

#: How long an ordinary setting or removal may take before a person is told.
PATIENCE = timedelta(minutes=10)
#: The same for a guest who is at the door: from the start of the stay, or from the wish if that is later.
PATIENCE_AT_THE_DOOR = timedelta(minutes=2)
#: How long a lock may be out of reach: a bridge that starts anew takes minutes.
OFFLINE_PATIENCE = timedelta(minutes=15)
#: A lock out of reach is an incident only if somebody needs it within this time.
NEEDED_SOON = timedelta(days=1)
#: An incident about a code that somebody changed in the lock app stays open for so long, although the code is set
#: again.
SHOW_HAND_CHANGES = timedelta(days=1)
#: How many incidents one check opens at most, the most urgent first; the next one comes soon.
MOST_OPENED = 5_000
_BATCH = 500
#: PINs that are on their lock, or that a request under way or in doubt may have put there.
MAYBE_ON_LOCK: Final = Q(remote_id__isnull=False) | ~Q(op="") | Q(must_look=True)


#: Spare codes that nobody ever had: one that is on a lock too long harms nobody.
_NOBODYS: Final = Q(grant__kind=AccessGrant.Kind.BACKUP, grant__disclosed_at=None)


#: The open incidents: by kind and subject, their id and severity.
Standing = Mapping[tuple[str, str], tuple[int, str]]


@dataclass(frozen=True)
class Found:
    """What a check found of one kind: primary keys of the model of `field`, and the severity for each. `feeds`: the
    calendar that each belongs to, where that is said with it."""

    field: str
    severities: Mapping[int, Incident.Severity]
    feeds: Mapping[int, int] = dataclasses.field(default_factory=dict)


def check(now: datetime) -> None:
    """Open, raise and resolve the incidents that time brings about; resolve those of runs whose cause went away."""
    standing = open_incidents()
    late, unknown = _unready_codes(standing, now)
    keep(
        standing,
        {
            Kind.CODE_LATE: Found("pin", late),
            Kind.OUTCOME_UNKNOWN: Found("pin", unknown),
            Kind.CODE_STAYS: Found("pin", _staying(now)),
            Kind.LOCK_OFFLINE: Found("lock", _offline_locks(now)),
            Kind.BUDGET_SPENT: Found("account", _short_budgets(now)),
        },
        now,
    )
    _resolve_what_is_over({kind for kind, _ in standing}, now)


def open_incidents() -> Standing:
    """The open incidents. Read them before looking for causes: an incident that a run resolves meanwhile is then not
    opened a second time."""
    rows = Incident.objects.filter(resolved_at__isnull=True).values_list("pk", "kind", "subject", "severity")
    return {(kind, subject): (pk, severity) for pk, kind, subject, severity in rows}


def keep(standing: Standing, found: Mapping[Incident.Kind, Found], now: datetime) -> None:
    """Make the open incidents of these kinds equal to what was found after `standing` was read.

    A severity only rises. Two checks at once do no harm: the database refuses a second open incident of one cause.
    """
    fresh: list[Incident] = []
    rising: defaultdict[Incident.Severity, list[int]] = defaultdict(list)
    over = {at: pk for at, (pk, _) in standing.items() if at[0] in found}
    for kind, met in found.items():
        for key, severity in met.severities.items():
            at = (kind.value, subject_key(met.field, key))
            over.pop(at, None)
            if at not in standing:
                about = {f"{met.field}_id": key} | ({"feed_id": met.feeds[key]} if key in met.feeds else {})
                fresh.append(Incident(kind=kind, subject=at[1], severity=severity, opened_at=now, **about))
            elif rank(standing[at][1]) < rank(severity):
                rising[severity].append(standing[at][0])
    fresh.sort(key=lambda one: rank(one.severity), reverse=True)
    _open(fresh[:MOST_OPENED])
    still_open = Incident.objects.filter(resolved_at__isnull=True)  # one that a run resolved meanwhile stays resolved
    for severity, ids in rising.items():
        _update(ids, still_open.filter(severity__in=less_than(severity)), severity=severity)
    _update(list(over.values()), still_open, resolved_at=now)


def _open(fresh: list[Incident]) -> None:
    for start in range(0, len(fresh), _BATCH):
        try:
            with transaction.atomic():
                Incident.objects.bulk_create(fresh[start : start + _BATCH], ignore_conflicts=True)
        except IntegrityError:  # a subject was deleted since we read it; the next check finds the others again
            logger.info("incident_subject_gone")


def _update(ids: list[int], rows: QuerySet[Incident], **fields: object) -> None:
    for start in range(0, len(ids), _BATCH):
        rows.filter(pk__in=ids[start : start + _BATCH]).update(**fields)


def urgency(moment: datetime, now: datetime) -> Incident.Severity:
    """Urgent from `CODE_URGENT_HOURS` before the moment on; before that a warning."""
    return Severity.URGENT if moment <= now + timedelta(hours=settings.CODE_URGENT_HOURS) else Severity.WARNING


def _unready_codes(
    standing: Standing, now: datetime
) -> tuple[dict[int, Incident.Severity], dict[int, Incident.Severity]]:
    """Codes of guests who arrive within `CODE_WARN_HOURS`, or are here, that the lock does not hold for certain: those
    that are late, and among them those whose state is unknown because answers are lost again and again.

    An extension becomes urgent when the old end comes near, not before: its deadline counts. On an observe-only lock
    nothing is late.
    """
    soon = now + timedelta(hours=settings.CODE_WARN_HOURS)
    unready = (
        Pin.objects.filter(wanted=True, grant__wanted=True, grant__starts_at__lte=soon, grant__ends_at__gt=now)
        .filter(deadline_at__lte=soon, lock__account__observe_only=False)
        .exclude(state=State.SET)
        # Not before its time: a property may issue codes no earlier than check-in.
        .exclude(state=State.SCHEDULED, deadline_at__gt=now, grant__issue_at__gt=now - PATIENCE)
        .exclude(deadline_at__gt=now, wished_at__gt=now - PATIENCE)
        .exclude(deadline_at__lte=now, wished_at__gt=now - PATIENCE_AT_THE_DOOR)
    )
    late: dict[int, Incident.Severity] = {}
    unknown: dict[int, Incident.Severity] = {}
    columns = ("pk", "state", "state_changed_at", "grant__starts_at", "deadline_at", "grant__kind")
    for pk, state, since, starts_at, due, holder in unready.values_list(*columns):
        just_begun = due is not None and now - PATIENCE_AT_THE_DOOR < due <= now
        if just_begun and (Kind.CODE_LATE.value, subject_key("pin", pk)) not in standing:
            continue  # one that was late before the guest came stays open
        # Who works there comes another time, or rings: a person should know, and nobody need be woken.
        is_guest = holder == AccessGrant.Kind.GUEST
        late[pk] = urgency(max(starts_at, due or now), now) if is_guest else Severity.WARNING
        if state == State.IN_DOUBT and since <= now - PATIENCE:
            unknown[pk] = late[pk]
    return late, unknown


def staying_codes(now: datetime) -> QuerySet[Pin]:
    """Codes that are, or may be, on a lock `PATIENCE` after nobody wants them any more. Observe-only locks count, too:
    the code still opens them."""
    ended = Q(grant__ends_at__lte=now - PATIENCE)
    unwanted = Q(wanted=False, wished_at__lte=now - PATIENCE)
    # One that is on its lock and not between two states is due from its end on: so what is due is enough to look at.
    moving = Q(next_try_at__lte=now) | UNSETTLED
    return Pin.objects.filter(ended | unwanted).filter(MAYBE_ON_LOCK).filter(moving).exclude(_NOBODYS)


def working_codes(now: datetime) -> QuerySet[Pin]:
    """Codes that nobody wants any more and that, as far as we know, still open the lock; at once, without the patience
    of `staying_codes`. Codes that ended by themselves are not among them."""
    unwanted = Q(wanted=False) | Q(grant__ends_at__lte=now)
    begun = Q(applied_starts_at__lte=now) | Q(applied_starts_at=None)
    goes_on = Q(applied_ends_at__gt=now) | Q(applied_ends_at=None)
    return Pin.objects.filter(unwanted & MAYBE_ON_LOCK, begun, goes_on, applied_known=True).exclude(_NOBODYS)


def second_codes(now: datetime) -> QuerySet[Pin]:
    """Codes that nobody wants any more, and whose digits another code on the lock has, as a person was told."""
    told = Incident.objects.filter(kind=Kind.SECOND_CODE, resolved_at__isnull=True)
    return Pin.objects.filter(Q(wanted=False) | Q(grant__ends_at__lte=now), pk__in=told.values("pin"))


def _staying(now: datetime) -> dict[int, Incident.Severity]:
    """Urgent while the code still opens the lock, because the stay was shortened, cancelled or moved away."""
    rows = staying_codes(now).values_list("pk", "applied_known", "applied_starts_at", "applied_ends_at")
    return {
        pk: Severity.URGENT
        if known and (starts_at or now) <= now and (ends_at is None or now < ends_at)
        else Severity.WARNING
        for pk, known, starts_at, ends_at in rows
    }


def _offline_locks(now: datetime) -> dict[int, Incident.Severity]:
    """Locks out of reach for longer than `OFFLINE_PATIENCE`, with a code due, or a guest due or present, within a day.

    Out of reach: disconnected according to Tedee (a fetch of the locks, webhooks), or 428 was the last answer and a
    request is due again. A lock that has all its codes opens to them while it is offline: that is worth a notice only.
    Observe-only locks do not count: nothing is written to them.
    """
    # Two queries by indexes that hold few locks: an OR over two tables would read both.
    noted = LockState.objects.filter(OFFLINE).order_by().values_list("lock", flat=True)
    disconnected = Lock.objects.filter(is_connected=False).order_by().values_list("pk", flat=True)
    doubted = list(disconnected.union(noted))
    if not doubted:
        return {}
    guests = Booking.objects.filter(
        property__locks=OuterRef("pk"),
        property__is_active=True,
        status=Booking.Status.CONFIRMED,
        check_in__lte=now + NEEDED_SOON,
        check_out__gt=now,
    ).order_by("check_in")
    due_codes = Pin.objects.filter(lock=OuterRef("pk"), next_try_at__lte=now, deadline_at__isnull=False)
    rows = (
        Lock.objects.filter(pk__in=doubted, account__observe_only=False)
        .annotate(
            due=Subquery(due_codes.order_by("deadline_at").values("deadline_at")[:1]),
            guest_at=Subquery(guests.values("check_in")[:1]),
        )
        .values_list(
            "pk", "is_active", "is_connected", "operation__pause_cause", "operation__offline_since", "due", "guest_at"
        )
    )
    found: dict[int, Incident.Severity] = {}
    out_of_reach, back = [], []
    for pk, is_active, is_connected, cause, since, due, guest_at in rows:
        due_soon = due is not None and due <= now + NEEDED_SOON
        said_so = is_connected is False and is_active and guest_at is not None
        if not (due_soon and (is_connected is False or cause == Cause.OFFLINE.value)) and not said_so:
            back += [pk] if since is not None else []
        elif since is None:
            out_of_reach.append(pk)
        elif since <= now - OFFLINE_PATIENCE:
            found[pk] = urgency(due, now) if due_soon else Severity.NOTICE
    _note_offline(out_of_reach, back, now)
    return found


def _note_offline(out_of_reach: list[int], back: list[int], now: datetime) -> None:
    if out_of_reach:
        LockState.objects.bulk_create([LockState(lock_id=pk) for pk in out_of_reach], ignore_conflicts=True)
        LockState.objects.filter(lock_id__in=out_of_reach, offline_since=None).update(offline_since=now)
    if back:
        LockState.objects.filter(lock_id__in=back).update(offline_since=None)


def _short_budgets(now: datetime) -> dict[int, Incident.Severity]:
    """Accounts with too few requests for a deadline within the window (`TEDEE_RATE_WINDOW`): more falls due until then
    than may be sent. Locks that rest for another reason wait for that, not for the budget."""
    window = timedelta(seconds=settings.TEDEE_RATE_WINDOW)
    keys = {account.pk: account.budget_key for account in LockAccount.objects.only("rate_group").order_by("pk")}
    resting = Q(lock__operation__paused_until__gt=now) & ~Q(lock__operation__pause_cause=request_budget.BUDGET_SPENT)
    due = (
        Pin.objects.filter(next_try_at__lte=now, deadline_at__lte=now + window, lock__account__observe_only=False)
        .exclude(resting)
        .exclude(lock__account__operation__paused_until__gt=now)
        .order_by("deadline_at")
        .values_list("lock__account_id", "deadline_at")
    )
    deadlines: defaultdict[str, list[datetime]] = defaultdict(list)
    for account_id, deadline in due:
        deadlines[keys.get(account_id, "")].append(max(deadline or now, now))
    short = {
        row.key
        for row in RateBudget.objects.filter(key__in=deadlines)
        if _falls_short(deadlines[row.key], budget.Usage.from_json(row.usage))
    }
    first = {key: pk for pk, key in sorted(keys.items(), reverse=True)}  # one account speaks for its whole group
    return {first[key]: Severity.URGENT for key in short}


def _falls_short(deadlines: Iterable[datetime], usage: budget.Usage) -> bool:
    """Would more be due by one of these moments, earliest first, than may be sent until then?"""
    rules = request_budget.rules()
    needed = {moment: number for number, moment in enumerate(deadlines, start=1)}  # of equal moments the last counts
    return any(number > budget.remaining(usage, rules, moment) for moment, number in needed.items())


def _resolve_what_is_over(open_kinds: set[str], now: datetime) -> None:
    """Resolve incidents that a run opened and whose cause went away without a request. One UPDATE for each kind that is
    open, so that an incident that is opened meanwhile is judged by its row at that moment."""
    unsolved = Incident.objects.filter(resolved_at__isnull=True)
    codes = Pin.objects.filter(lock=OuterRef("lock"))
    waiting = codes.filter(wanted=True, grant__ends_at__gt=now)
    put_right = Q(pin__state=State.SET, opened_at__lte=now - SHOW_HAND_CHANGES)
    nobody_cares = Q(pin__wanted=False) | Q(pin__state=State.REMOVED) | Q(pin__grant__ends_at__lte=now)
    nothing_to_do = unsolved.exclude(Exists(codes.filter(next_try_at__isnull=False)))
    over = {
        Kind.NO_PERMISSION: nothing_to_do,
        Kind.LOCK_UNKNOWN: nothing_to_do,
        Kind.VALUE_REFUSED: unsolved.exclude(pin__state=State.BLOCKED),
        Kind.VALUE_TAKEN: unsolved.exclude(pin__state=State.BLOCKED),
        Kind.CREATED_OFTEN: unsolved.filter(pin__state__in=(State.SET, State.REMOVED)),
        Kind.CODE_CHANGED: unsolved.filter(pin__state=State.REMOVED),
        Kind.CHANGED_IN_APP: unsolved.filter(put_right | nobody_cares),
        Kind.SECOND_CODE: unsolved.filter(pin__twins=[]),
        Kind.TOO_MANY_CODES: unsolved.exclude(Exists(waiting.filter(admitted=False))),
        Kind.NO_ROOM: unsolved.exclude(endings.waits_for_room(now)),
    }
    for kind, rows in over.items():
        if kind.value in open_kinds:
            rows.filter(kind=kind).update(resolved_at=now)
