"""WSGI entry point for any server: `gunicorn config.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_pages = get_wsgi_application()

from config.people.gate import LoginGate  # noqa: E402 - needs Django set up
from config.utf8 import Utf8Request  # noqa: E402

_pages.request_class = Utf8Request

application = LoginGate(_pages)
