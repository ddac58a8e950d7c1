"""Who was shown a code, and who asked whether digits are somebody's code."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rentals.phrases import mark

#: Under which names guests stand, who are shown their own codes.
ON_THEIR_PAGE: Final = mark("the guest, on their page")
BY_MESSAGE: Final = mark("the guest, by message")
SHUT_OUT: Final = mark("the guest, who could not get in")


class PinReveal(models.Model):
    """A person was shown the code of a grant. Append-only, kept as long as the grant, and without the code.

    The name is stored too: it must still say who it was when the account is gone.
    """

    grant = models.ForeignKey("pins.AccessGrant", on_delete=models.CASCADE, related_name="reveals")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    user_name = models.CharField(max_length=150)
    at = models.DateTimeField(default=timezone.now)
    remote_address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        verbose_name = lazy("code shown")
        verbose_name_plural = lazy("codes shown")
        ordering = ("-at", "-pk")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return _("Disclosure {number}").format(number=self.pk)

    @property
    def person(self) -> str:
        """Who it was, for people."""
        return _(self.user_name) if self.user_name in (ON_THEIR_PAGE, BY_MESSAGE, SHUT_OUT) else self.user_name


class CodeTry(models.Model):
    """A person asked for digits of their own as the code of a stay, and so learned whether another guest has them.

    Append-only, and without the digits. `booking` is empty for a stay that was not saved yet.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    user_name = models.CharField(max_length=150)
    property = models.ForeignKey("rentals.Property", on_delete=models.CASCADE, related_name="+")
    booking = models.ForeignKey("rentals.Booking", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    taken = models.BooleanField(help_text="Another code on one of the locks has these digits.")
    at = models.DateTimeField(db_index=True)
    remote_address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        verbose_name = lazy("own code tried")
        verbose_name_plural = lazy("own codes tried")
        ordering = ("-at", "-pk")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return _("Try {number}").format(number=self.pk)
