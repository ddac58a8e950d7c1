"""Keys and fixed rate windows of the simulated cloud.

Source: Tedee API, "authenticate" and "rate limits": a fixed number of requests per user in a fixed window, then 429
with Retry-After until the next window begins. When windows begin is not documented; here a seed decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Key:
    """A credential. People see its `label`; its requests count for `user`."""

    value: str = field(repr=False)
    label: str
    scheme: str = "PersonalKey"  # or "Bearer"
    user: str = "owner"
    revoked: bool = False
    can_write: bool = True  # without, it may only read (no Device.ReadWrite)
    expires_at: datetime | None = None  # 401 from then on

    def is_alive(self, now: datetime) -> bool:
        """Whether the cloud accepts it at this moment."""
        return not self.revoked and (self.expires_at is None or now < self.expires_at)


@dataclass
class Window:
    """A fixed window of `length` seconds with `limit` requests per user; 0 means no limit."""

    limit: int
    length: float
    phase: float = 0.0  # seconds by which windows begin after whole multiples of the length
    _counts: dict[str, tuple[int, int]] = field(default_factory=dict)  # user -> (window number, requests)

    def spend(self, user: str, now: datetime) -> int | None:
        """Count one request. Returns the seconds to wait (at least 1) when the window is used up, else None."""
        if self.limit <= 0:
            return None
        elapsed = now.timestamp() - self.phase
        number = math.floor(elapsed / self.length)
        seen, spent = self._counts.get(user, (number, 0))
        if seen != number:
            spent = 0
        if spent >= self.limit:
            return max(1, math.ceil((number + 1) * self.length - elapsed))
        self._counts[user] = (number, spent + 1)
        return None


class Gate:
    """The keys that the cloud knows. Callers hold the cloud's mutex."""

    def __init__(self) -> None:
        self.keys: list[Key] = []

    def add(self, key: Key) -> None:
        """Make a key known, in place of one with the same label."""
        self.keys = [known for known in self.keys if known.label != key.label] + [key]

    def find(self, authorization: str) -> Key | None:
        """The key that an `Authorization` header names, revoked or not; None when there is none."""
        scheme, _, value = authorization.partition(" ")
        for key in self.keys:
            if key.scheme.lower() == scheme.lower() and key.value == value.strip():
                return key
        return None

    def labelled(self, label: str) -> Key | None:
        """The key with this label; None when there is none."""
        return next((key for key in self.keys if key.label == label), None)
