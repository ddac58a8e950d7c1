"""The admin site: Django's own, with the pages in the order in which a host needs them."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest

_APPS = ("rentals", "pins", "auth", "admin", "django_celery_beat")
_MODELS = (
    "Booking",
    "Property",
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
)


class TurnkeyAdminSite(AdminSite):
    site_header = "Turnkey"
    site_title = "Turnkey"
    index_template = "rentals/admin/index.html"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().each_context(request), "is_restricted": _is_restricted(request)}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Bookings, properties, calendars, locks and accounts first; the scheduler's own tables last."""
        apps: list[Any] = sorted(
            super().get_app_list(request, app_label), key=lambda one: _place(_APPS, one["app_label"])
        )
        for app in apps:
            app["models"].sort(key=lambda one: _place(_MODELS, one["object_name"]))
        return apps


class TurnkeyAdminConfig(AdminConfig):
    """Named in INSTALLED_APPS in place of `django.contrib.admin`."""

    default_site = "config.admin_site.TurnkeyAdminSite"


def _is_restricted(request: HttpRequest) -> bool:
    from rentals.access import scope_of  # this module is loaded before the models

    return scope_of(request.user).restricted


def _place(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else len(order)
