"""The admin site: Django's own, with its pages in the order in which a host needs them."""

from __future__ import annotations

from typing import Any, cast

from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as lazy
from django_celery_beat.apps import BeatConfig

_APPS = ("rentals", "pins", "auth", "admin", "django_celery_beat")
#: Plainer names for models of Django and of the scheduler.
_NAMES = {
    "LogEntry": lazy("Changes"),
    "ClockedSchedule": lazy("Single moments"),
    "CrontabSchedule": lazy("Times of day"),
}
_MODELS = (
    "Booking",
    "Property",
    "StaffAccess",
    "GuestGuide",
    "CalendarFeed",
    "Lock",
    "LockAccount",
    "PublishedCalendar",
    "FeedItem",
    "Incident",
    "NotificationChannel",
    "Delivery",
    "AccessGrant",
    "Pin",
    "PinReveal",
    "CodeTry",
    "User",
    "Group",
    "PeriodicTask",
    "IntervalSchedule",
)


class TurnkeyAdminSite(AdminSite):
    site_header = "Turnkey"
    site_title = "Turnkey"
    index_template = "rentals/admin/index.html"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().each_context(request), "is_restricted": _is_restricted(request)}

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's page, with limits before a password is looked at."""
        from config.people.views import log_in  # this module is loaded before the models

        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        request.current_app = self.name
        return log_in(request, {**self.each_context(request), **(extra_context or {})})

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        from rentals.admin.property_choice import Results  # this module is loaded before the models

        return cast("HttpResponse", Results.as_view(admin_site=self)(request))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Bookings, properties, calendars, locks and accounts first; the scheduler's own tables last."""
        found: list[Any] = sorted(
            super().get_app_list(request, app_label), key=lambda one: _place(_APPS, one["app_label"])
        )
        for app in found:
            for model in app["models"]:
                model["name"] = _NAMES.get(model["object_name"], model["name"])
            app["models"].sort(key=lambda one: _place(_MODELS, one["object_name"]))
        return found


# -- INSTALLED_APPS names these in place of the apps that they configure ---------------------------------------------


class TurnkeyAdminConfig(AdminConfig):
    default_site = "config.admin_site.TurnkeyAdminSite"
    verbose_name = lazy("History")

    def ready(self) -> None:
        super().ready()
        # Not by a config class of our own: tools look for `django.contrib.auth` in INSTALLED_APPS.
        apps.get_app_config("auth").verbose_name = lazy("People")


class TimetableConfig(BeatConfig):  # type: ignore[misc]
    verbose_name = lazy("Timetable")


def _is_restricted(request: HttpRequest) -> bool:
    from rentals.access import scope_of  # this module is loaded before the models

    return scope_of(request.user).restricted


def _place(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else len(order)
