"""The pages of logging in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from people.login_form import LoginForm


class Login(LoginView):
    """Answers 429 when a limit refused the try. What `next` names outside this site is left out (Django)."""

    form_class = LoginForm
    authentication_form = LoginForm
    template_name = "admin/login.html"

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)
        if form.wait is not None:
            response.status_code = 429
            response["Retry-After"] = str(form.wait)
        return response


def log_in(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """`context`: what the pages of the admin show."""
    wanted = request.GET.get("next") or request.POST.get("next") or reverse("admin:index")
    extra = {
        "title": "Log in",
        "subtitle": None,
        "app_path": request.get_full_path(),
        "username": request.user.get_username(),
        "next": wanted,
        **context,
    }
    view = Login.as_view(extra_context=extra)
    response: HttpResponse = view(request)
    return response
