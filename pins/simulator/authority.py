"""What the simulated authorization server knows: clients, codes, refresh tokens, and what it was asked for.

Source: RFC 6749 (code flow, refresh), RFC 7636 (PKCE, S256 alone), RFC 9700 (rotation: a refresh token that is used
twice ends its whole connection). Access tokens are keys of the gate, of the scheme Bearer. Callers hold the cloud's
mutex. Nothing here is saved: after a restart of the simulator people connect anew.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pins.simulator.gate import Gate, Key

#: What the next requests for tokens meet, one step each; then all is well again.
#:   ok       answered
#:   refuse   invalid_grant, and the connection is over
#:   client   invalid_client
#:   busy     429, nothing done
#:   error    500, nothing done
#:   lost     done, and the connection breaks before the answer
#:   late     done, and no answer comes
#:   cut      nothing done, and the connection breaks
STEPS: Final = ("ok", "refuse", "client", "busy", "error", "lost", "late", "cut")
CODE_LIVES: Final = timedelta(minutes=5)
#: The client that is known from the start.
CLIENT_ID, CLIENT_SECRET = "turnkey-demo", "demo-client-secret"


@dataclass(frozen=True)
class TokenRequest:
    """One request for tokens and its result; no token is in it."""

    at: datetime
    grant_type: str
    status: int
    done: bool  # tokens were given, whether or not anybody received them


@dataclass
class Connection:
    """What a person allowed a client once, and all tokens that followed from it."""

    client_id: str
    user: str
    number: int
    over: bool = False


@dataclass
class Code:
    value: str = field(repr=False)
    connection: Connection
    back: str
    challenge: str
    until: datetime


@dataclass
class RefreshToken:
    value: str = field(repr=False)
    connection: Connection
    until: datetime
    used: bool = False


class Refusal(Exception):
    """An error of RFC 6749, 5.2, by its name."""


class Authority:
    """The state; `authorizing` is its HTTP side."""

    def __init__(self) -> None:
        self.clients = {CLIENT_ID: CLIENT_SECRET}  # an empty secret: a public client
        self.asked: deque[TokenRequest] = deque(maxlen=10_000)
        self.script: deque[str] = deque()
        self._codes: dict[str, Code] = {}
        self._refresh: dict[str, RefreshToken] = {}
        self._connections: list[Connection] = []

    def add_script(self, steps: Iterable[str]) -> None:
        """ValueError for an unknown step."""
        for step in steps:
            if step not in STEPS:
                raise ValueError(f"there is no step {step!r} of a request for tokens; there are {', '.join(STEPS)}")
            self.script.append(step)

    # -- what a person does --------------------------------------------------------------------------------------

    def allow(self, client_id: str, back: str, challenge: str, now: datetime, user: str = "owner") -> str:
        """A person logged in and allowed it. Returns the code."""
        connection = Connection(client_id, user, len(self._connections) + 1)
        self._connections.append(connection)
        code = Code(secrets.token_urlsafe(24), connection, back, challenge, now + CODE_LIVES)
        self._codes[code.value] = code
        return code.value

    def expire_access(self, gate: Gate, now: datetime) -> None:
        """Every access token ends now, before its time; refresh tokens stay good."""
        for key in gate.keys:
            if key.scheme == "Bearer" and key.label.startswith("connection "):
                key.expires_at = now

    def revoke_all(self, gate: Gate) -> None:
        """The user takes back what they allowed: no token is accepted any more."""
        for connection in self._connections:
            self._end(connection, gate)

    # -- the token endpoint ---------------------------------------------------------------------------------------

    def redeem(self, code: str, client_id: str, back: str, verifier: str, now: datetime) -> Connection:
        """Raises Refusal."""
        known = self._codes.pop(code, None)  # once, whatever comes of it
        if known is None or now >= known.until or known.connection.client_id != client_id or known.back != back:
            raise Refusal("invalid_grant")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if digest != known.challenge:
            raise Refusal("invalid_grant")
        return known.connection

    def use(self, refresh: str, client_id: str, now: datetime, gate: Gate, *, reuse: str, rotates: bool) -> Connection:
        """Raises Refusal."""
        known = self._refresh.get(refresh)
        if known is None or known.connection.client_id != client_id or known.connection.over or now >= known.until:
            raise Refusal("invalid_grant")
        if known.used and reuse != "accepted":
            if reuse == "ends":  # somebody stole it, or the client lost an answer: nobody can tell
                self._end(known.connection, gate)
            raise Refusal("invalid_grant")
        known.used = rotates
        return known.connection

    def give(
        self, connection: Connection, gate: Gate, now: datetime, lives: timedelta, refresh_lives: timedelta | None
    ) -> tuple[str, str]:
        """A new access token and, with `refresh_lives`, a new refresh token (else an empty text)."""
        access = secrets.token_urlsafe(32)
        label = f"connection {connection.number} {secrets.token_hex(4)}"
        gate.keys = [key for key in gate.keys if key.scheme != "Bearer" or key.is_alive(now)]
        gate.add(Key(access, label, "Bearer", connection.user, expires_at=now + lives))
        if refresh_lives is None:
            return access, ""
        refresh = RefreshToken(secrets.token_urlsafe(32), connection, now + refresh_lives)
        self._refresh[refresh.value] = refresh
        return access, refresh.value

    def end_of(self, refresh: str, gate: Gate) -> None:
        """The connection of a refresh token is over."""
        if refresh in self._refresh:
            self._end(self._refresh[refresh].connection, gate)

    def _end(self, connection: Connection, gate: Gate) -> None:
        connection.over = True
        for key in gate.keys:
            key.revoked = key.revoked or key.label.startswith(f"connection {connection.number} ")
