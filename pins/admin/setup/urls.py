"""Addresses of the first run."""

from django.urls import path

from pins.admin.setup import views

urlpatterns = [
    path("", views.start, name="setup"),
    path("connect/", views.connect, name="setup-connect"),
    path("<slug:step>/", views.step, name="setup-step"),
]
