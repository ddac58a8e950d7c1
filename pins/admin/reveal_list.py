"""Who was shown which code, when and where: to look at, for good."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from pins.admin.support import stay_link, zone_of_grant
from pins.models import AccessGrant, PinReveal
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
        looks = super().get_queryset(request).select_related("grant__booking__property")
        return looks.defer(*behind("grant", AccessGrant.SECRETS))

    @admin.display(description="Who", ordering="user_name")
    def who(self, look: PinReveal) -> str:
        return look.user_name

    @admin.display(description="When", ordering="at")
    def when(self, look: PinReveal) -> str:
        return day_and_time(look.at, zone_of_grant(look.grant))

    @admin.display(description="Booking")
    def stay(self, look: PinReveal) -> str | SafeString:
        return stay_link(look.grant)

    @admin.display(description="From", ordering="remote_address")
    def from_where(self, look: PinReveal) -> str:
        return look.remote_address or "unknown"
