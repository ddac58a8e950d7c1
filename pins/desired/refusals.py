"""Why a person does not get what they asked for."""

from __future__ import annotations

from django.utils.translation import gettext as _


class Refusal(Exception):
    """Nothing was done. `text`, in English, says why; its translation into the language that is active is what a
    person reads."""

    text = ""

    def __init__(self) -> None:
        super().__init__(_(self.text))
