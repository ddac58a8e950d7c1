"""Registers the system checks, and makes the roles after each migration."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Configuration"

    def ready(self) -> None:
        # The signal comes for each app in the order of INSTALLED_APPS, and pins is the last. Django's own receiver
        # makes the permissions; it was connected earlier and runs first.
        from config import checks as _own  # noqa: F401 - registers
        from config.roles import keep_roles
        from pins import checks as _pins  # noqa: F401 - registers
        from rentals import checks as _rentals  # noqa: F401 - registers

        post_migrate.connect(keep_roles, sender=apps.get_app_config("pins"), dispatch_uid="config.roles")
