"""Codes of the second step. Pure: the key and the moment are parameters.

RFC 6238 with the values that all apps take: SHA-1, six digits, thirty seconds.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

PERIOD: Final = 30  # seconds
_DIGITS: Final = 6
#: Periods before and after the present one whose codes are taken: clocks differ, and people type slowly.
_SLACK: Final = 1
_SPARE: Final = 10
#: No letters that look alike.
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"


def new_key() -> str:
    """A key (160 bits) as apps and people read it, in base32."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(key: str, period: int) -> str:
    hotp = HOTP(base64.b32decode(key), _DIGITS, SHA1())  # noqa: S303 - what the apps know; HMAC is sound with it
    return hotp.generate(period).decode()


def period_of(key: str, typed: str, moment: float) -> int | None:
    """The period whose code this is, near `moment` (seconds since 1970); `None` for a wrong code."""
    digits = "".join(typed.split())
    now = int(moment // PERIOD)
    found = None
    for period in range(max(0, now - _SLACK), now + _SLACK + 1):
        if hmac.compare_digest(code_at(key, period).encode(), digits.encode("utf-8", "replace")):
            found = period
    return found


def address(key: str, name: str, issuer: str) -> str:
    """What the square picture says to an app."""
    return f"otpauth://totp/{quote(issuer)}:{quote(name)}?secret={key}&issuer={quote(issuer)}"


def new_spare_codes() -> list[str]:
    """Ten, of which each replaces the app once."""
    return ["-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4)) for _ in range(_SPARE)]


def digest(spare_code: str) -> str:
    """As it is kept. A spare code has 79 random bits, so a quick hash is enough."""
    plain = "".join(sign for sign in spare_code.lower() if sign.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()
