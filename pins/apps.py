from django.apps import AppConfig
from django.utils.translation import gettext_lazy as lazy


class PinsConfig(AppConfig):
    name = "pins"
    verbose_name = lazy("Door codes")

    def ready(self) -> None:
        from pins import receivers  # noqa: F401 - registers the receivers of what rentals announces
        from pins.desired.disclosure import known_among
        from pins.models import scopes  # noqa: F401 - registers what our rows belong to
        from rentals import disclosure

        disclosure.answered_by(known_among)
