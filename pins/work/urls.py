"""Below `/work/`."""

from django.urls import path

from pins.work import views

urlpatterns = [
    path("<str:token>/", views.page, name="work"),
    path("<str:token>/code/", views.code, name="work-code"),
    path("<str:token>/done/<int:property_id>/", views.done, name="work-done"),
]
