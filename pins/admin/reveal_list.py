"""The list of reveals: who was shown the code of which stay, when, and from which address."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import pgettext_lazy

from pins.admin.holders import OF_HOLDER, holder_link, zone_of_grant
from pins.models import AccessGrant, PinReveal, StaffAccess
from rentals.admin.read_only import ReadOnlyAdmin
from rentals.fields import behind
from rentals.wording import day_and_time


@admin.register(PinReveal)
class PinRevealAdmin(ReadOnlyAdmin):
    list_display = ("who", "when", "stay", "from_where")
    fields = list_display
    search_fields = ("user_name", "grant__holder_name", "grant__reference", "grant__booking__property__name")
    date_hierarchy = "at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[PinReveal]:
        reveals = super().get_queryset(request).select_related(*(f"grant__{one}" for one in OF_HOLDER))
        return reveals.defer(*behind("grant", AccessGrant.SECRETS), *behind("grant__staff", StaffAccess.SECRETS))

    @admin.display(description=lazy("Who"), ordering="user_name")
    def who(self, reveal: PinReveal) -> str:
        return reveal.person

    @admin.display(description=lazy("When"), ordering="at")
    def when(self, reveal: PinReveal) -> str:
        return day_and_time(reveal.at, zone_of_grant(reveal.grant))

    @admin.display(description=lazy("Whose code"))
    def stay(self, reveal: PinReveal) -> str | SafeString:
        return holder_link(reveal.grant)

    @admin.display(description=pgettext_lazy("address", "From"), ordering="remote_address")
    def from_where(self, reveal: PinReveal) -> str:
        return reveal.remote_address or _("unknown")
