"""Browsers from which a person has logged in before.

In a storm of wrong passwords they have a way in of their own: strangers can neither use up their tries nor their turn.
The cookie is signed and names the person; it lets nobody in without the password.
"""

from __future__ import annotations

import secrets
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

COOKIE: Final = "turnkey_device"
_SALT: Final = "config.people.devices"
_DAYS: Final = 180


def is_ours(cookie: str) -> bool:
    """Whether we made it, whoever it names."""
    try:
        signing.loads(cookie, salt=_SALT, max_age=_DAYS * 86_400)
    except signing.BadSignature:
        return False
    return True


def known(request: HttpRequest, name: str) -> str:
    """The key of the browser, if whoever has this user name logged in from it; else nothing."""
    try:
        user_id, device = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_DAYS * 86_400)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(device) if User.objects.filter(pk=user_id, username=name).exists() else ""


def remember(response: HttpResponse, user: User) -> None:
    """The browser gets a new key with each login, so a copied cookie has the tries of one login."""
    response.set_cookie(
        COOKIE,
        signing.dumps([user.pk, secrets.token_hex(8)], salt=_SALT),
        max_age=_DAYS * 86_400,
        path=reverse("admin:login"),
        secure=settings.HTTPS_ONLY,
        httponly=True,
        samesite="Strict",
    )
