"""The language in which a person reads the site: English or Polish.

It is kept with the person, so that letters and other browsers know it, and in a cookie of the browser, so that pages
ask the database nothing. A browser without the cookie gets what its Accept-Language asks for, or English. Guests choose
on their own pages, among more languages (`pins.guests.words`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

_A_YEAR: Final = 365 * 86_400  # seconds


def languages(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """The middleware. Unlike Django's it leaves no language behind in the thread, for whatever fails before the next
    request comes here; and it says that pages depend on the cookie, too."""

    def respond(request: HttpRequest) -> HttpResponse:
        language = translation.get_language_from_request(request)
        with translation.override(language, deactivate=True):
            response = get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Content-Language", language)
            patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response

    return respond


def offered(request: HttpRequest) -> dict[str, Any]:
    """For templates: the language of the page, and those to change to. An answer to a form has no address to come back
    to."""
    others = [(code, name) for code, name in settings.LANGUAGES if code != translation.get_language()]
    here = request.get_full_path() if request.method == "GET" else ""
    return {"LANGUAGE_CODE": translation.get_language(), "other_languages": others, "back_here": here}


def chosen(user: User) -> str:
    """What the person chose; "" for one who never did. Asks the database."""
    from config.people.models import Preference  # the settings name this module before the models are there

    found = Preference.objects.filter(user=user).values_list("language", flat=True).first() or ""
    return found if _is_spoken(found) else ""


def speaking(user: User, otherwise: str = "") -> AbstractContextManager[None]:
    """Within it, texts are in the person's language. `otherwise`: for one who never chose."""
    first = next(filter(_is_spoken, (chosen(user), otherwise)), settings.LANGUAGE_CODE)
    return translation.override(first)


def bring(response: HttpResponse, user: User) -> None:
    """Bring the person's choice, if there is one, to the browser in which they log in."""
    if language := chosen(user):
        _keep(response, language)


@never_cache
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the choice, for a stranger in the browser alone, and come back to the page."""
    language, wanted = request.POST.get("language", ""), request.POST.get("next", "")
    if not _is_spoken(language):
        return HttpResponseBadRequest(_("There is no such language here."), content_type="text/plain; charset=utf-8")
    if request.user.is_authenticated:
        from config.people.models import Preference

        Preference.objects.update_or_create(user=request.user, defaults={"language": language})
    is_here = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    response = HttpResponseRedirect(wanted if is_here else reverse("home"))
    _keep(response, language)
    return response


def _is_spoken(language: str) -> bool:
    return language in dict(settings.LANGUAGES)


def _keep(response: HttpResponse, language: str) -> None:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=_A_YEAR,
        secure=settings.HTTPS_ONLY,
        httponly=True,
        samesite="Lax",
    )
