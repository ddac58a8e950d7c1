"""What we send to the Tedee cloud and what it answers, as frozen values.

Parsing is tolerant of fields that we do not know and strict about those that we act on: a list of PINs that cannot be
read must never look like an empty list. All instants are aware and in UTC. Codes never appear in a `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

KEYPAD_TYPES = (3, 10)  # Keypad and Keypad PRO (Tedee API, device types)
EVERY_DAY = 127  # all seven flags of `weekDays`


class UnreadableError(ValueError):
    """An answer lacks a field that we act on, or carries it in a shape that we do not know."""


@dataclass(frozen=True)
class PinBody:
    """The whole of a PIN as create and update send it.

    Without dates the PIN opens at any time. `dayStartTime` and `weekDays` are never sent: they mean daily hours,
    not a check-in or check-out.
    """

    alias: str
    code: str = field(repr=False)
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def __post_init__(self) -> None:
        for moment in (self.starts_at, self.ends_at):
            if moment is not None and moment.utcoffset() is None:
                raise ValueError("The period of a PIN needs aware datetimes.")

    def to_json(self) -> dict[str, str]:
        body = {"alias": self.alias, "pin": self.code}
        if self.starts_at is not None:
            body["startDate"] = write_instant(self.starts_at)
        if self.ends_at is not None:
            body["endDate"] = write_instant(self.ends_at)
        return body


@dataclass(frozen=True)
class ListedPin:
    """One line of a lock's list: no value, no dates."""

    id: int
    alias: str

    @classmethod
    def from_json(cls, data: object) -> Self:
        fields = _object(data)
        return cls(id=_integer(fields, "id"), alias=_text(fields, "alias"))


@dataclass(frozen=True)
class PinListing:
    """All PINs of a lock, ours and foreign. `version` rises with every change on the lock."""

    version: int | None
    pins: tuple[ListedPin, ...]

    @classmethod
    def from_json(cls, data: object) -> Self:
        fields = _object(data)
        return cls(
            version=_integer_or_none(fields, "listVersion"),
            pins=tuple(ListedPin.from_json(item) for item in elements_of(fields.get("pins"))),
        )


@dataclass(frozen=True)
class RemotePin:
    """A PIN read back from the lock, with its value."""

    id: int
    alias: str
    code: str = field(repr=False)
    starts_at: datetime | None
    ends_at: datetime | None
    restricted: bool  # daily hours or weekdays narrow the period: not something that we set

    @classmethod
    def from_json(cls, data: object) -> Self:
        fields = _object(data)
        code = fields.get("pin")
        if not isinstance(code, str):
            raise UnreadableError("The PIN has no readable value.")
        daily = bool(fields.get("dayStartTime") or fields.get("dayEndTime"))
        return cls(
            id=_integer(fields, "id"),
            alias=_text(fields, "alias"),
            code=code,
            starts_at=read_instant(fields.get("startDate")),
            ends_at=read_instant(fields.get("endDate")),
            restricted=daily or fields.get("weekDays") not in (None, 0, EVERY_DAY),
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
        fields = _object(data)
        state = fields.get("deviceState")
        level = state.get("batteryLevel") if isinstance(state, dict) else None
        is_connected = _flag(fields, "isConnected")
        return cls(
            id=_integer(fields, "id"),
            serial_number=_text(fields, "serialNumber"),
            name=_text(fields, "name"),
            type=_integer_or_none(fields, "type"),
            time_zone=_text(fields, "timeZone"),
            is_connected=is_connected,
            has_bridge=fields.get("connectedToId") is not None or is_connected is not None,
            has_keypad=any(_is_keypad(item) for item in elements_of(fields.get("accessories") or [])),
            battery_level=level if isinstance(level, int) else None,
        )


@dataclass(frozen=True)
class LockConnection:
    """Whether a lock is connected, from the one request that asks for many locks."""

    id: int
    is_connected: bool | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        fields = _object(data)
        return cls(id=_integer(fields, "id"), is_connected=_flag(fields, "isConnected"))


@dataclass(frozen=True)
class ActivityItem:
    """One line of the activity log. No field says which PIN was used (Tedee API, device activity)."""

    id: int | str
    device_id: int
    event: int
    user_name: str
    date: datetime | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        fields = _object(data)
        identity = fields.get("id")
        if not isinstance(identity, (int, str)) or isinstance(identity, bool):
            raise UnreadableError("An activity has no readable id.")
        return cls(
            id=identity,
            device_id=_integer(fields, "deviceId"),
            event=_integer(fields, "event"),
            user_name=_text(fields, "userName") or _text(fields, "username"),
            date=read_instant(fields.get("date")),
        )


def created_id(data: object) -> int:
    """The id of a new PIN, from the result of create."""
    return _integer(_object(data), "id")


def elements_of(data: object) -> list[object]:
    """The elements of a value that must be an array. Raises `UnreadableError`."""
    if not isinstance(data, list):
        raise UnreadableError("A JSON array was expected.")
    return data


def write_instant(moment: datetime) -> str:
    """An instant as the API samples write it: UTC, milliseconds, `Z`."""
    if moment.utcoffset() is None:
        raise ValueError("An instant needs an aware datetime.")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def read_instant(value: object) -> datetime | None:
    """An instant from the API, None when absent. One without an offset is in UTC, like all that the API sends."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise UnreadableError("An instant is not text.")
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnreadableError("An instant cannot be read.") from None


def _is_keypad(accessory: object) -> bool:
    fields = _object(accessory)
    return fields.get("deviceType") in KEYPAD_TYPES or fields.get("type") in KEYPAD_TYPES


def _object(data: object) -> dict[str, object]:
    if not isinstance(data, dict):
        raise UnreadableError("A JSON object was expected.")
    return data


def _integer(fields: dict[str, object], name: str) -> int:
    value = _integer_or_none(fields, name)
    if value is None:
        raise UnreadableError(f"The field {name} is missing.")
    return value


def _integer_or_none(fields: dict[str, object], name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnreadableError(f"The field {name} is not a whole number.")
    return value


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnreadableError(f"The field {name} is not text.")
    return value


def _flag(fields: dict[str, object], name: str) -> bool | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise UnreadableError(f"The field {name} is neither true nor false.")
    return value
