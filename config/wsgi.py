"""WSGI entry point for any server: `gunicorn config.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_pages = get_wsgi_application()

from config.people.gate import LoginGate  # noqa: E402 - needs Django set up

application = LoginGate(_pages)
