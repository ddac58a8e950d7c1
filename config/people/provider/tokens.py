"""What an ID token says, and whether it is meant for us now. Pure.

OpenID Connect Core 1.0, 3.1.3.7: the signature by a key of the provider, issuer, audience, times and nonce. The library
checks the signature; no algorithm without a public key is taken, so that nobody signs with what everybody may read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
#: Seconds by which two clocks may differ.
LEEWAY: Final = 60
#: A list of groups is not believed to be longer.
_MOST_GROUPS: Final = 1000
_LONGEST: Final = 254


class RefusedToken(Exception):
    """The token lets nobody in. The text is for the log and names no person."""


class UnknownKey(RefusedToken):
    """Signed with a key that we have not seen: the provider may have new ones."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say."""

    issuer: str
    client_id: str
    nonce: str
    groups_claim: str = "groups"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who the provider says it is."""

    issuer: str
    subject: str  # their name at the provider for ever; all else may change
    email: str = field(repr=False)  # in lower case; empty unless the provider verified it
    name: str = field(repr=False)
    groups: frozenset[str]
    took_second_step: bool  # the provider asked for more than one factor (RFC 8176, `mfa`)
    #: When the provider last asked who it is, in seconds since 1970 (`auth_time`); 0: it does not say.
    asked_at: float = 0.0


def read(token: str, keys: KeySet, expected: Expected, now: datetime) -> Visitor:
    """`now`: UTC. Raises RefusedToken, and UnknownKey where newer keys may help."""
    try:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    except InvalidKeyIdError:
        raise UnknownKey("The provider does not list the key of the token.") from None
    except (JoseError, ValueError, TypeError) as error:
        raise RefusedToken(f"The signature of the token does not hold ({type(error).__name__}).") from None
    _judge(claims, expected, now)
    # Letters beyond ASCII can become those of another address in another case: a Kelvin sign is a `k`.
    verified = claims.get("email_verified") is True and _text(claims.get("email")).isascii()
    return Visitor(
        issuer=expected.issuer,
        subject=claims["sub"],
        email=_text(claims.get("email")).lower() if verified else "",
        name=_text(claims.get("preferred_username")),
        groups=_groups(claims.get(expected.groups_claim)),
        took_second_step=isinstance(claims.get("amr"), list) and "mfa" in claims["amr"],
        asked_at=_moment(claims.get("auth_time"), now),
    )


def _judge(claims: dict[str, Any], expected: Expected, now: datetime) -> None:
    rules = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY,
        iss={"essential": True, "value": expected.issuer},
        aud={"essential": True, "value": expected.client_id},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": expected.nonce},
    )
    try:
        rules.validate(claims)
    except (JoseError, ValueError, TypeError) as error:
        claim = getattr(error, "claim", "") or "exp"
        raise RefusedToken(f"The token is not meant for this login ({claim}).") from None
    if not isinstance(claims["sub"], str) or not 1 <= len(claims["sub"]) <= 255:
        raise RefusedToken("The token names nobody (sub).")
    audience = claims["aud"]
    if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != expected.client_id:
        raise RefusedToken("The token was made for another program as well (azp).")
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise RefusedToken("The token was made for another program (azp).")


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) and len(value) <= _LONGEST and value.isprintable() else ""


def _moment(value: Any, now: datetime) -> float:
    is_past = isinstance(value, int | float) and 0 < value <= now.timestamp() + LEEWAY
    return float(value) if is_past else 0.0


def _groups(value: Any) -> frozenset[str]:
    found: Sequence[Any] = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return frozenset(one for one in found[:_MOST_GROUPS] if isinstance(one, str))
