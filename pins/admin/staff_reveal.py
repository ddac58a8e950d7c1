"""Shows the codes of somebody who works in the flats: once, in the answer to a POST, and on record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from pins.admin import shown_once, staff_panel
from pins.desired import disclosure
from pins.models import AccessGrant, StaffAccess
from pins.status.staff import part_words
from rentals.admin.object_pages import page_context
from rentals.inbound.client import address_of
from rentals.phrases import mark

_REFUSALS: Final[dict[type[disclosure.CodeNotShownError], str]] = {
    disclosure.CodeWithdrawnError: mark("This code is taken off its locks."),
    disclosure.StayOverError: mark("This code is over."),
    disclosure.NoCodeYetError: mark("There is no code yet."),
    disclosure.NoDoorError: mark("No lock has this code, so it opens nothing."),
}


@dataclass(frozen=True)
class ShownCode:
    """An error report may contain its repr, which therefore leaves out the code."""

    title: str
    code: str = field(repr=False)  # empty where it is not shown
    why_not: str = ""


@sensitive_post_parameters()
@sensitive_variables()
def reveal_view(request: HttpRequest, object_id: int, *, admin_page: admin.ModelAdmin[StaffAccess]) -> HttpResponse:
    """The answer to the button “Show the code”: 200, 409 when nothing can be shown, 429 when it is asked too often."""
    access = admin_page.get_object(request, str(object_id))
    if access is None:
        raise Http404
    user = shown_once.asker(request, may_open=admin_page.has_view_or_change_permission(request, access))
    now = timezone.now()
    if (wait := shown_once.wait(user)) is not None:
        return wait.on(_page(admin_page, request, access, now, 429, refusal=wait.words))
    shown = list(_shown(access, now, user=user, address=address_of(request)))
    if not any(one.code for one in shown):
        refusal = shown[0].why_not if shown else _("It has no code on a lock at present.")
        return _page(admin_page, request, access, now, 409, refusal=refusal)
    return _page(admin_page, request, access, now, 200, shown=shown)


@sensitive_variables()
def _shown(access: StaffAccess, now: datetime, *, user: AbstractBaseUser, address: str) -> Iterator[ShownCode]:
    """Each code of the access. Each is written down as shown before it is."""
    living = AccessGrant.objects.filter(staff=access, wanted=True, ends_at__gt=now).select_related("place")
    for grant in living.defer(*AccessGrant.SECRETS).order_by("starts_at", "pk"):
        try:
            code = disclosure.reveal(grant.pk, now, user=user, address=address)
        except disclosure.CodeNotShownError as refused:
            why_not = _REFUSALS.get(type(refused))
            yield ShownCode(part_words(grant), "", _(why_not) if why_not else str(refused))
        else:
            yield ShownCode(part_words(grant), code)


@sensitive_variables()
def _page(
    admin_page: Any,
    request: HttpRequest,
    access: StaffAccess,
    now: datetime,
    status: int,
    *,
    shown: list[ShownCode] | None = None,
    refusal: str = "",
) -> HttpResponse:
    values = {one.code for one in shown or () if one.code}
    context: dict[str, Any] = {
        **page_context(admin_page, request, _("Door code of {whom}").format(whom=access)),
        "original": access,
        "panel": staff_panel.panel(access, now),
        "may_act": admin_page.has_change_permission(request, access),
        "may_reveal": True,
        "shown": shown or [],
        "same": values.pop() if len(values) == 1 else "",
        "refusal": refusal,
    }
    return shown_once.page(request, "pins/admin/staff_reveal.html", context, status)
