"""Addresses of the console."""

from django.urls import path

from pins.board import forget_page, views

urlpatterns = [
    path("", views.board, name="home"),
    path("timeline/", views.timeline, name="timeline"),
    path("stays/<int:booking_id>/", views.stay, name="stay"),
    path("stays/<int:booking_id>/forget/", forget_page.forget, name="stay-forget"),
    path("stays/<int:booking_id>/<slug:action>/", views.stay_action, name="stay-action"),
    path("calendar-rows/<int:item_id>/", views.row_decision, name="row-decision"),
    path("locks/<int:lock_id>/", views.lock, name="lock"),
    path("locks/<int:lock_id>/compare/", views.lock_compare, name="lock-compare"),
    path("locks/<int:lock_id>/try-again/", views.lock_try_again, name="lock-try-again"),
]
