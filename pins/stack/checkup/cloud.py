"""Whether Tedee accepts each account's key."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from pins.core import budget
from pins.reconcile import inventory, request_budget
from pins.reconcile.clients import client_for
from pins.stack.checkup.findings import Finding, fail, ok, warn
from pins.tedee.errors import Cause, TedeeError
from rentals.fields import UndecryptableValue
from rentals.models import LockAccount
from rentals.wording import counted

#: What passes by itself.
_PASSING = (Cause.RATE_LIMITED, Cause.RENEWAL)
_FETCH_LOCKS = "Press “Fetch locks” on the account's page in the admin, or run: make sync-locks"


def cloud() -> Iterator[Finding]:
    """One cheap request per account, from its budget: the state of one lock, else the list of locks."""
    for account in LockAccount.objects.order_by("pk"):
        yield _ask(account)


def _ask(account: LockAccount) -> Finding:
    now = timezone.now()
    subject = f"cloud, {account.name}"
    if request_budget.spend(account.budget_key, budget.Purpose.CONNECTIVITY, now, now) is not None:
        return warn(subject, "not asked: this hour's requests are nearly used up.", "Try again later.")
    lock = account.locks.order_by("pk").first()
    try:
        client = client_for(account)
        if lock is not None:
            client.sync_locks([lock.device_id])
            return ok(subject, "accepts the key (1 request: the state of one lock)")
        count = len(client.list_locks().value)
    except TedeeError as error:
        return _refused(subject, account, error)
    except UndecryptableValue:
        return fail(subject, "none of FIELD_ENCRYPTION_KEYS opens the stored key.", "See the line about keys.")
    if not count:
        return warn(
            subject, "accepts the key, but shows no lock.", "Check the scopes Device.Read and Device.ReadWrite."
        )
    return warn(subject, f"accepts the key and shows {counted(count, 'lock')}, none imported.", _FETCH_LOCKS)


def _refused(subject: str, account: LockAccount, error: TedeeError) -> Finding:
    """In the words of “Fetch locks” and of the first run."""
    said, _, remedy = inventory.explain(error, LockAccount.Kind(account.kind)).partition(". ")
    return (warn if error.cause in _PASSING else fail)(subject, f"{said.rstrip('.')}.", remedy)
