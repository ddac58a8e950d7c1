"""WSGI entry point: `gunicorn config.wsgi`, with the settings in gunicorn.conf.py."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

from config.utf8 import Utf8Request  # noqa: E402 - needs Django set up

application.request_class = Utf8Request
