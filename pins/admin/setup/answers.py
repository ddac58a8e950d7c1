"""What a step answers: what its page shows, or where to go on."""

from __future__ import annotations

from typing import Any, TypeAlias

from django.http import HttpResponseRedirect
from django.urls import reverse

from pins.admin.setup.steps import Key

#: What the template of a step shows beside the steps themselves.
Answer: TypeAlias = dict[str, Any]


def go(step: Key) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("setup-step", args=[step.value]))
