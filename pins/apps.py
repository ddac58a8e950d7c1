from django.apps import AppConfig


class PinsConfig(AppConfig):
    name = "pins"
    verbose_name = "Door codes"

    def ready(self) -> None:
        from pins import receivers  # noqa: F401 - registers the receivers of what rentals announces
        from pins.desired.disclosure import known_among
        from pins.models import scopes  # noqa: F401 - registers what our rows belong to
        from rentals import disclosure

        disclosure.answered_by(known_among)
