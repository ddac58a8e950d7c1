"""Secret parts of URLs: kept encrypted, found by their digest."""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """An unguessable part of a URL (256 bits)."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """Under what a token is found: the database never compares the token itself, so its answer time tells nothing."""
    return hashlib.sha256(token.encode()).hexdigest()
