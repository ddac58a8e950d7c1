"""What a person reads on a page."""

from __future__ import annotations

from typing import Any

from django.contrib.messages import get_messages


def text(response: Any) -> str:
    return str(response.content.decode())


def told(response: Any) -> str:
    """The messages of an answer that have not been shown yet, one a line, each with its level."""
    return "\n".join(f"{one.level_tag}: {one.message}" for one in get_messages(response.wsgi_request))
