"""Other web servers than ours: what they lack is said when they start."""

from __future__ import annotations

import logging
import sys
from collections.abc import Container
from typing import Final

logger = logging.getLogger(__name__)

_OURS: Final = "config.web.worker"


def tell(loaded: Container[str] = sys.modules) -> None:
    """Gunicorn loads our worker before the application; any other way to it, such as `runserver`, does not.

    Limits of tries at passwords and of looks at one moment hold everywhere (`config.people`). What only ours has: turns
    for log-ins, so that a storm cannot keep everybody else out, threads that no slow client holds, and limits of size
    before a thread sees a request.
    """
    if _OURS not in loaded:
        logger.warning(
            "other_web_server",
            extra={"cause": "slow clients can stop it, and a storm of log-ins; start `gunicorn config.wsgi` instead"},
        )
