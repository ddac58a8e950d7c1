"""Asking for a link by e-mail, and choosing a password with a link."""

from __future__ import annotations

import logging
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse_lazy
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from kombu.exceptions import OperationalError

from config.people import links, tasks, throttle
from config.people.throttle import Wait
from config.people.words import wait_for
from rentals.inbound.client import address_of, client_key_of

logger = logging.getLogger(__name__)


class AddressForm(forms.Form):
    email = forms.EmailField(
        label=lazy("Your e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """The same answer whether somebody has this address or not."""
    if not links.can_be_mailed():
        raise Http404
    form, sent, wait = AddressForm(request.POST or None), False, None
    if request.method == "POST" and form.is_valid():
        logger.info("password_link_asked", extra={"address": address_of(request)})
        try:
            throttle.limit(throttle.LINKS_FROM, client_key_of(request))
        except Wait as refused:
            wait = refused.seconds
            form.add_error(
                "email", _("Many links were asked for from where you are. {wait}").format(wait=wait_for(wait))
            )
        else:
            _ask_for_letters(form.cleaned_data["email"])
            sent = True
    context = {**admin.site.each_context(request), "title": _("Forgotten password"), "form": form, "sent": sent}
    response = TemplateResponse(request, "people/forgotten.html", context)
    if wait is not None:
        response.status_code = 429
        response["Retry-After"] = str(wait)
    return response


def _ask_for_letters(address: str) -> None:
    for user_id in list(links.people_at(address).values_list("pk", flat=True)[:3]) or [0]:
        try:
            throttle.limit(throttle.LINKS_TO, f"user:{user_id}" if user_id else f"nobody:{throttle.digest(address)}")
        except Wait:
            continue  # they have several letters already; the answer does not say so
        try:
            tasks.mail_link.delay(user_id=user_id, language=get_language() or "")
        except OperationalError:  # the page says what to do when no letter comes
            logger.error("password_mail_failed", extra={"cause": "no broker", "user_id": user_id or None})


class Choose(PasswordResetConfirmView):
    """Django's page. The link itself is kept in the session, so that no other site is told it."""

    template_name = "registration/password_reset_confirm.html"
    success_url = reverse_lazy("admin:login")
    reset_url_token = "choose"  # noqa: S105 - the end of the address in place of the link's own

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs)}

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("Your password is set. Log in with it."))
        return super().form_valid(form)
