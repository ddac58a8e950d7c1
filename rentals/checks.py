"""System checks for settings that work but may be a mistake."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register()
def feeds_reach_private_hosts(**_: Any) -> list[CheckMessage]:
    """With this setting, anybody who may enter a calendar address can read this network through it."""
    if settings.DEBUG or not settings.FEEDS_ALLOW_PRIVATE_HOSTS:
        return []
    return [
        Warning(
            "FEEDS_ALLOW_PRIVATE_HOSTS lets calendar addresses reach this machine and its network.",
            hint="Unset it outside tests.",
            id="rentals.W001",
        )
    ]
