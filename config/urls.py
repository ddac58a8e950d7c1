"""URLs of the whole site."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.utils.translation import gettext_lazy as lazy
from django.views.generic import RedirectView

from config.health import healthz, readyz
from config.metrics import metrics
from pins.webhooks import tedee_event
from rentals.inbound.http import nothing_here
from rentals.published.views import published_calendar
from rentals.webhooks import push_calendar

admin.site.site_header = "Turnkey"
admin.site.site_title = "Turnkey"
admin.site.index_title = lazy("Door codes")

handler400 = "rentals.inbound.http.bad_request"

urlpatterns = [
    # Browsers ask for it on pages that name no icon, such as the admin's.
    path("favicon.ico", RedirectView.as_view(url=static("pins/key.svg"))),
    path("admin/", include("config.people.urls")),
    path("admin/", admin.site.urls),
    path("", include("pins.board.urls")),
    path("g/", include("pins.guests.urls")),
    path("calendars/<str:token>.ics", published_calendar, name="published-calendar"),
    path("setup/", include("pins.admin.setup.urls")),
    path("work/", include("pins.work.urls")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    # With and without the last slash: a redirect would lose the body of a POST. Other paths here answer in JSON, too.
    path("webhooks/ical/<str:token>/", push_calendar, name="push-calendar"),
    path("webhooks/ical/<str:token>", push_calendar),
    path("webhooks/tedee/<str:token>/", tedee_event, name="tedee-events"),
    path("webhooks/tedee/<str:token>", tedee_event),
    path("webhooks/", nothing_here),
    path("webhooks/<path:rest>", nothing_here),
]
