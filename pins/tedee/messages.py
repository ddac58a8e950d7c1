"""What we send to the Tedee cloud and what it answers, as frozen values.

Parsing is tolerant of fields that we do not know and strict about those that we act on: a list of PINs that cannot be
read must never look like an empty list. All instants are aware and in UTC. Codes never appear in a `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Self

from pins.tedee.fields import (
    UnreadableError,
    elements_of,
    flag,
    integer,
    integer_or_none,
    object_of,
    read_instant,
    read_moment,
    read_time_of_day,
    text,
    write_instant,
    write_time_of_day,
)

KEYPAD_TYPES = (3, 10)  # Keypad and Keypad PRO (Tedee API, device types)
EVERY_DAY = 127  # all seven flags of `weekDays`


@dataclass(frozen=True)
class Recurrence:
    """On which weekdays, and between which times of day, a PIN opens within its period (Tedee API, create PIN).

    `weekdays` are Tedee's flags: Monday 1, Tuesday 2, Wednesday 4, Thursday 8, Friday 16, Saturday 32, Sunday 64.
    The times of day are as the API carries them: the UTC wall clock of the instant that is sent. The documents do not
    say in which zone a lock compares them; whoever builds a recurrence must know. There are both times or none.

    A PIN that opens all day on every day has no recurrence: `None` stands for it. `of` makes both a wish and what is
    read plain in the same way, so that they can be compared. Raises ValueError.
    """

    weekdays: int = EVERY_DAY
    day_start: time | None = None
    day_end: time | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.weekdays <= EVERY_DAY:
            raise ValueError("The weekdays of a PIN are flags, 1 to 127.")
        if (self.day_start is None) != (self.day_end is None):
            raise ValueError("The daily hours of a PIN need a start and an end.")
        if self.day_start is None and self.weekdays == EVERY_DAY:
            raise ValueError("A PIN that opens all day on every day has no recurrence.")
        if any(moment is not None and moment.tzinfo is not None for moment in (self.day_start, self.day_end)):
            raise ValueError("The daily hours of a PIN are plain times of day, in UTC.")

    @classmethod
    def of(cls, weekdays: int, day_start: time | None, day_end: time | None) -> Self | None:
        """The recurrence that these say, None when it is none: all day on every day.

        A missing start or end is midnight. Hours from 00:00 to 23:59 or to midnight are the whole day.
        Raises ValueError.
        """
        start, end = day_start or time(0), day_end or time(0)
        if (start.hour, start.minute) == (0, 0) and (end.hour, end.minute) in ((0, 0), (23, 59)):
            return cls(weekdays) if weekdays != EVERY_DAY else None
        return cls(weekdays, start, end)

    @classmethod
    def from_json(cls, fields: dict[str, object]) -> Self | None:
        """The recurrence among the fields of a PIN, None when there is none. Raises `UnreadableError`."""
        weekdays = integer_or_none(fields, "weekDays") or EVERY_DAY
        start, end = (read_time_of_day(fields.get(name)) for name in ("dayStartTime", "dayEndTime"))
        try:
            return cls.of(weekdays, start, end)
        except ValueError:
            raise UnreadableError("The weekdays are not flags from 1 to 127.") from None


@dataclass(frozen=True)
class PinBody:
    """The whole of a PIN as create and update send it.

    Without dates and recurrence the PIN opens at any time. A check-in or check-out is a date of the period, never a
    time of the recurrence: that one would hold on every day. Raises ValueError for a period without offset.
    """

    alias: str
    code: str = field(repr=False)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    recurrence: Recurrence | None = None

    def __post_init__(self) -> None:
        for moment in (self.starts_at, self.ends_at):
            if moment is not None and moment.utcoffset() is None:
                raise ValueError("The period of a PIN needs aware datetimes.")

    def to_json(self) -> dict[str, str | int]:
        """The body of a create: only what is set, as in most samples."""
        return {name: value for name, value in self.to_put_json().items() if value is not None}

    def to_put_json(self) -> dict[str, str | int | None]:
        """The body of an update: every field, with null for what is empty.

        The documents do not say whether an update replaces a PIN or merges into it; so it is the same for both.
        """
        days = self.recurrence
        return {
            "alias": self.alias,
            "pin": self.code,
            "startDate": write_instant(self.starts_at) if self.starts_at else None,
            "endDate": write_instant(self.ends_at) if self.ends_at else None,
            "dayStartTime": write_time_of_day(days.day_start) if days and days.day_start else None,
            "dayEndTime": write_time_of_day(days.day_end) if days and days.day_end else None,
            "weekDays": days.weekdays if days and days.weekdays != EVERY_DAY else None,
        }


@dataclass(frozen=True)
class ListedPin:
    """One line of a lock's list: no value, no dates."""

    id: int
    alias: str

    @classmethod
    def from_json(cls, data: object) -> Self:
        fields = object_of(data)
        return cls(id=integer(fields, "id"), alias=text(fields, "alias"))


@dataclass(frozen=True)
class PinListing:
    """All PINs of a lock, ours and foreign. `version` rises with every change on the lock."""

    version: int | None
    pins: tuple[ListedPin, ...]

    @classmethod
    def from_json(cls, data: object) -> Self:
        fields = object_of(data)
        if "pins" not in fields:
            raise UnreadableError("The list of PINs is missing.")
        pins = fields["pins"]
        return cls(
            version=integer_or_none(fields, "listVersion"),
            # Only a successful answer comes this far, and some servers write an empty list as null.
            pins=() if pins is None else tuple(ListedPin.from_json(item) for item in elements_of(pins)),
        )


@dataclass(frozen=True)
class RemotePin:
    """A PIN read back from the lock, with its value."""

    id: int
    alias: str
    code: str = field(repr=False)
    starts_at: datetime | None
    ends_at: datetime | None
    recurrence: Recurrence | None  # None: all day on every day of the period

    @classmethod
    def from_json(cls, data: object) -> Self:
        fields = object_of(data)
        code = fields.get("pin")
        if not isinstance(code, str):
            raise UnreadableError("The PIN has no readable value.")
        return cls(
            id=integer(fields, "id"),
            alias=text(fields, "alias"),
            code=code,
            starts_at=read_instant(fields.get("startDate")),
            ends_at=read_instant(fields.get("endDate")),
            recurrence=Recurrence.from_json(fields),
        )


@dataclass(frozen=True)
class RemoteLock:
    """A lock as the account sees it. `id` changes when the lock is removed and added again; `serial_number` stays."""

    id: int
    serial_number: str
    name: str
    type: int | None
    time_zone: str
    is_connected: bool | None  # None: unknown, usually because there is no bridge
    has_bridge: bool
    has_keypad: bool  # only `list_locks` asks for accessories; without a keypad PINs are useless
    battery_level: int | None  # percent

    @classmethod
    def from_json(cls, data: object) -> Self:
        fields = object_of(data)
        state = fields.get("deviceState") or fields.get("lockProperties")  # the second up to v1.32
        level = state.get("batteryLevel") if isinstance(state, dict) else None
        is_connected = flag(fields, "isConnected")
        return cls(
            id=integer(fields, "id"),
            serial_number=text(fields, "serialNumber"),
            name=text(fields, "name"),
            type=integer_or_none(fields, "type"),
            time_zone=text(fields, "timeZone"),
            is_connected=is_connected,
            has_bridge=fields.get("connectedToId") is not None or is_connected is not None,
            has_keypad=any(_is_keypad(item) for item in elements_of(fields.get("accessories") or [])),
            battery_level=level if isinstance(level, int) and not isinstance(level, bool) else None,
        )


@dataclass(frozen=True)
class LockConnection:
    """Whether a lock is connected, from the one request that asks for many locks."""

    id: int
    is_connected: bool | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        fields = object_of(data)
        return cls(id=integer(fields, "id"), is_connected=flag(fields, "isConnected"))


@dataclass(frozen=True)
class ActivityItem:
    """One line of the activity log. No field says which PIN was used (Tedee API, device activity); newer locks may put
    its name where the user's is. `date`: None where it cannot be read."""

    id: int | str
    device_id: int
    event: int
    user_name: str
    date: datetime | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        fields = object_of(data)
        identity = fields.get("id")
        if not isinstance(identity, (int, str)) or isinstance(identity, bool):
            raise UnreadableError("An activity has no readable id.")
        return cls(
            id=identity,
            device_id=integer(fields, "deviceId"),
            event=integer(fields, "event"),
            user_name=text(fields, "userName") or text(fields, "username"),
            date=read_moment(fields.get("date")),
        )


@dataclass(frozen=True)
class PersonalKey:
    """A personal access key as the list of them shows it: not the key itself."""

    name: str
    valid_to: datetime | None  # UTC; None: the answer does not say
    scopes: frozenset[str] | None = None  # what it may do; None: the answer does not say

    @classmethod
    def from_json(cls, data: object) -> Self:
        fields = object_of(data)
        if not fields.keys() & {"id", "name", "validTo"}:
            raise UnreadableError("That is no personal access key.")
        scopes = fields.get("scopes")
        # Their shape is a guess, too. What is no list of texts says nothing, nor does an empty one: the key works.
        told = isinstance(scopes, list) and bool(scopes) and all(isinstance(one, str) for one in scopes)
        return cls(
            name=text(fields, "name"),
            valid_to=read_instant(fields.get("validTo")),
            scopes=frozenset(scopes) if told and isinstance(scopes, list) else None,
        )

    @property
    def may_write(self) -> bool | None:
        """Whether it may change codes; None: the answer does not say."""
        return None if self.scopes is None else "Device.ReadWrite" in self.scopes


def created_id(data: object) -> int:
    """The id of a new PIN, from the result of create."""
    return integer(object_of(data), "id")


def _is_keypad(accessory: object) -> bool:
    fields = object_of(accessory)
    return fields.get("deviceType") in KEYPAD_TYPES or fields.get("type") in KEYPAD_TYPES
