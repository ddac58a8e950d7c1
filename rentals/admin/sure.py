"""A question before something is done to several objects: to which, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

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
    others: tuple[str, ...] = ()  # what was chosen too, and why nothing happens to it


def is_sure(request: HttpRequest) -> bool:
    """Whether the question was answered with yes."""
    return request.method == "POST" and request.POST.get("confirmed") == "yes"


def ask(model_admin: Any, request: HttpRequest, names: dict[int, str], question: Question) -> HttpResponse:
    """The page with the question. `names`: what everything is called, by its key."""
    context = {
        **model_admin.admin_site.each_context(request),
        "title": question.title,
        "question": question,
        "opts": model_admin.model._meta,
        "keys": list(names),
        "names": list(names.values())[:_MOST_NAMED],
        "more": max(0, len(names) - _MOST_NAMED),
        "media": model_admin.media,
    }
    return TemplateResponse(request, "rentals/admin/sure.html", context)
