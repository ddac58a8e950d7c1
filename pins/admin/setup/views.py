"""The pages of the first run: one for each step. They need the rights of an administrator who sees all properties."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from pins.admin import connection
from pins.admin.setup import beginning, connecting, facts, renting
from pins.admin.setup.answers import Answer, go
from pins.admin.setup.known import Facts
from pins.admin.setup.steps import Key, State, current, is_complete, judge
from pins.board.set_up_rights import may_set_up
from pins.board.views import is_part, load_the_page

_Page = Callable[[HttpRequest, Facts], Answer]
_Press = Callable[[HttpRequest, Facts], Answer | HttpResponse]

PAGES: Final[dict[Key, _Page]] = {
    Key.ACCOUNT: connecting.account_page,
    Key.KEY: connecting.key_page,
    Key.LOCKS: connecting.locks_page,
    Key.FLATS: renting.flats_page,
    Key.CALENDAR: renting.calendar_page,
    Key.STAY: renting.stay_page,
    Key.WATCH: beginning.watch_page,
    Key.BEGIN: beginning.begin_page,
}
PRESSES: Final[dict[Key, _Press]] = {
    Key.ACCOUNT: connecting.account_pressed,
    Key.KEY: connecting.key_pressed,
    Key.LOCKS: connecting.locks_pressed,
    Key.FLATS: renting.flats_pressed,
    Key.CALENDAR: renting.calendar_pressed,
    Key.STAY: renting.stay_pressed,
    Key.BEGIN: beginning.begin_pressed,
}
#: Pages that renew a part of themselves.
_LIVE: Final = frozenset({Key.LOCKS, Key.WATCH, Key.BEGIN})
SIGNS: Final = {State.DONE: "✓", State.SKIPPED: "-", State.OPEN: "○", State.WAITING: "↻", State.TROUBLE: "✕"}


def for_administrators(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Others get the login form, or a page that says who can do this."""

    @staff_member_required
    @wraps(view)
    def allowed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if may_set_up(request.user):
            return view(request, *args, **kwargs)
        context = {**admin.site.each_context(request), "title": _("First run"), "is_nav_sidebar_enabled": False}
        return render(request, "pins/setup/not_for_you.html", context, status=403)

    @never_cache
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = allowed(request, *args, **kwargs)
        return load_the_page() if is_part(request) and response.status_code in (302, 403) else response

    return checked


@require_safe
@for_administrators
def start(request: HttpRequest) -> HttpResponse:
    """Go on where the last one stopped."""
    step = current(judge(facts.load(timezone.now())))
    return go(step.key if step is not None else Key.BEGIN)


@require_safe
@for_administrators
def connect(request: HttpRequest) -> HttpResponse:
    """Off to Tedee: to log in for a new account, or again for the one that the step of the key is about."""
    found = facts.load(timezone.now())
    step = Key.KEY if "again" in request.GET else Key.ACCOUNT
    account = connecting.in_question(found) if step is Key.KEY else None
    return connection.leave(request, account, go(step), first_run=True)


@sensitive_post_parameters("secret", "url", "carried")
@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def step(request: HttpRequest, step: str) -> HttpResponse:
    if step not in set(Key):
        raise Http404
    key = Key(step)
    found = facts.load(timezone.now())
    if request.method != "POST":
        return _shown(request, key, found, PAGES[key](request, found))
    press = PRESSES.get(key)
    if press is None:
        return go(key)
    answer = press(request, found)
    if isinstance(answer, HttpResponse):
        return answer
    # A form with errors, or a preview: the facts may have changed by what was kept.
    refused = "preview" not in answer
    return _shown(request, key, facts.load(timezone.now()), answer, status=422 if refused else 200)


def _shown(request: HttpRequest, key: Key, found: Facts, answer: Answer, status: int = 200) -> HttpResponse:
    steps = judge(found)
    place = list(Key).index(key)
    context = {
        **admin.site.each_context(request),
        "is_nav_sidebar_enabled": False,
        "title": steps[place].title,
        "steps": [(one, SIGNS[one.state]) for one in steps],
        "step": steps[place],
        "sign": SIGNS[steps[place].state],
        "number": place + 1,
        "before": steps[place - 1] if place else None,
        "after": steps[place + 1] if place + 1 < len(steps) else None,
        "complete": is_complete(found, steps),
        "current": current(steps),
        "facts": found,
        "is_live": key in _LIVE,
        **answer,
    }
    template = (
        f"pins/setup/{key.value}_live.html" if is_part(request) and key in _LIVE else f"pins/setup/{key.value}.html"
    )
    return render(request, template, context, status=status)
