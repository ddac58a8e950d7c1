"""What all pages share that show a code once: who may ask, how often, and that nothing keeps the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables
from limits import RateLimitItemPerMinute

from rentals.inbound import rate_limits

PERMISSION: Final = "pins.reveal_code"
#: Codes shown to one person within ten minutes. Without Redis nothing is counted, but each one is still recorded.
REVEALS: Final = RateLimitItemPerMinute(20, 10, namespace="reveal")


@dataclass(frozen=True)
class Wait:
    """A person was shown too many codes."""

    seconds: int

    @property
    def words(self) -> str:
        minutes = -(-self.seconds // 60)
        return ngettext(
            "You looked at many codes. Wait a minute.", "You looked at many codes. Wait {number} minutes.", minutes
        ).format(number=minutes)

    def on(self, response: HttpResponse) -> HttpResponse:
        """The same response, with the moment for the next try."""
        response["Retry-After"] = str(self.seconds)
        return response


def asker(request: HttpRequest, *, may_open: bool) -> AbstractBaseUser:
    """Who asks for a code. `may_open`: the object that it belongs to. Raises PermissionDenied."""
    user = request.user
    if not (may_open and isinstance(user, AbstractBaseUser) and request.user.has_perm(PERMISSION)):
        raise PermissionDenied
    return user


def wait(user: AbstractBaseUser) -> Wait | None:
    """Count one look. None: it may be had now."""
    seconds = rate_limits.wait(REVEALS, f"user:{user.pk}")
    return Wait(seconds) if seconds is not None else None


@sensitive_variables()
def page(request: HttpRequest, template: str, context: Mapping[str, Any], status: int) -> HttpResponse:
    """Rendered at once and kept nowhere: not in a session or a message, nor by a browser or a proxy."""
    content = render_to_string(template, {**context}, request)
    return HttpResponse(content, status=status, headers={"Cache-Control": "no-store"})
