from django.apps import AppConfig
from django.utils.translation import gettext_lazy as lazy


class PeopleConfig(AppConfig):
    name = "config.people"
    label = "people"
    verbose_name = lazy("People")
