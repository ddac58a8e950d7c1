"""A question before an action on several objects: which objects, and what the action means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from rentals.admin.object_pages import page_context

_MOST_NAMED: Final = 50


@dataclass(frozen=True)
class Question:
    """What a person reads before they press the button."""

    action: str  # its name in the list of actions
    title: str
    means: str  # what is going to happen, before the list of names
    button: str
    warning: str = ""
    note: str = ""
    others: tuple[str, ...] = ()  # chosen rows that the action leaves alone, and why


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the question was answered with yes."""
    return request.method == "POST" and request.POST.get("confirmed") == "yes"


def ask(model_admin: Any, request: HttpRequest, names: dict[int, str], question: Question) -> HttpResponse:
    """The page with the question. `names`: the chosen objects by name, under their keys."""
    context = {
        **page_context(model_admin, request, question.title),
        "question": question,
        "keys": list(names),
        "names": list(names.values())[:_MOST_NAMED],
        "more": max(0, len(names) - _MOST_NAMED),
    }
    return TemplateResponse(request, "rentals/admin/confirmation.html", context)
