"""Limits before a password is looked at.

There are three, and none locks a person out: so many tries of one address at one name, so many failures of one address,
and between tries at one name a delay that grows with its failures, from wherever they come (`config.people.delays`).
Names are counted whether somebody has them or not, so that an answer tells nothing about that; and as digests, because
people type passwords into the wrong field.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NoReturn

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute

from config.people import delays
from pins.models import Incident
from rentals.inbound import rate_limits
from rentals.inbound.rate_limits import client_key

logger = logging.getLogger(__name__)

#: Tries of one address at one name, and its failures at all names, within a quarter of an hour.
PAIR: Final = RateLimitItemPerMinute(8, 15, namespace="login-pair")
ADDRESS: Final = RateLimitItemPerMinute(40, 15, namespace="login-address")
#: When an address first asked for a name since its last try.
ASKED: Final = RateLimitItemPerMinute(1, 15, namespace="login-asked")
#: Failures at one name; more need not be counted, since the delay does not grow further.
NAME: Final = RateLimitItemPerHour(delays.FREE + 10, namespace="login-name")
#: Failures and refusals of an hour; with one more, people are told.
MANY: Final = RateLimitItemPerHour(40, namespace="login-all")
#: Requests for a link by e-mail: of one address, and for one person.
LINKS_FROM: Final = RateLimitItemPerHour(10, namespace="reset-address")
LINKS_TO: Final = RateLimitItemPerHour(3, namespace="reset-person")
#: Wrong codes of the second step. Only who knows the password gets there, so this may be counted by person alone.
CODES: Final = RateLimitItemPerMinute(6, 15, namespace="login-code")

#: Logins through a provider that one address begins or ends.
PROVIDER: Final = RateLimitItemPerMinute(40, 15, namespace="login-provider")
#: The same with a passkey.
PASSKEY: Final = RateLimitItemPerMinute(40, 15, namespace="login-passkey")

_SITE: Final = "site"


class Wait(Exception):
    """No password is looked at now. `seconds`: when to ask again, at least one."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = max(1, math.ceil(seconds))


@dataclass(frozen=True, slots=True)
class Try:
    """One try to log in."""

    name: str  # a digest
    address: str  # of the client, or its network
    device: str = ""  # the key of a browser from which this person logged in before

    @property
    def pair(self) -> str:
        return f"{self.name}:{self.device or self.address}"


def try_of(name: str, address: str, device: str = "") -> Try:
    """`name`: as typed."""
    return Try(digest(name), client_key(address), device)


def digest(typed: str) -> str:
    """The key under which a name or an e-mail address is counted, however it is spelled."""
    plain = unicodedata.normalize("NFKC", typed).strip().casefold()
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()[:32]


def admit(one: Try, now: datetime) -> None:
    """Count the try before its password is looked at, so that many at once do not all get through. Raises `Wait`.

    An office logs in from one address, so of an address only failures count; those under way, which are not counted
    yet, are few (`config.web.lanes`).
    """
    if not one.device:
        _admit_stranger(one, now)
    if (seconds := rate_limits.wait(PAIR, one.pair, strict=True)) is not None:
        _refused(one, now, seconds)


def _admit_stranger(one: Try, now: datetime) -> None:
    """The limits that others can use up: of the address, and the delay of the name."""
    count, leaves_at = rate_limits.used(ADDRESS, one.address)
    if count >= ADDRESS.amount:
        _refused(one, now, leaves_at - time.time())
    failures, _ = rate_limits.used(NAME, one.name)
    if delays.delay(failures):
        rate_limits.wait(ASKED, one.pair, strict=True)
        _, leaves_at = rate_limits.used(ASKED, one.pair)
        if seconds_left := delays.left(failures, leaves_at - ASKED.get_expiry(), time.time()):
            _refused(one, now, seconds_left)


def _refused(one: Try, now: datetime, seconds: float) -> NoReturn:
    logger.warning("login_refused", extra={"address": one.address})
    _tell(now)
    raise Wait(seconds)


def failed(one: Try, now: datetime, user_id: int | None) -> None:
    """`user_id`: whose password it was not, if somebody has the name."""
    logger.warning("login_failed", extra={"address": one.address, "user_id": user_id})
    rate_limits.wait(ADDRESS, one.address, strict=True)
    rate_limits.wait(NAME, one.name, strict=True)
    rate_limits.forget(ASKED, one.pair)
    rate_limits.wait(ASKED, one.pair, strict=True)  # the next delay begins now
    _tell(now)


def succeeded(one: Try) -> None:
    """The address belongs to the person. What others tried meanwhile still counts for others."""
    rate_limits.forget(PAIR, one.pair)
    rate_limits.forget(ASKED, one.pair)


def limit(most: RateLimitItem, who: str) -> None:
    """Count. Raises `Wait`."""
    if (seconds := rate_limits.wait(most, who, strict=True)) is not None:
        raise Wait(seconds)


def failed_code(user_id: int, address: str, now: datetime) -> None:
    """A wrong code of the second step, by somebody who knows the password: told sooner than a wrong password."""
    logger.warning("second_step_failed", extra={"address": client_key(address), "user_id": user_id})
    if rate_limits.used(CODES, f"user:{user_id}")[0] >= CODES.amount:
        Incident.open(Incident.Kind.LOGINS_FAIL, now, about=None)


def failed_elsewhere(address: str, why: str, now: datetime) -> None:
    """A provider's answer, or a passkey, that let nobody in. `why`: names no person."""
    logger.warning("login_failed", extra={"address": client_key(address), "cause": why})
    _tell(now)


def forget_codes(user_id: int) -> None:
    """The person entered a right code."""
    rate_limits.forget(CODES, f"user:{user_id}")


def _tell(now: datetime) -> None:
    if rate_limits.wait(MANY, _SITE, strict=True) is not None:
        Incident.open(Incident.Kind.LOGINS_FAIL, now, about=None)


def review(now: datetime) -> None:
    """Resolve the incident when an hour has seen fewer than half as many failures."""
    still = Incident.objects.filter(kind=Incident.Kind.LOGINS_FAIL, resolved_at=None)
    if still.exists() and rate_limits.used(MANY, _SITE)[0] < MANY.amount // 2:
        Incident.resolve(now, about=None, kinds=(Incident.Kind.LOGINS_FAIL,))
