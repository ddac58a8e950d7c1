"""The names under which codes stand on the locks of an account, and what its cloud makes of them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from pins.core.alias import (
    USUAL_FORM,
    AliasForm,
    alias_text,
    form_learned,
    full_length,
    reference_in,
    spare_alias,
    staff_alias,
)
from pins.models import AccessGrant, AccountState, Pin
from rentals.models import LockAccount


def alias_to_send(pin: Pin, state: AccountState | None) -> str:
    """The alias of a PIN in the form that its account's cloud keeps. Until one was read back, aliases have the full
    length, to show what the cloud does to them. `state`: of the account."""
    form = _form(state)
    alias, grant = pin.alias, pin.grant
    if form != USUAL_FORM or reference_in(alias) != grant.reference:
        alias = _written(grant, form)
    is_checked = state is not None and state.alias_checked_at is not None
    return alias if is_checked or form != USUAL_FORM else full_length(alias)


def _written(grant: AccessGrant, form: AliasForm) -> str:
    if grant.kind == AccessGrant.Kind.STAFF:
        return staff_alias(grant.holder_name, grant.reference, form)
    if grant.kind == AccessGrant.Kind.BACKUP:
        return spare_alias(grant.reference, form)
    return alias_text(grant.holder_name, grant.starts_at.date(), grant.ends_at.date(), grant.reference, form)


def take_check(pin: Pin, account: LockAccount, state: AccountState | None) -> bool:
    """A code was set: is it the one that is read back for the account? The first one is, or, if that one is gone, the
    next. `state`: of the account, as it was lately."""
    if state is None:
        state, _ = AccountState.objects.get_or_create(account=account)
        account.operation = state  # for the next codes of the run
    if state.alias_checked_at is not None:
        return False
    there = Pin.objects.filter(pk=OuterRef("alias_probe"), remote_id__isnull=False)
    unchecked = AccountState.objects.filter(~Exists(there), account=account, alias_checked_at=None)
    return unchecked.update(alias_probe=pin.pk) == 1


def read_back(pin: Pin, account: LockAccount, shown: str, now: datetime) -> None:
    """A code was read. If it was the account's first one, learn from its alias how others must be written. Later
    differences teach nothing: people rename codes in the Tedee app."""
    checked = AccountState.objects.filter(account=account, alias_probe=pin.pk, alias_checked_at=None)
    learned = form_learned(pin.sent_alias, shown)
    checked.update(alias_form=str(learned) if learned is not None else "", alias_checked_at=now)


def is_shortest(account: LockAccount) -> bool:
    """Are the account's aliases as short as they can be made?"""
    form = _form(AccountState.objects.filter(account=account).first())
    return form == form.shorter()


def refused(account: LockAccount) -> None:
    """The cloud refused an alias: from now on they are shorter."""
    state, _ = AccountState.objects.get_or_create(account=account)
    shorter = str(_form(state).shorter())
    AccountState.objects.filter(~Q(alias_form=shorter), account=account).update(alias_form=shorter)


def _form(state: AccountState | None) -> AliasForm:
    return AliasForm.parse(state.alias_form) if state is not None else USUAL_FORM
