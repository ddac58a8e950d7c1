"""The first steps: an account, its key, its locks. Each press asks Tedee; its answer is what the pages show."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from datetime import datetime

from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from pins import tasks
from pins.admin.setup.answers import Answer, go
from pins.admin.setup.facts import load
from pins.admin.setup.forms import AccountForm, KeyForm
from pins.admin.setup.known import Facts
from pins.admin.setup.steps import Key, State, judge
from pins.models import AccountState
from pins.reconcile import account_limits, by_hand, inventory, key_expiry, tokens
from pins.reconcile.clients import client_for
from rentals import numbers
from rentals.fields import UndecryptableValue
from rentals.models import LockAccount
from rentals.phrases import mark


def test_key(request: HttpRequest, account: LockAccount, now: datetime) -> bool:
    """Ask Tedee with the key: which locks there are, what it may do, when it ends; and have the keypads read. Says what
    went wrong. Takes some requests of the account's budget, and waits for the answers."""
    try:
        found = inventory.fetch(account, now)
        key_expiry.check(account, client_for(account), now, asked=True)
    except (inventory.FetchError, UndecryptableValue) as error:
        is_dead = AccountState.objects.filter(account=account).exclude(dead_key="").exists()
        if not is_dead:  # else the step itself says so
            messages.error(request, f"{account}: {error}")
        return False
    read_keypads(found.seen_lock_ids, now, also=found.lock_ids_to_wake)
    for one in found.found:
        if one.change is inventory.Change.SKIPPED:
            messages.warning(request, f"{one.name}: {'; '.join(one.notes)}.")
    return True


def read_keypads(lock_ids: Iterable[int], now: datetime, also: Collection[int] = ()) -> None:
    """Have the worker read what is on keypads that were never read."""
    tasks.wake_locks_on_commit(sorted(by_hand.first_look(lock_ids, now).union(also)))


def log(request: HttpRequest, about: Model, flag: int, text: str) -> None:
    """A line in the history of what was made, by whom. `text`: in English, in which the history is kept."""
    if request.user.pk is not None:
        LogEntry.objects.log_actions(request.user.pk, [about], flag, text, single_object=True)


# -- the account -------------------------------------------------------------------------------------------------


def account_page(request: HttpRequest, facts: Facts) -> Answer:
    return {"form": AccountForm(initial={"name": "" if facts.accounts else "Tedee"})}


def account_pressed(request: HttpRequest, facts: Facts) -> Answer | HttpResponse:
    """The account is kept whatever its key is worth: the next step says so, and takes another one."""
    form = AccountForm(request.POST)
    if not form.is_valid():
        return {"form": form}
    form.instance.secret, form.instance.observe_only = form.cleaned_data["secret"], True
    with transaction.atomic():
        account = form.save()
        log(request, account, ADDITION, mark("Connected in the first run."))
    tested = test_key(request, account, timezone.now())
    return go(Key.LOCKS if tested and _is_good() else Key.KEY)


def new_account() -> LockAccount:
    """One for a person who logs in at Tedee, not stored yet. They can give it another name later."""
    taken = {name.casefold() for name in LockAccount.objects.values_list("name", flat=True)}
    names = itertools.chain(["Tedee"], (f"Tedee {number}" for number in itertools.count(2)))
    name = next(one for one in names if one.casefold() not in taken)
    return LockAccount(name=name, kind=LockAccount.Kind.OAUTH, observe_only=True)


def connected(request: HttpRequest, account: LockAccount) -> HttpResponse:
    """The account has just been connected: ask Tedee for its locks, and go on."""
    tested = test_key(request, account, timezone.now())
    return go(Key.LOCKS if tested and _is_good() else Key.KEY)


# -- its key -----------------------------------------------------------------------------------------------------


def key_page(request: HttpRequest, facts: Facts) -> Answer:
    account = in_question(facts)
    return {"account": account, "form": KeyForm(instance=account) if account is not None else None}


def key_pressed(request: HttpRequest, facts: Facts) -> Answer | HttpResponse:
    account = in_question(facts)
    if account is None:
        return go(Key.ACCOUNT)
    now = timezone.now()
    if "test" not in request.POST:
        form = KeyForm(request.POST, instance=account)
        if not form.is_valid():
            return {"account": account, "form": form}
        with transaction.atomic():
            account.secret, account.kind = form.cleaned_data["secret"], LockAccount.Kind.PERSONAL_KEY
            account.save(update_fields=["secret", "kind"])
            tokens.forget(account)
            log(request, account, CHANGE, mark("Another key was entered in the first run."))
        account_limits.forgive_new_keys(now)
    if test_key(request, account, now) and _is_good():
        is_key = account.kind == LockAccount.Kind.PERSONAL_KEY
        accepts = _("{account}: Tedee accepts the key.") if is_key else _("{account}: Tedee accepts the connection.")
        messages.success(request, accepts.format(account=account))
        return go(Key.LOCKS)
    return go(Key.KEY)


def in_question(facts: Facts) -> LockAccount | None:
    """The account whose key the step is about: one in trouble, one that is not tested, or the last one."""
    troubled = [one for one in facts.accounts if one.refused or one.may_write is False]
    untested = [one for one in facts.accounts if not one.accepted]
    for one in (*troubled, *untested, *reversed(facts.accounts)):
        return LockAccount.objects.defer("secret", "webhook_token").filter(pk=one.id).first()
    return None


def _is_good() -> bool:
    """Whether the step of the key is done now."""
    steps = judge(load(timezone.now()))
    return next(one for one in steps if one.key is Key.KEY).state is State.DONE


# -- its locks ---------------------------------------------------------------------------------------------------


def locks_page(request: HttpRequest, facts: Facts) -> Answer:
    return {"doors": facts.doors}


def locks_pressed(request: HttpRequest, facts: Facts) -> Answer | HttpResponse:
    """Fetch the locks of every account again, or have the keypads read that were not."""
    now = timezone.now()
    if "read" in request.POST:
        with transaction.atomic():
            read_keypads([one.id for one in facts.doors], now)
        messages.info(request, _("The keypads are being read."))
        return go(Key.WATCH if request.POST["read"] == Key.WATCH else Key.LOCKS)
    for account in LockAccount.objects.filter(pk__in=[one.id for one in facts.accounts]):
        if test_key(request, account, now):
            messages.success(request, f"{account}: {numbers.locks(account.locks.count())}.")
    return go(Key.LOCKS)
