"""How the connection of an account with Tedee is, in sentences."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from pins.models import AccountTokens
from rentals.models import LockAccount
from rentals.phrases import mark
from rentals.wording import day_and_time

_UTC: Final = ZoneInfo("UTC")
#: By `AccountTokens.failure`.
_FAILURES: Final = {
    "client": mark("Tedee refuses this Turnkey: check TEDEE_OAUTH_CLIENT_ID and TEDEE_OAUTH_CLIENT_SECRET"),
    "no_answer": mark("Tedee's login gives no answer that can be used"),
    "network": mark("Tedee's login cannot be reached"),
    "rate_limited": mark("Tedee's login takes no more requests for a while"),
}

_OTHER_FAILURE: Final = mark("Tedee's login has a fault")


def sentences(account: LockAccount, tokens: AccountTokens | None, now: datetime) -> list[str]:
    """`tokens`: of the account, if it has any; times of `now` and in the texts: UTC."""
    if account.kind != LockAccount.Kind.OAUTH:
        return [
            _("This account uses a personal access key."),
            _("It can be connected instead: the key is used until then, and not kept afterwards."),
        ]
    if tokens is None and account.secret:
        return [_("An access token was entered by hand. It ends within hours and cannot be renewed: connect instead.")]
    if tokens is None:
        return [_("Not connected yet: nothing is read or set for this account.")]
    return [_("Connected since {when}.").format(when=_at(tokens.connected_at)), *_state(tokens, now)]


def _state(tokens: AccountTokens, now: datetime) -> list[str]:
    again = _("Connect once more; then all that is due goes on.")
    ended = _at(tokens.ended_at) if tokens.ended_at is not None else ""
    if tokens.ended == AccountTokens.Ended.LOST:
        return [_lost(tokens, ended), again]
    if tokens.ended:
        refused = _("It ended at {ended}: Tedee refused to renew it.").format(ended=ended)
        why = _("Its user may have taken it back, or changed the password.")
        return [f"{refused} {why}", again]
    if tokens.failing_since is not None:
        tried = _("It could not be renewed since {since}: {reason}. Turnkey tries again each minute.").format(
            since=_at(tokens.failing_since), reason=_(_FAILURES.get(tokens.failure, _OTHER_FAILURE))
        )
        if tokens.access_until > now:
            meanwhile = _("The last access ends at {when}.").format(when=_at(tokens.access_until))
        else:
            meanwhile = _("Until it succeeds, nothing is read or set for this account.")
        return [tried, meanwhile, _end(tokens)]
    renewed = _("Its access was last renewed at {last} and is renewed by itself before {next}.")
    return [renewed.format(last=_at(tokens.obtained_at), next=_at(tokens.access_until)), _end(tokens)]


def _lost(tokens: AccountTokens, ended: str) -> str:
    if tokens.asked_at is None:
        lost = _("It ended at {ended}. Tedee most likely renewed it, but its answer was lost on the way.")
    else:
        lost = _("It ended at {ended}. Tedee most likely renewed it at {asked}, but its answer was lost on the way.")
    asked = _at(tokens.asked_at) if tokens.asked_at is not None else ""
    unknown = _("So nobody here knows the new tokens.")
    return f"{lost.format(ended=ended, asked=asked)} {unknown}"


def _end(tokens: AccountTokens) -> str:
    ends = _("Without renewals the connection would end at {when}; you are told a week before.")
    return ends.format(when=_at(tokens.refresh_until))


def _at(moment: datetime) -> str:
    return day_and_time(moment, _UTC)
