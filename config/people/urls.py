"""Addresses of logging in, below the admin's. They stand before the admin's own, which takes all that begins so."""

from django.urls import path

from config.people.password_pages import Choose, forgotten
from config.people.provider.pages import come_back, leave
from config.people.second_step_pages import page
from config.people.views import code

urlpatterns = [
    path("login/code/", code, name="second-step-code"),
    path("provider/", leave, name="provider"),
    path("provider/back/", come_back, name="provider-back"),
    path("second-step/", page, name="second-step"),
    path("forgotten-password/", forgotten, name="forgotten-password"),
    path("choose-password/<uidb64>/<token>/", Choose.as_view(), name="password_reset_confirm"),
]
