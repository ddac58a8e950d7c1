from django.apps import AppConfig
from django.utils.translation import gettext_lazy as lazy


class RentalsConfig(AppConfig):
    name = "rentals"
    verbose_name = lazy("Rentals")

    def ready(self) -> None:
        from rentals import receivers  # noqa: F401 - registers the signal receivers
