"""WSGI entry point: `gunicorn config.wsgi`, with the settings in gunicorn.conf.py."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

from config.guarded_request import GuardedRequest  # noqa: E402 - needs Django set up
from config.web import elsewhere  # noqa: E402

application.request_class = GuardedRequest
elsewhere.tell()
