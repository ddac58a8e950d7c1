"""People who log in through the provider alone.

Whoever is known by the provider (`OIDC_ISSUER`) is governed by it: when it does not let them in any more, a password, a
passkey or a mailed link of Turnkey must not, either. An administrator may allow that for one person. Superusers are
made here and keep their password: somebody must get in while the provider fails.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from config.people.models import ProviderAccount


def bound_accounts() -> QuerySet[ProviderAccount]:
    """Empty where no provider is set: then its people log in as all others do."""
    accounts = ProviderAccount.objects.filter(issuer=settings.OIDC_ISSUER, user__is_superuser=False, also_here=False)
    return accounts if settings.OIDC_ISSUER else accounts.none()


def is_bound(user_id: int) -> bool:
    return bound_accounts().filter(user=user_id).exists()


def allow_here(user: User, *, allowed: bool) -> bool:
    """False: they are not known by the provider, or nothing changed."""
    accounts = ProviderAccount.objects.filter(user=user, issuer=settings.OIDC_ISSUER)
    return bool(settings.OIDC_ISSUER and accounts.exclude(also_here=allowed).update(also_here=allowed))


def told() -> str:
    """What a bound person reads who tries another way."""
    text = _("You log in with {provider}. An administrator may allow a password and passkeys as well.")
    return text.format(provider=settings.OIDC_NAME)
