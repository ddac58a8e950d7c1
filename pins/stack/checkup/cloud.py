"""Whether Tedee accepts each account's key."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from pins.core import budget
from pins.reconcile import account_limits
from pins.reconcile.clients import client_for
from pins.stack.checkup.findings import Finding, fail, ok, warn
from pins.tedee.errors import Cause, TedeeError
from rentals.fields import UndecryptableValue
from rentals.models import LockAccount
from rentals.wording import counted

_FETCH_LOCKS = "Press “Fetch locks” on the account's page in the admin, or run: make sync-locks"


def cloud() -> Iterator[Finding]:
    """One cheap request per account, from its budget: the state of one lock, else the list of locks."""
    found = list(LockAccount.objects.order_by("pk"))
    if not found:
        yield warn(
            "cloud", "there is no lock account yet.", "Add one in the admin, then press “Fetch locks” on its page."
        )
    for account in found:
        yield _ask(account)


def _ask(account: LockAccount) -> Finding:
    now = timezone.now()
    subject = f"cloud, {account.name}"
    if account_limits.spend(account.budget_key, budget.Purpose.CONNECTIVITY, now, now) is not None:
        return warn(subject, "not asked: this hour's requests are nearly used up.", "Try again later.")
    lock = account.locks.order_by("pk").first()
    try:
        client = client_for(account)
        if lock is not None:
            client.sync_locks([lock.device_id])
            return ok(subject, "accepts the key (1 request: the state of one lock)")
        count = len(client.list_locks().value)
    except TedeeError as error:
        return _refused(subject, error, account)
    except UndecryptableValue:
        return fail(subject, "none of FIELD_ENCRYPTION_KEYS opens the stored key.", "See the line about keys.")
    if not count:
        return warn(
            subject, "accepts the key, but shows no lock.", "Check the scopes Device.Read and Device.ReadWrite."
        )
    return warn(subject, f"accepts the key and shows {counted(count, 'lock')}, none imported.", _FETCH_LOCKS)


def _refused(subject: str, error: TedeeError, account: LockAccount) -> Finding:
    if error.cause == Cause.RENEWAL:
        return warn(subject, "is being asked for a new access token.", "Try again in a minute; the board says more.")
    if error.cause == Cause.UNAUTHORIZED and account.kind == LockAccount.Kind.OAUTH:
        return fail(subject, "does not accept the connection.", "Press “Connect with Tedee” on the account's page.")
    if error.cause == Cause.UNAUTHORIZED:
        return fail(subject, "refuses the key.", "Make a new personal access key in the Tedee portal and enter it.")
    if error.cause == Cause.RATE_LIMITED:
        return warn(subject, "answers that the account asked too often.", "Wait; the work goes on by itself.")
    if error.cause == Cause.FORBIDDEN:
        return fail(subject, "denies permission.", "The key needs the scopes Device.Read and Device.ReadWrite.")
    return fail(subject, f"does not answer as it should ({error.cause.value}).", "Check the network and TEDEE_API_URL.")
