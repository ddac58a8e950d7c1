"""The messages of notification channels in the admin: what was sent, what waits, and why."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from pins.admin import channel_panel
from pins.core.notification_events import Event
from pins.models import Delivery, NotificationChannel
from pins.notify import reasons
from rentals.admin.read_only import ReadOnlyAdmin
from rentals.admin.scoped import ClosedToRestricted
from rentals.badges import badge_html, moment_html
from rentals.fields import behind
from rentals.wording import day_and_time


class EventFilter(admin.SimpleListFilter):
    """Named as on the channel's page; the stored names are those that webhooks carry."""

    title = lazy("what happened")
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            *channel_panel.event_choices(),
            (Event.SUMMARY.value, _("Morning summary")),
            (Event.TEST.value, _("Test message")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset.filter(event=self.value()) if self.value() else queryset


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Every message of the last 30 days."""

    closed = ClosedToRestricted.closed  # a message may be about any property

    list_display = ("what", "channel", "condition", "made", "tries", "why")
    list_filter = ("state", "channel", EventFilter)
    fields = list_display
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        secrets = behind("channel", NotificationChannel.SECRETS)
        return super().get_queryset(request).select_related("channel").defer(*secrets)

    @admin.display(description=lazy("Message"))
    def what(self, delivery: Delivery) -> str:
        return channel_panel.title(delivery)

    @admin.display(description=lazy("State"), ordering="state")
    def condition(self, delivery: Delivery) -> SafeString:
        return badge_html(channel_panel.state_badge(delivery))

    @admin.display(description=lazy("Written"), ordering="created_at")
    def made(self, delivery: Delivery) -> SafeString:
        return moment_html(day_and_time(delivery.created_at, ZoneInfo(delivery.channel.timezone)))

    @admin.display(description=lazy("Tries"), ordering="attempts")
    def tries(self, delivery: Delivery) -> int:
        return delivery.attempts

    @admin.display(description=lazy("Why"))
    def why(self, delivery: Delivery) -> str | SafeString:
        return reasons.shown(delivery.last_error) or mark_safe('<span class="tk-none"></span>')
