"""Makes the system checks known to Django, and the roles after each migration."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Configuration"

    def ready(self) -> None:
        # Sent for one app after the other, in the order of INSTALLED_APPS, of which pins is the last; Django's own
        # receiver, which makes the permissions, was connected before.
        from config.roles import keep_roles
        from pins import checks as _pins  # noqa: F401 - registers
        from rentals import checks as _rentals  # noqa: F401 - registers

        post_migrate.connect(keep_roles, sender=apps.get_app_config("pins"), dispatch_uid="config.roles")
