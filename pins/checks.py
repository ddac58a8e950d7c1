"""Warnings about configuration that works but may be a mistake. Never errors: each is right somewhere."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


@register()
def api_is_private(**_: Any) -> list[CheckMessage]:
    """Over http, keys and PINs travel in clear; that is right for a simulator on this machine only."""
    if settings.DEBUG or settings.TEDEE_API_URL.startswith("https://"):
        return []
    is_here = urlsplit(settings.TEDEE_API_URL).hostname in _THIS_MACHINE
    where = "this machine" if is_here else "another machine, unencrypted"
    return [
        Warning(
            f"TEDEE_API_URL leads to {where}; no real lock will get its code.",
            hint="Unset TEDEE_API_URL to use Tedee's cloud.",
            id="pins.W001",
        )
    ]


@register()
def any_host_is_allowed(**_: Any) -> list[CheckMessage]:
    if settings.DEBUG or "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Warning(
            "ALLOWED_HOSTS=* lets a forged Host header into the links of this site.",
            hint="List the names under which people reach it, such as codes.example.com.",
            id="pins.W002",
        )
    ]
