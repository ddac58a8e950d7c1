"""Addresses of the guest's page. Logs hide everything behind `/g/` (`config.logging`)."""

from django.urls import path

from pins.guests import views

urlpatterns = [
    path("<str:token>/", views.guest_page, name="guest-page"),
    path("<str:token>/code/", views.guest_code, name="guest-code"),
    path("<str:token>/help/", views.guest_help, name="guest-help"),
    path("<str:token>/in/", views.guest_is_in, name="guest-is-in"),
    path("<str:token>/leave/", views.guest_leave, name="guest-leave"),
    path("<str:token>/pictures/<int:picture_id>/", views.guest_picture, name="guest-picture"),
]
