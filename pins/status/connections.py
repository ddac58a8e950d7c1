"""How the connection of an account with Tedee is, in sentences."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from pins.models import AccountTokens
from rentals.models import LockAccount
from rentals.wording import day_and_time

_UTC: Final = ZoneInfo("UTC")
#: By `AccountTokens.failure`.
_FAILURES: Final = {
    "client": "Tedee refuses this Turnkey: check TEDEE_OAUTH_CLIENT_ID and TEDEE_OAUTH_CLIENT_SECRET",
    "no_answer": "Tedee's login gives no answer that can be used",
    "network": "Tedee's login cannot be reached",
    "rate_limited": "Tedee's login takes no more requests for a while",
}

_INSTEAD: Final = "It can be connected instead: the key is used until then, and not kept afterwards."
_AGAIN: Final = "Connect once more; then all that is due goes on."


def sentences(account: LockAccount, tokens: AccountTokens | None, now: datetime) -> list[str]:
    """`tokens`: of the account, if it has any; times of `now` and in the texts: UTC."""
    if account.kind != LockAccount.Kind.OAUTH:
        return ["This account uses a personal access key.", _INSTEAD]
    if tokens is None and account.secret:
        return ["An access token was entered by hand. It ends within hours and cannot be renewed: connect instead."]
    if tokens is None:
        return ["Not connected yet: nothing is read or set for this account."]
    return [f"Connected since {_at(tokens.connected_at)}.", *_state(tokens, now)]


def _state(tokens: AccountTokens, now: datetime) -> list[str]:
    ended = _at(tokens.ended_at) if tokens.ended_at is not None else ""
    if tokens.ended == AccountTokens.Ended.LOST:
        asked = f" at {_at(tokens.asked_at)}" if tokens.asked_at is not None else ""
        lost = f"It ended at {ended}. Tedee most likely renewed it{asked}, but its answer was lost on the way."
        return [f"{lost} So nobody here knows the new tokens.", _AGAIN]
    if tokens.ended:
        why = "Its user may have taken it back, or changed the password."
        return [f"It ended at {ended}: Tedee refused to renew it. {why}", _AGAIN]
    if tokens.failing_since is not None:
        why = _FAILURES.get(tokens.failure, "Tedee's login has a fault")
        usable = f"The last access ends at {_at(tokens.access_until)}." if tokens.access_until > now else ""
        nothing = "" if usable else "Until it succeeds, nothing is read or set for this account."
        tried = f"It could not be renewed since {_at(tokens.failing_since)}: {why}. Turnkey tries again each minute."
        return [tried, usable or nothing, _end(tokens)]
    renewed = f"Its access was last renewed at {_at(tokens.obtained_at)} and is renewed by itself"
    return [f"{renewed} before {_at(tokens.access_until)}.", _end(tokens)]


def _end(tokens: AccountTokens) -> str:
    return f"Without renewals the connection would end at {_at(tokens.refresh_until)}; you are told a week before."


def _at(moment: datetime) -> str:
    return day_and_time(moment, _UTC)
