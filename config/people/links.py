"""One-time links to choose a password: for invited people, and for those who forgot theirs.

Django signs them over the present password and the last login, so a link ends with its first use, and after
`PASSWORD_LINK_HOURS`.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.people.bound import bound_accounts
from config.people.language import speaking
from pins.notify import mail


def can_be_mailed() -> bool:
    """A link in a letter begins with `PUBLIC_URL`; whoever sends a request must not choose its beginning."""
    return mail.is_set_up() and bool(settings.PUBLIC_URL)


def link(user: User, request: HttpRequest | None = None) -> str:
    """`request`: whose address the link begins with where `PUBLIC_URL` is not set."""
    key = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("password_reset_confirm", args=[key, default_token_generator.make_token(user)])
    if settings.PUBLIC_URL or request is None:
        return f"{settings.PUBLIC_URL}{path}"
    return request.build_absolute_uri(path)


def people_at(address: str) -> QuerySet[User]:
    """Who may log in with a password and has this e-mail address."""
    found = User.objects.filter(email__iexact=address, is_active=True, is_staff=True).exclude(email="")
    return found.exclude(pk__in=bound_accounts().values("user"))


def send(user: User, language: str = "") -> None:
    """In the language that the person chose, else in the given one. Raises OSError when the mail server does not take
    it."""
    hours = settings.PASSWORD_RESET_TIMEOUT // 3600
    with speaking(user, language):
        subject = _("Turnkey: choose your password")
        lasts = ngettext(
            "The link works once, for {number} hour.", "The link works once, for {number} hours.", hours
        ).format(number=hours)
        parts = (
            _("Hello {name},").format(name=user.get_username()),
            _("choose your password for Turnkey here:"),
            link(user),
            f"{lasts} {_('If you did not ask for it, do nothing: your password stays as it is.')}",
        )
    headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    EmailMessage(subject, "\n\n".join(parts), to=[user.email], headers=headers).send()
