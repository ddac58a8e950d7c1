"""How an account authenticates to the Tedee cloud. Secrets never appear in a `repr` or an exception."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from pins.tedee.errors import Unauthorized


class Auth(Protocol):
    """Something that yields the value of the `Authorization` header."""

    def header(self) -> str:
        """The header's value. Raises `Unauthorized` when the secret cannot be sent at all."""

    def refused(self) -> bool:
        """Tedee answered 401. True: the account goes on with another secret, and the request may be sent again."""


@dataclass(frozen=True)
class PersonalKey:
    """A personal access key, made by the owner in the Tedee portal; it expires on a date chosen there."""

    key: str = field(repr=False)

    def header(self) -> str:
        return f"PersonalKey {_sendable(self.key)}"

    def refused(self) -> bool:
        return False


@dataclass(frozen=True)
class BearerToken:
    """An OAuth 2.0 access token, valid for one to four hours."""

    token: str = field(repr=False)

    def header(self) -> str:
        return f"Bearer {_sendable(self.token)}"

    def refused(self) -> bool:
        return False


def for_kind(kind: str, secret: str) -> PersonalKey | BearerToken:
    """The credentials of an account of the given kind, `personal_key` or `oauth`. Raises ValueError for another."""
    if kind == "personal_key":
        return PersonalKey(secret)
    if kind == "oauth":
        return BearerToken(secret)
    raise ValueError("An account is of kind personal_key or oauth.")


def _sendable(secret: str) -> str:
    """The secret without surrounding white space, which comes from pasting.

    Anything else that a header cannot carry is refused here, before an HTTP library quotes it in an error.
    """
    trimmed = secret.strip()
    if not trimmed or not trimmed.isascii() or not trimmed.isprintable() or " " in trimmed:
        raise Unauthorized(detail="The account's key is empty or has characters that no key has; enter it again")
    return trimmed
