"""The form of the login page: a name and a password, looked at within limits."""

from __future__ import annotations

import threading
from typing import Any, Final

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.debug import sensitive_variables

from config.people import bound, devices, throttle
from config.people.throttle import Try, Wait
from config.people.words import not_looked_at
from rentals.inbound.client import address_of

#: No longer password is looked at: hashing begins with reading all of it.
LONGEST: int = 1024
#: Passwords that a process looks at in one moment, of strangers and from known browsers: each takes a processor. Our
#: web server sends no more (`config.web.lanes`); others have as many threads as they like.
_STRANGERS, _KNOWN = threading.BoundedSemaphore(2), threading.BoundedSemaphore(2)
_COME_BACK: Final = 5  # seconds


class LoginForm(AdminAuthenticationForm):
    password = forms.CharField(
        label=lazy("Password"),
        strip=False,
        max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    #: Seconds until the next try, where this one was refused unseen.
    wait: int | None = None

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """Raises ValidationError: wrong, or not looked at because of a limit."""
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not name or not password or self.request is None:
            return self.cleaned_data  # the fields say what is missing
        one = throttle.try_of(name, address_of(self.request), devices.known(self.request, name))
        try:
            return self._in_turn(one, name)
        except Wait as refused:
            self.wait = refused.seconds
            raise ValidationError(not_looked_at(refused.seconds), code="wait") from None

    def confirm_login_allowed(self, user: Any) -> None:
        """Django asks when the password is right."""
        super().confirm_login_allowed(user)
        if bound.is_bound(user.pk):
            raise ValidationError(bound.told(), code="bound")

    def _in_turn(self, one: Try, name: str) -> dict[str, Any]:
        room = _KNOWN if one.device else _STRANGERS
        if not room.acquire(blocking=False):
            raise Wait(_COME_BACK)
        try:
            return self._within_limits(one, name)
        finally:
            room.release()

    def _within_limits(self, one: Try, name: str) -> dict[str, Any]:
        throttle.admit(one, timezone.now())
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            throttle.failed(one, timezone.now(), _id_of(name))
            raise
        throttle.succeeded(one)
        return cleaned


def _id_of(name: str) -> int | None:
    return User.objects.filter(username=name).values_list("pk", flat=True).first()
