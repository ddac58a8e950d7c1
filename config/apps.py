"""Makes the system checks known to Django."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Configuration"

    def ready(self) -> None:
        from pins import checks as _pins  # noqa: F401 - registers
        from rentals import checks as _rentals  # noqa: F401 - registers
