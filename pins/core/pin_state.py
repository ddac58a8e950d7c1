"""What a decision about one PIN is made from: frozen values, no database, no clock.

`Desired` is written by `pins.desired` alone, `Observed` by `pins.reconcile` alone. `pins.core.plan` reads both and
names the next step; `pins.core.transitions` turns an answer into the next `Observed`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from pins.core.posts import Post
from pins.tedee.messages import Recurrence


class Op(StrEnum):
    """A request that changes the lock."""

    POST = "post"
    PUT = "put"
    DELETE = "delete"


class State(StrEnum):
    """Where a PIN stands.

    ::

        scheduled --> setting --> set --> removing --> removed
                        |        ^  |        |            |
                        |        |  v        |            | (the stay comes back)
                        |      changing      |            v
                        |         |          |         setting
                        +---------+----------+
                                  |
            in_doubt: an answer was lost, we look before we act again
            blocked:  a person must act; the reason is stored beside it

    `in_doubt` and `blocked` say why nothing moves; they erase no attempt that is under way.
    """

    SCHEDULED = "scheduled"
    SETTING = "setting"
    SET = "set"
    CHANGING = "changing"
    REMOVING = "removing"
    REMOVED = "removed"
    IN_DOUBT = "in_doubt"
    BLOCKED = "blocked"


class Blocked(StrEnum):
    """Why a person must act."""

    VALUE_REFUSED = "value_refused"  # the lock refused several values, or the only one that the guest knows
    VALUE_TAKEN = "value_taken"  # a foreign PIN has the value, and the guest already knows ours
    CREATED_OFTEN = "created_often"  # it was sent several times, and nobody can say how many codes that made
    EDITED_AGAIN = "edited_again"  # somebody changed it in the Tedee app twice within a day


@dataclass(frozen=True)
class Content:
    """What a PIN says: its code, its period (UTC, half-open), and when it opens within that.

    A start or an end of `None` is not set: without an end the PIN is permanent. A recurrence of `None` is all day on
    every day.
    """

    code: str = field(repr=False)
    starts_at: datetime | None
    ends_at: datetime | None
    recurrence: Recurrence | None = None

    def has_ended(self, now: datetime) -> bool:
        """Does the lock refuse it from now on (Tedee API, PIN expiry)?"""
        return self.ends_at is not None and self.ends_at <= now


@dataclass(frozen=True)
class PendingWrite:
    """A write that was sent, or was about to be, and has no certain answer yet."""

    op: Op
    rev: int  # the desired revision it was made for
    content: Content | None  # what a POST or PUT carried
    remote_id: int | None  # what a PUT or DELETE was aimed at
    in_doubt: bool = False  # the answer was lost, or the run that sent it is gone


@dataclass(frozen=True)
class Late:
    """Changes whose answers were lost and which may still reach the lock."""

    until: datetime  # after this moment none of them can land any more
    rev: int  # the oldest desired revision among them
    count: int
    kinds: frozenset[Op]
    codes: frozenset[str] = field(default=frozenset(), repr=False)  # of lost POSTs: the lock may still make such a PIN


@dataclass(frozen=True)
class Twin:
    """A code under another name, with a value that we sent and with other times."""

    id: int
    name: str  # what people see in the lock app, without digits that may be a code


@dataclass(frozen=True)
class Desired:
    """What should be on the lock."""

    wanted: bool  # the stay and the lock ask for it
    admitted: bool  # the keypad has room for it, nearest arrivals first
    content: Content
    rev: int  # raised by every change of the wish
    issue_at: datetime  # not on the lock before this moment
    disclosed: bool  # somebody knows the code: its value is fixed
    reserve: bool = False  # a spare code that nobody has: whatever is asked for somebody comes first

    def is_live(self, now: datetime) -> bool:
        """Should the PIN be on the lock at some moment from now on?"""
        return self.wanted and self.admitted and not self.content.has_ended(now)


@dataclass(frozen=True)
class Observed:
    """What we last knew to be on the lock, and what is under way.

    `remote_id` is believed until two witnesses deny it: a list that lacks it (`omitted`) and a 404 (`not_found`). After
    its end the list is enough, because the lock removes ended PINs by itself.
    """

    remote_id: int | None = None
    applied: Content | None = None  # None with a remote_id: ours, content unknown
    extra_ids: tuple[int, ...] = ()  # surplus PINs with our reference
    pending: PendingWrite | None = None
    must_look: bool = False  # the lock's list has to be read before anything else
    must_read: bool = False  # the PIN has to be read by its id: its name or the list's version raised a doubt
    omitted: bool = False  # a list that was asked for after our last write lacks `remote_id`
    not_found: bool = False  # a request for `remote_id` after our last write was answered with 404
    nominees: tuple[int, ...] = ()  # ids that may be ours under a changed name
    posts: tuple[Post, ...] = ()  # creations that may have made a code, see `pins.core.posts`
    more_posts: int = 0  # creations that a person allowed beyond the ceiling
    listed_at: datetime | None = None  # when a list was last read for this PIN
    list_doubted_at: datetime | None = None  # when the PIN was read by its id although a list lacked it
    edited_at: datetime | None = None  # when a change by somebody in the lock app was last noticed
    sent_alias: str = ""  # the name under which it was last sent
    left_codes: frozenset[str] = field(default=frozenset(), repr=False)  # former values that a lost POST may have left
    left_ends: frozenset[datetime | None] = frozenset()  # when the lock itself removes what those POSTs made
    suspected_at: datetime | None = None  # codes that lists show first after this may be what a lost POST made
    twins: tuple[Twin, ...] = ()  # a person was told of them
    read_failures: int = 0  # answers in a row that did not say what a nominee is
    late: Late | None = None
    hold_until: datetime | None = None  # this PIN rests after trouble of its own
    hold_rev: int = 0  # the rest ends when the wish changes
    troubles: int = 0  # answers in a row that concern this PIN alone (400, 404, 406, 412)
    exists: bool = False  # the last write was refused because the value is on the lock already
    refused: bool = False  # the last write was refused because the value breaks a rule of the lock
    lapsed: bool = False  # the lock expired our PIN while the stay was extended
    start_refused: bool = False  # a start in the past was refused: send the present moment instead
    refusals: int = 0  # values in a row that the lock refused
    blocked: str = ""
    blocked_rev: int = 0  # the block ends when the wish changes
    tried_rev: int = 0  # the last desired revision for which anything was sent

    @property
    def held(self) -> frozenset[int]:
        """The ids on the lock that we know to be ours."""
        ids = (self.remote_id, *self.extra_ids)
        return frozenset(remote_id for remote_id in ids if remote_id is not None)

    @property
    def misses_a_creation(self) -> bool:
        """May a code that we made be on the lock without our knowing which one it is?"""
        late, pending = self.late, self.pending
        was_lost = (late is not None and Op.POST in late.kinds) or (pending is not None and pending.op is Op.POST)
        return was_lost or bool(self.left_codes) or any(post.id is None for post in self.posts)

    @property
    def former_codes(self) -> frozenset[str]:
        """Values that lost POSTs carried and that are not the present one: they may open the door, too."""
        left = self.left_codes | (self.late.codes if self.late is not None else frozenset())
        if self.remote_id is None or self.applied is None:
            return left
        return left - {self.applied.code}

    def let_go(self, successor: int | None = None) -> Observed:
        """The id is ours no longer, and what was doubted about it matters no more. `successor`: another of ours takes
        its place; what that one says is not known."""
        return replace(self, remote_id=successor, applied=None, must_read=False, omitted=False, not_found=False)


@dataclass(frozen=True)
class PinView:
    """Both sides of one PIN."""

    desired: Desired
    observed: Observed
