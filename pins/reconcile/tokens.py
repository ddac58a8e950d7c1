"""The access tokens of connected accounts: had before each request, renewed by one at a time, all times UTC.

Many runs, in several processes, want one token. Tedee's server gives each refresh token once, so two renewals at once
would cost the connection. Hence:

1. Who finds that it is time claims the row by one UPDATE, for longer than a renewal can take. That notes as well that
   the answer is not known yet (`asked_at`), so that a crash is seen.
2. The request is sent outside any transaction. Others use the old token while it is good, or wait for a second or two.
3. Success is stored if the row is still of the version that was renewed, whoever holds the claim by now: what Tedee
   gave counts. Failure only by who holds the claim.
4. Refused: the connection has ended, and a person is told once. If an earlier answer was lost, that is said: then Tedee
   has most likely renewed it, and the tokens never came here.
5. Any other failure: a rest, and again, for as long as it takes. Repeating after a lost answer can cost nothing that is
   not lost already.

A 401 to a token ends this token, not the connection, unless the token is fresh.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from pins.core import tokens as rules
from pins.core.tokens import TokenFacts, TokenStep
from pins.models import AccountState, AccountTokens, Incident
from pins.reconcile import account_limits
from pins.tedee import oauth
from pins.tedee.auth import Auth, BearerToken, for_kind
from pins.tedee.errors import AmbiguousError, Cause, RefusedError, TedeeError, TokenEnded, Unauthorized
from rentals.fields import UndecryptableValue
from rentals.models import LockAccount

logger = logging.getLogger(__name__)

#: Asks Tedee for new tokens: a refresh token and the moment (UTC) in, tokens out. Raises TedeeError.
Renewal = Callable[[str, datetime], oauth.Tokens]
#: How soon to ask again, in seconds, while somebody else renews. Random, so that those who wait do not return together.
_WHILE_RENEWED: Final = (0.5, 1.5)
#: How long an account rests whose renewal was refused. Nothing is sent in vain meanwhile; a new connection ends it.
_REST_WHEN_ENDED: Final = timedelta(hours=1)
_ABOUT_CONNECTIONS: Final = (Incident.Kind.CONNECTION_ENDS, Incident.Kind.CONNECTION_FAILS)
_NOTHING_ASKED: Final = {"renewer": None, "renewing_until": None}


class TokenNotReady(TokenEnded):
    """Nothing may be sent before `until` (UTC): the token is being renewed, or could not be."""

    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until


@dataclass(frozen=True)
class StoredToken:
    """An access token of a connected account."""

    account_id: int
    version: int
    token: str = field(repr=False)

    def header(self) -> str:
        return BearerToken(self.token).header()

    def refused(self) -> bool:
        """End this token, unless it is fresh. One that was renewed meanwhile is left alone."""
        now = timezone.now()
        row = AccountTokens.objects.filter(account=self.account_id).first()
        if row is None or row.version != self.version:
            return row is not None and not row.ended
        # An account that was refused with a fresh token is not helped by another one, and asks for none.
        is_account = AccountState.objects.filter(account=self.account_id, pause_cause=account_limits.CONNECTION_REST)
        if not rules.may_be_renewed(facts_of(row), now) or is_account.exists():
            return False
        AccountTokens.objects.filter(account=self.account_id, version=self.version, access_until__gt=now).update(
            access_until=now
        )
        return True


@dataclass(frozen=True)
class NoToken:
    """The connection has ended, or was never made."""

    def header(self) -> str:
        raise Unauthorized(detail="The account is not connected with Tedee; press “Connect with Tedee” on its page")

    def refused(self) -> bool:
        return False


def registration() -> oauth.Registration:
    """How this Turnkey is known at Tedee, from the settings."""
    return oauth.Registration(
        settings.TEDEE_OAUTH_AUTHORIZE_URL,
        settings.TEDEE_OAUTH_TOKEN_URL,
        settings.TEDEE_OAUTH_CLIENT_ID,
        settings.TEDEE_OAUTH_CLIENT_SECRET,
        settings.TEDEE_OAUTH_SCOPES,
    )


def ask_tedee(refresh_token: str, now: datetime) -> oauth.Tokens:
    return oauth.renew(registration(), refresh_token, now=now)


def auth_for(account: LockAccount, *, ask: Renewal = ask_tedee) -> Auth:
    """What an account's next request is sent with. Waits for at most one renewal. Raises TokenNotReady."""
    if account.kind != LockAccount.Kind.OAUTH:
        return for_kind(account.kind, account.secret)
    row = AccountTokens.objects.filter(account=account).first()
    if row is None:  # an access token that somebody entered themselves
        return for_kind(account.kind, account.secret) if account.secret else NoToken()
    now = timezone.now()
    step = rules.next_step(facts_of(row), now)
    if step is TokenStep.RENEW:
        row = renew(row, now, ask)
        now = timezone.now()
        usable = rules.is_usable(facts_of(row), now)
        step = TokenStep.USE if usable else TokenStep.ENDED if row.ended else TokenStep.WAIT
    if step is TokenStep.ENDED:
        return NoToken()
    if step is TokenStep.WAIT:
        soon = now + timedelta(seconds=random.uniform(*_WHILE_RENEWED))
        raise TokenNotReady(max(row.retry_at, soon) if row.retry_at is not None else soon)
    return StoredToken(row.account_id, row.version, row.access_token)


def facts_of(row: AccountTokens) -> TokenFacts:
    return TokenFacts(row.obtained_at, row.access_until, row.renewing_until, row.retry_at, bool(row.ended))


def renew_due(now: datetime, *, ask: Renewal = ask_tedee) -> None:
    """Renew what ends soon, also where no lock has work: a connection that is never renewed ends. Stops at the first
    server that cannot be reached; the next minute goes on."""
    due = AccountTokens.objects.filter(access_until__lte=now + rules.EARLY, ended="")
    accounts = due.filter(account__kind=LockAccount.Kind.OAUTH).order_by("failures", "access_until")
    for account_id in accounts.values_list("pk", flat=True):
        try:
            row = AccountTokens.objects.get(pk=account_id)
            if rules.next_step(facts_of(row), now) is TokenStep.RENEW and renew(row, now, ask).failure:
                return
        except (UndecryptableValue, AccountTokens.DoesNotExist):
            logger.warning("token_unreadable", extra={"account_id": account_id})  # the others go on


def renew(row: AccountTokens, now: datetime, ask: Renewal) -> AccountTokens:
    """Renew the tokens, unless somebody else does. Returns the row as it is afterwards."""
    owner = uuid.uuid4()
    free = AccountTokens.objects.filter(account=row.account_id, version=row.version, ended="")
    free = free.exclude(renewing_until__gt=now, renewing_until__lte=now + rules.LONGEST_CLAIM)
    asked = {"renewer": owner, "renewing_until": now + rules.RENEWAL_LEASE, "asked_at": Coalesce(F("asked_at"), now)}
    if free.update(**asked) == 1:
        # Read again: another one may have tried in between, and its answer may be lost.
        row = AccountTokens.objects.get(account=row.account_id)
        in_doubt = row.asked_at is not None and row.asked_at < now
        try:
            fresh = ask(row.refresh_token, now)
        except TedeeError as error:
            _failed(row, owner, error, timezone.now(), in_doubt=in_doubt)
        else:
            _renewed(row, fresh)
    return AccountTokens.objects.get(account=row.account_id)


@sensitive_variables("tokens", "refresh")
def _renewed(row: AccountTokens, tokens: oauth.Tokens) -> None:
    """Success. A server that does not rotate leaves the refresh token as it was."""
    refresh = {}
    if tokens.refresh:
        refresh = {"refresh_token": tokens.refresh, "refresh_until": _refresh_until(tokens)}
    changes: dict[str, Any] = {"version": F("version") + 1, **_as_obtained(tokens), **refresh}
    same = AccountTokens.objects.filter(account=row.account_id, version=row.version)
    with transaction.atomic():
        if same.filter(ended="").update(**changes):
            _end_rest(row.account_id, Cause.RENEWAL.value)
        elif same.update(**changes):  # one who took over was refused, and said that it is over
            _end_rest(row.account_id, account_limits.CONNECTION_REST)
            Incident.resolve(timezone.now(), about=row.account, kinds=(Incident.Kind.CONNECTION_ENDED,))
    logger.info("token_renewed", extra={"account_id": row.account_id})


def _as_obtained(tokens: oauth.Tokens) -> dict[str, object]:
    """The columns after a success, those of the refresh token apart."""
    calm = {"asked_at": None, "failures": 0, "failing_since": None, "failure": "", "retry_at": None}
    return {
        "access_token": tokens.access,
        "access_until": tokens.obtained_at + tokens.access_lives,
        "obtained_at": tokens.obtained_at,
        "ended": "",
        "ended_at": None,
        **calm,
        **_NOTHING_ASKED,
    }


def _refresh_until(tokens: oauth.Tokens) -> datetime:
    usual = timedelta(days=settings.TEDEE_OAUTH_REFRESH_DAYS)
    return tokens.obtained_at + (tokens.refresh_lives or usual)


def _failed(row: AccountTokens, owner: uuid.UUID, error: TedeeError, now: datetime, *, in_doubt: bool) -> None:
    """`in_doubt`: the answer to an earlier renewal from the same token is not known."""
    logger.warning("token_not_renewed", extra={"account_id": row.account_id, "cause": type(error).__name__})
    mine = AccountTokens.objects.filter(renewer=owner)
    if isinstance(error, oauth.GrantRefused):
        why = AccountTokens.Ended.LOST if in_doubt else AccountTokens.Ended.REFUSED
        with transaction.atomic():
            if mine.update(ended=why, ended_at=now, **_NOTHING_ASKED):
                account_limits.key_refused(LockAccount.objects.get(pk=row.account_id), _REST_WHEN_ENDED, now)
        return
    failures = row.failures + 1
    retry_at = now + rules.rest(failures, error.retry_after, random.uniform(0.5, 1))
    facts: dict[str, object] = {"failures": failures, "failing_since": row.failing_since or now, "retry_at": retry_at}
    if isinstance(error, RefusedError) and not in_doubt:
        facts["asked_at"] = None  # nothing was renewed, for certain
    if mine.update(failure=failure_of(error), **facts, **_NOTHING_ASKED) and not rules.is_usable(facts_of(row), now):
        AccountState.objects.get_or_create(account_id=row.account_id)
        calm = AccountState.objects.filter(account=row.account_id, dead_key="", outages=0)
        calm.update(paused_until=retry_at, pause_cause=Cause.RENEWAL.value)


def failure_of(error: TedeeError) -> str:
    """Why a renewal brought nothing, in a word that is stored."""
    if isinstance(error, oauth.ClientRefused):
        return "client"
    return "no_answer" if isinstance(error, AmbiguousError) else error.cause.value


def _end_rest(account_id: int, *causes: str) -> None:
    resting = AccountState.objects.filter(account=account_id, pause_cause__in=causes)
    resting.update(paused_until=None, pause_cause="", dead_key="")


@sensitive_variables("tokens")
def connect(account: LockAccount, tokens: oauth.Tokens, now: datetime) -> None:
    """A person logged in at Tedee: the account uses these tokens from now on, and no key any more. What it was refused
    before is tried again. The caller wakes its locks."""
    fresh = {"refresh_token": tokens.refresh, "refresh_until": _refresh_until(tokens), **_as_obtained(tokens)}
    with transaction.atomic():
        account.kind, account.secret = LockAccount.Kind.OAUTH, ""
        account.save(update_fields=["kind", "secret"])
        made = {"connection": uuid.uuid4(), "connected_at": now}
        # The version rises, so that the answer to a renewal of the former connection is not stored over this one.
        known = AccountTokens.objects.filter(account=account).update(version=F("version") + 1, **made, **fresh)
        if not known:
            AccountTokens.objects.create(account=account, **made, **fresh)
        may_write = tokens.may_write(settings.TEDEE_OAUTH_SCOPES)
        AccountState.objects.update_or_create(account=account, defaults={"key_may_write": may_write})
        _end_rest(account.pk, Cause.RENEWAL.value)
        Incident.resolve(now, about=account, kinds=(*account_limits.DEAD, *_ABOUT_CONNECTIONS))
        account_limits.forgive_new_keys(now)
        account_limits.forgive_new_locks(now)


def forget(account: LockAccount) -> None:
    """The account uses a key from now on: its tokens are not kept."""
    AccountTokens.objects.filter(account=account).delete()
