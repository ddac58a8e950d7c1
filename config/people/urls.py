"""Addresses of logging in, and of the language, below the admin's. They stand before the admin's own, which takes all
that begins so."""

from django.urls import path

from config.people import language, passkey_pages
from config.people.password_pages import Choose, forgotten
from config.people.provider.pages import come_back, leave
from config.people.second_step_pages import page
from config.people.views import code

urlpatterns = [
    path("login/code/", code, name="second-step-code"),
    path("provider/", leave, name="provider"),
    path("provider/back/", come_back, name="provider-back"),
    path("login/passkey/begin/", passkey_pages.begin_entering, name="passkey-begin"),
    path("login/passkey/", passkey_pages.enter, name="passkey-enter"),
    path("passkeys/", passkey_pages.page, name="passkeys"),
    path("passkeys/begin/", passkey_pages.begin_making, name="passkey-begin-making"),
    path("passkeys/make/", passkey_pages.make, name="passkey-make"),
    path("passkeys/<int:passkey_id>/remove/", passkey_pages.remove, name="passkey-remove"),
    path("second-step/", page, name="second-step"),
    path("language/", language.choose, name="language"),
    path("forgotten-password/", forgotten, name="forgotten-password"),
    path("choose-password/<uidb64>/<token>/", Choose.as_view(), name="password_reset_confirm"),
]
