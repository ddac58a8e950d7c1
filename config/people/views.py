"""The pages of logging in: name and password, then the code of the second step where the person has one."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any, Final, cast

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from config.people import devices, language, links, second_step, throttle
from config.people.login_form import LoginForm
from config.people.sessions import BY_PROVIDER, TOOK_SECOND_STEP
from config.people.throttle import Wait
from config.people.words import not_looked_at, wrong_code
from rentals.inbound.client import address_of

logger = logging.getLogger(__name__)

_HALF_IN: Final = "half_in"
_ENTERED, _PROVED = "entered_at", "proved_at"
#: Seconds after proving who they are for which a person is believed also where it matters most.
_FRESH: Final = 900
#: Seconds between the password and the code.
_LONGEST: Final = 600


@dataclass(frozen=True, slots=True)
class Proof:
    """How somebody showed who they are."""

    at: float  # when, in seconds since 1970; 0: unknown
    strong: bool = False  # with a second step
    by_provider: bool = False


class Login(LoginView):
    """Answers 429 when a limit refused the try. What `next` names outside this site is left out (Django)."""

    authentication_form = LoginForm
    template_name = "admin/login.html"

    def form_valid(self, form: Any) -> HttpResponse:
        return let_in(self.request, form.get_user(), self.get_success_url(), Proof(time.time()))

    def form_invalid(self, form: Any) -> HttpResponse:
        return _refused(super().form_invalid(form), form.wait)


def let_in(request: HttpRequest, user: User, wanted: str, proof: Proof) -> HttpResponse:
    """Log somebody in who proved who they are, or ask for their second step. `wanted`: a path of this site."""
    if proof.strong or second_step.confirmed(user) is None:
        return _all_the_way_in(request, user, wanted, proof)
    # Not logged in yet. Whoever had this session before learns nothing of it.
    request.session.flush()
    request.session[_HALF_IN] = {
        "user": user.pk,
        "proof": user.get_session_auth_hash(),  # another password ends the half login too
        "at": time.time(),
        "next": wanted,
        "by_provider": proof.by_provider,
    }
    return redirect("second-step-code")


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person proved just now, for this session, who they are. A provider lets browsers in for days that it
    asked once, so that coming from it proves nothing by itself."""
    return _just_now(request, _PROVED)


def entered_just_now(request: HttpRequest) -> bool:
    """Whether this session began just now, whatever that proves."""
    return _just_now(request, _ENTERED)


def _just_now(request: HttpRequest, name: str) -> bool:
    at: float = request.session.get(name, 0)
    return 0 <= time.time() - at < _FRESH


def log_in(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """`context`: what the pages of the admin show."""
    extra = {
        "title": _("Log in"),
        "subtitle": None,
        "app_path": request.get_full_path(),
        "username": request.user.get_username(),
        "next": request.GET.get("next") or request.POST.get("next") or reverse("admin:index"),
        "may_ask_for_link": links.can_be_mailed(),
        "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        **context,
    }
    return cast("HttpResponse", Login.as_view(extra_context=extra)(request))


class CodeForm(forms.Form):
    code = forms.CharField(
        label=lazy("Code"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}),
    )


@never_cache
@sensitive_post_parameters()
@sensitive_variables()
def code(request: HttpRequest) -> HttpResponse:
    """The code of the app, or one of the spare codes."""
    kept: dict[str, Any] = request.session.get(_HALF_IN) or {}
    user = User.objects.filter(pk=kept.get("user") or 0, is_active=True).first()
    step = second_step.confirmed(user) if user is not None else None
    fresh = time.time() - kept.get("at", 0) < _LONGEST
    if user is None or step is None or not fresh or kept["proof"] != user.get_session_auth_hash():
        request.session.pop(_HALF_IN, None)
        return redirect("admin:login")
    form, wait = CodeForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        try:
            throttle.limit(throttle.CODES, f"user:{user.pk}")
        except Wait as refused:
            wait = refused.seconds
            form.add_error("code", not_looked_at(wait))
        else:
            if second_step.take(step, form.cleaned_data["code"], timezone.now()):
                throttle.forget_codes(user.pk)
                by_provider = kept.get("by_provider", False)
                return _all_the_way_in(request, user, kept["next"], Proof(time.time(), True, by_provider))
            throttle.failed_code(user.pk, address_of(request), timezone.now())
            form.add_error("code", wrong_code())
    context = {**admin.site.each_context(request), "title": _("Second step"), "form": form}
    return _refused(TemplateResponse(request, "people/code.html", context), wait)


def _all_the_way_in(request: HttpRequest, user: User, wanted: str, proof: Proof) -> HttpResponse:
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])  # with a new session key
    request.session.pop(_HALF_IN, None)
    now = time.time()
    request.session[_ENTERED] = now
    request.session[_PROVED] = min(now, proof.at)  # the provider's clock may be ahead
    request.session[BY_PROVIDER] = now if proof.by_provider else None
    if proof.strong:
        request.session[TOOK_SECOND_STEP] = True
    response = HttpResponseRedirect(wanted)  # `redirect` would look for a page of this name
    devices.remember(response, user)
    language.bring(response, user)
    return response


def _refused(response: HttpResponse, wait: int | None) -> HttpResponse:
    if wait is not None:
        response.status_code = 429
        response["Retry-After"] = str(wait)
    return response
