"""Which person of ours a visitor is, and in which groups.

Known by issuer and subject. Who comes for the first time is known by a verified e-mail address, or becomes a new person
if a group of theirs is one of `OIDC_GROUPS`.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.people.models import ProviderAccount
from config.people.provider.tokens import Visitor
from rentals.phrases import mark

_NEW: Final = mark("Came for the first time through the provider.")
_LINKED: Final = mark("Came through the provider, and is known by it from now on.")


class NotHere(Exception):
    """The visitor is nobody who may come in. The text is for them."""


def person_of(visitor: Visitor) -> User:
    """The person, with their groups as the provider says. Raises NotHere."""
    mapped = {ours for theirs, ours in settings.OIDC_GROUPS if theirs in visitor.groups}
    with transaction.atomic():
        user = _known(visitor) or _by_email(visitor) or _new(visitor, mapped)
        if not user.is_active or not user.is_staff:
            raise NotHere(_("Your account in Turnkey is switched off. Ask an administrator."))
        if settings.OIDC_GROUPS:
            _follow_groups(user, mapped)
    # After the transaction: groups that were lost are gone, although the person does not come in.
    if settings.OIDC_GROUPS and not mapped and not user.is_superuser:
        raise NotHere(_("None of your groups may use Turnkey. Ask an administrator."))
    return user


def _known(visitor: Visitor) -> User | None:
    accounts = ProviderAccount.objects.select_related("user")
    found = accounts.filter(issuer=visitor.issuer, subject=visitor.subject).first()
    return found.user if found is not None else None


def _by_email(visitor: Visitor) -> User | None:
    """An address that two people have tells nothing, and neither does one of a person who is known by another account
    of this provider already: addresses are given to new people."""
    if not visitor.email:
        return None
    people = list(User.objects.filter(email__iexact=visitor.email)[:2])
    if len(people) != 1:
        return None
    (user,) = people
    if ProviderAccount.objects.filter(user=user, issuer=visitor.issuer).exists():
        raise NotHere(_("Your e-mail address belongs to somebody else in Turnkey. Ask an administrator."))
    return _link(user, visitor, CHANGE, _LINKED)


def _new(visitor: Visitor, mapped: set[str]) -> User:
    if not visitor.email:
        raise NotHere(_("The provider does not say that your e-mail address is verified. Ask its administrator."))
    if not mapped:
        raise NotHere(_("Nobody in Turnkey has your e-mail address, and none of your groups may use it."))
    if User.objects.filter(email__iexact=visitor.email).exists():
        raise NotHere(_("Several people in Turnkey have your e-mail address. Ask an administrator."))
    name = visitor.name if visitor.name and len(visitor.name) <= 150 else visitor.email
    if User.objects.filter(username__iexact=name).exists():
        name = visitor.email
    user = User(username=name, email=visitor.email, is_staff=True)
    user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:  # somebody has this name
        raise NotHere(_("Somebody in Turnkey has your name already. Ask an administrator.")) from None
    return _link(user, visitor, ADDITION, _NEW)


def _link(user: User, visitor: Visitor, flag: int, text: str) -> User:
    try:
        with transaction.atomic():
            ProviderAccount.objects.create(user=user, issuer=visitor.issuer, subject=visitor.subject)
    except IntegrityError:
        # Two logins of one visitor at once: the other one made it.
        return ProviderAccount.objects.get(issuer=visitor.issuer, subject=visitor.subject).user
    LogEntry.objects.log_actions(user.pk, [user], flag, text, single_object=True)
    return user


def _follow_groups(user: User, mapped: set[str]) -> None:
    """Groups that `OIDC_GROUPS` names follow the provider; others stay as an administrator set them."""
    governed = {ours for _theirs, ours in settings.OIDC_GROUPS}
    there = {group.name: group for group in Group.objects.filter(name__in=governed)}
    if missing := sorted(mapped - set(there)):
        raise NotHere(
            _("OIDC_GROUPS names a group that Turnkey does not have: {groups}.").format(groups=", ".join(missing))
        )
    mine = set(user.groups.filter(name__in=governed).values_list("name", flat=True))
    if mine == mapped:
        return
    user.groups.add(*(there[name] for name in mapped - mine))
    user.groups.remove(*(there[name] for name in mine - mapped))
    said = ", ".join(sorted(mapped)) or "none"
    LogEntry.objects.log_actions(user.pk, [user], CHANGE, f"Groups by the provider: {said}.", single_object=True)
