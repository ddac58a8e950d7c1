"""URLs of the whole site."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from config.health import healthz, readyz
from rentals.published import published_calendar

admin.site.site_header = "Turnkey"
admin.site.site_title = "Turnkey"
admin.site.index_title = "Door codes"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("calendars/<str:token>.ics", published_calendar, name="published-calendar"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]
