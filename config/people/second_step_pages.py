"""The page on which a person switches their second step on and off."""

from __future__ import annotations

from typing import Any, cast

import segno
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from config.people import codes, second_step, throttle
from config.people.models import SecondStep
from config.people.sessions import BY_PROVIDER, TOOK_SECOND_STEP
from config.people.throttle import Wait
from config.people.views import CodeForm, entered_just_now, is_fresh
from config.people.words import too_many, wrong_code
from rentals.inbound.client import address_of
from rentals.phrases import mark


@never_cache
@staff_member_required
@sensitive_post_parameters()
@sensitive_variables()
def page(request: HttpRequest) -> HttpResponse:
    user = cast("User", request.user)
    step = second_step.prepared(user)
    form = CodeForm(request.POST or None)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Second step"),
        "form": form,
        "step": step,
    }
    if not step.confirmed_at and not _may_switch_on(request):
        context["by_provider"] = settings.OIDC_NAME if request.session.get(BY_PROVIDER) else ""
        return TemplateResponse(request, "people/prove_again.html", context, status=200 if form.data == {} else 403)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            throttle.limit(throttle.CODES, f"user:{user.pk}")
        except Wait as refused:
            form.add_error("code", too_many(refused.seconds))
            status = 429
        else:
            answer = _switch_off if step.confirmed_at else _switch_on
            if (done := answer(request, user, step, form.cleaned_data["code"], context)) is not None:
                throttle.forget_codes(user.pk)
                return done
            throttle.failed_code(user.pk, address_of(request), timezone.now())
            form.add_error("code", wrong_code())
    if not step.confirmed_at:
        context |= {"key": " ".join(step.key[at : at + 4] for at in range(0, len(step.key), 4))}
        context |= {"picture": _picture(codes.address(step.key, user.get_username(), "Turnkey"))}
    return TemplateResponse(request, "people/second_step.html", context, status=status)


def _may_switch_on(request: HttpRequest) -> bool:
    """A thief of an old session would keep its owner out with a second step. Where one is required, a session that just
    began may have no better proof, and sees nothing but this page."""
    return is_fresh(request) or (settings.SECOND_STEP_REQUIRED and entered_just_now(request))


def _switch_on(
    request: HttpRequest, user: User, step: SecondStep, typed: str, context: dict[str, Any]
) -> HttpResponse | None:
    spare = second_step.confirm(step, typed, timezone.now())
    if not spare:
        return None
    request.session[TOOK_SECOND_STEP] = True
    _log(user, mark("Switched their second step on."))
    return TemplateResponse(request, "people/spare_codes.html", {**context, "spare_codes": spare})


def _switch_off(
    request: HttpRequest, user: User, step: SecondStep, typed: str, context: dict[str, Any]
) -> HttpResponse | None:
    if not second_step.take(step, typed, timezone.now()):
        return None
    second_step.drop(user.pk)
    _log(user, mark("Switched their second step off."))
    messages.success(request, _("Your second step is off. Your password alone lets you in now."))
    return redirect("second-step")


def _log(user: User, text: str) -> None:
    LogEntry.objects.log_actions(user.pk, [user], CHANGE, text, single_object=True)


def _picture(address: str) -> SafeString:
    """The address as a square picture that a phone's camera reads. Drawn here: the key goes to nobody."""
    drawn: str = segno.make(address, error="m").svg_inline(scale=5, border=4, light="#fff", dark="#000", omitsize=False)
    return mark_safe(drawn)  # noqa: S308 - made of black squares alone
