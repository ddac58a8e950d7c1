"""System checks about this machine: Django runs them before each command, and `manage.py doctor` tells them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Info, Warning, register


@register()
def files_were_open(**_: Any) -> list[CheckMessage]:
    """What others on this machine could read when this process began (`config.private_files`)."""
    messages: list[CheckMessage] = []
    for found in settings.FILES_FOUND_OPEN:
        what = "folder" if found.path.is_dir() else "file"
        if found.is_closed:
            messages.append(
                Info(
                    f"The {what} {found.path} was open to others on this machine ({found.mode:04o}). It is closed now.",
                    hint="If others can log in here, they may have read it: change the keys that were in it.",
                    id="config.I001",
                )
            )
        else:
            messages.append(
                Warning(
                    f"The {what} {found.path} is open to others on this machine ({found.mode:04o}) and belongs to "
                    "another user.",
                    hint=f"Give it to the user of Turnkey: chown it, then chmod go-rwx {found.path}",
                    id="config.W001",
                )
            )
    return messages
