"""Messages that wake a lock: which are needed, and which are under way already.

`LockState.dispatched_at` is a mark: a message that asks for a run is under way since then, or an alarm is set for then.
It is a hint. Losing it costs a message too many, or one sweep.

How no change is left lying. Who changes a wish commits it first and then looks at the mark. A run that begins takes the
mark away first and then looks for work. So a change that finds a mark was committed before that run looks:

    change:  commit the wish -> find the mark: send nothing; else set it -> send
    run:     take the mark away -> look for work -> work -> give the lease back and take the mark away -> look

A message that finds the lease taken leaves its mark: one message is enough for all changes during a run, because the
run that holds the lease looks once more when it gives it back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When

from pins.models import LockState, Pin
from pins.reconcile import statements
from pins.reconcile.statements import Slot, Statement, kept, slot

#: Work that is due, and whose deadline is so near, sends a message whatever is under way.
URGENT = timedelta(hours=1)
#: The clocks of two machines may differ by so much: a mark this little ahead is that of a message, not an alarm.
CLOCKS_DIFFER = timedelta(seconds=2)


def hint_holds() -> timedelta:
    """How long a message is waited for. After that it counts as lost, and the next wake or sweep sends another one."""
    return timedelta(seconds=max(30, 3 * settings.SWEEP_SECONDS))


def under_way(now: datetime, path: str = "") -> Q:
    """States of locks (or what leads to them by `path`, such as `operation__`) to which a message is under way. An
    alarm that is set for later hides nothing that is due now."""
    return Q(**{f"{path}dispatched_at__gt": now - hint_holds(), f"{path}dispatched_at__lte": now})


def mark(lock_ids: Iterable[int], now: datetime) -> list[int]:
    """Mark locks as woken; return those to which a message must be sent, in the given order.

    The mark comes before the message. After it, the run could end before the mark is set, and then the mark of a
    message that is over would keep the next change from sending one.
    """
    ids = list(dict.fromkeys(lock_ids))
    if not ids:
        return []
    states = LockState.objects.filter(lock_id__in=ids)
    urgent = Pin.objects.filter(lock=OuterRef("lock_id"), next_try_at__lte=now, deadline_at__lte=now + URGENT)
    silent = under_way(now) & ~Q(Exists(urgent.order_by()))
    if len(ids) == 1:
        # The usual case by one statement. A lock that never ran has no state yet, and is woken too.
        return ids if _set_mark(states.exclude(silent), now) or not states.exists() else []
    quiet = Case(When(silent, then=True), default=False)
    known = dict(states.annotate(quiet=quiet).values_list("lock_id", "quiet"))
    # Two changes at one moment may both find no mark. Then the second message finds nothing to do.
    marked = _set_marks(states.filter(lock_id__in=[one for one, is_quiet in known.items() if not is_quiet]), now)
    return [lock_id for lock_id in ids if lock_id in marked or lock_id not in known]


def _set_marks(states: QuerySet[LockState], now: datetime) -> set[int]:
    """Without waiting for a row that somebody else has at this moment: of a run that looks for work itself, or of a
    process that hangs in its transaction, for which all other locks must not wait. The next sweep asks again. In one
    order, so that two of these do not stop each other."""
    with transaction.atomic():
        free = states.select_for_update(skip_locked=True).order_by("pk")
        marked = set(free.values_list("lock_id", flat=True))
        _set_mark(LockState.objects.filter(lock_id__in=marked), now)
    return marked


def _set_mark(states: QuerySet[LockState], now: datetime) -> int:
    """An alarm that is set for later stays known: otherwise the next run would set a second one."""
    return states.update(dispatched_at=Case(When(dispatched_at__gt=now, then=F("dispatched_at")), default=Value(now)))


def withdraw(lock_ids: Collection[int], marked_at: datetime) -> None:
    """These messages could not be sent: the next wake must try again. Marks of others stay."""
    LockState.objects.filter(lock_id__in=lock_ids, dispatched_at=marked_at).update(dispatched_at=None)


def arrived(lock_id: int, now: datetime) -> None:
    """A message has arrived: changes from now on need another one. Call it before looking for work.

    Looking first would lose a change that is committed after the look and finds the mark before it is taken away.
    While a run holds the lease the mark stays: that run takes it away itself, and then looks.
    """
    _taking_away().run({"lock": lock_id, "now": now, "ahead": now + CLOCKS_DIFFER})


@kept
def _taking_away() -> Statement:
    free = Q(lease_until=None) | Q(lease_until__lte=slot("now", LockState, "lease_until"))
    marked = Q(dispatched_at__lte=slot("ahead", LockState, "dispatched_at"))
    return statements.update(
        LockState.objects.filter(free, marked, lock=slot("lock", LockState)), {"dispatched_at": None}
    )


def without_mark(ahead: Slot) -> Case:
    """`dispatched_at` for the end of a run: an alarm for later than `ahead` stays, else nothing is under way."""
    return Case(When(dispatched_at__gt=ahead, then=F("dispatched_at")))
