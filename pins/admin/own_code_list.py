"""The list of own codes that people asked for: who, when, for which property, and whether a guest had them."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import pgettext_lazy

from pins.models import CodeTry
from rentals.admin.read_only import ReadOnlyAdmin
from rentals.wording import day_and_time


@admin.register(CodeTry)
class CodeTryAdmin(ReadOnlyAdmin):
    list_display = ("who", "when", "prop", "answer", "from_where")
    fields = list_display
    list_filter = ("taken",)
    search_fields = ("user_name", "property__name")
    date_hierarchy = "at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CodeTry]:
        return super().get_queryset(request).select_related("property")

    @admin.display(description=lazy("Who"), ordering="user_name")
    def who(self, one: CodeTry) -> str:
        return one.user_name

    @admin.display(description=lazy("When"), ordering="at")
    def when(self, one: CodeTry) -> str:
        return day_and_time(one.at, one.property.zone)

    @admin.display(description=lazy("Property"), ordering="property__name")
    def prop(self, one: CodeTry) -> str:
        return one.property.name

    @admin.display(description=lazy("Answer"), ordering="taken")
    def answer(self, one: CodeTry) -> str:
        return _("Another code has these digits") if one.taken else _("Free")

    @admin.display(description=pgettext_lazy("address", "From"), ordering="remote_address")
    def from_where(self, one: CodeTry) -> str:
        return one.remote_address or _("unknown")
