"""The timetable of periodic work, on the pages of django-celery-beat. It is the same for all properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_celery_beat.admin  # noqa: F401 - registers the pages that are replaced here
from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest

from rentals.admin.scoped import ClosedToRestricted

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object


class Timetable(ClosedToRestricted, _Admin):
    """Closed to restricted people: the sweep serves all properties, and a new entry could run any task on any lock."""

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """django-celery-beat's own actions ask for no permission, and one of them runs any task."""
        return super().get_actions(request) if self.has_change_permission(request) else {}


for model in apps.get_app_config("django_celery_beat").get_models():
    if admin.site.is_registered(model):
        pages = type(admin.site.get_model_admin(model))
        admin.site.unregister(model)
        admin.site.register(model, type(pages.__name__, (Timetable, pages), {}))
