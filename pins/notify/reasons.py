"""Why a message waits or was not sent, for whoever reads the list of messages.

Stored in English (`OutboxMessage.last_error`, `NotificationChannel.last_error`), and said in the language of whoever
reads it. Those columns hold our own sentences alone, so a stored text is looked up among all that are translated. Those
with a value in them stand here, so that the value is found in what was stored.
"""

from __future__ import annotations

import re
from typing import Final

from django.utils.translation import gettext as _

from rentals.phrases import mark

OWN_FAULT: Final = mark("Turnkey met a fault of its own ({name}).")
STATUS: Final = mark("The receiver answers with status {status}.")
REDIRECTS: Final = mark("The receiver redirects ({status}). Redirects are not followed: enter the final address.")
NO_ANSWER: Final = mark("{service} did not answer in time. It may have taken the message.")
NOT_TAKEN: Final = mark("{service} did not take the message, or cannot be reached.")

_WITH_VALUE: Final = tuple(
    (text, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(text))))
    for text in (OWN_FAULT, STATUS, REDIRECTS, NO_ANSWER, NOT_TAKEN)
)


def shown(stored: str) -> str:
    """The reason in the language that is active; English where no text of ours fits."""
    for text, pattern in _WITH_VALUE:
        if found := pattern.fullmatch(stored):
            return _(text).format(**found.groupdict())
    return _(stored) if stored else ""
