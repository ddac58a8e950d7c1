"""What is known of an installation while it is set up, as far as the steps are judged from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pins.core.foreign_writers import Writer
from rentals.phrases import phrase


@dataclass(frozen=True, slots=True)
class Account:
    """A lock account, as it stood when Tedee was last asked."""

    id: int
    name: str
    observe_only: bool
    accepted: bool = False  # Tedee has listed the locks for its key
    refused: bool = False
    may_write: bool | None = None  # None: Tedee does not say
    ends_at: datetime | None = None  # of its key, or of a connection that is not renewed (UTC); None: unknown
    by_login: bool = False  # connected by logging in at Tedee; otherwise it has a key
    connected: bool = True  # the login was made, and holds
    not_renewed: bool = False  # the last renewals of the connection brought nothing


@dataclass(frozen=True, slots=True)
class Door:
    """A lock that was taken over."""

    id: int
    name: str
    account_id: int
    is_active: bool = True
    has_keypad: bool | None = None  # None: unknown, so it is tried
    has_bridge: bool | None = None
    is_connected: bool | None = None
    looked: bool = False  # its list was read
    trouble: str = ""  # why it could not be read
    writers: tuple[tuple[Writer, int], ...] = ()  # who has codes on it beside us, and how many

    @property
    def problem(self) -> str:
        """Why no guest can enter a code there, a phrase; empty if one can."""
        if not self.is_active:
            return phrase("it is switched off in Turnkey")
        if self.has_keypad is False:
            return phrase("no keypad: guests cannot enter a code. Pair one in the Tedee app")
        if self.has_bridge is False:
            return phrase("no bridge: codes cannot be set from afar. Pair one in the Tedee app")
        return ""


@dataclass(frozen=True, slots=True)
class Flat:
    id: int
    name: str
    door_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Calendar:
    id: int
    name: str
    is_active: bool
    was_read: bool
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Stay:
    """The next stay at a flat with a door that can take a code."""

    id: int
    zone: str
    door_ids: frozenset[int]
    goes_on_at: datetime  # when its code is put on the locks (UTC)
    worked_out: bool  # a code and a period are chosen for each door
    ready: bool  # confirmed on each door
    must_act: str = ""  # what keeps the code off a lock until a person acts


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the steps are judged from."""

    now: datetime  # UTC
    accounts: tuple[Account, ...] = ()
    doors: tuple[Door, ...] = ()
    flats: tuple[Flat, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    stay: Stay | None = None
    may_log_in: bool = False  # this Turnkey is known at Tedee, so an account can be connected by logging in there
    works: bool | None = None  # worker and beat; None: they have never run
    is_old: bool = False  # a stay is over, and Turnkey may write: the first run was long ago

    @property
    def usable(self) -> frozenset[int]:
        """The doors that can take a code."""
        return frozenset(one.id for one in self.doors if not one.problem)

    def doors_of(self, stay: Stay) -> tuple[Door, ...]:
        return tuple(one for one in self.doors if one.id in stay.door_ids)

    def observed(self, stay: Stay) -> tuple[Account, ...]:
        """The accounts of its doors to which nothing is written."""
        ids = {one.account_id for one in self.doors_of(stay)}
        return tuple(one for one in self.accounts if one.id in ids and one.observe_only)
