"""What a person reads on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from django.contrib.messages import get_messages

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

#: What the test client answers.
Answer: TypeAlias = "_MonkeyPatchedWSGIResponse"


def content(response: Any) -> str:
    """What stands in an answer, whatever its status."""
    return str(response.content.decode())


def text(response: Any) -> str:
    """The page of an answer that must be a page, with status 200."""
    assert response.status_code == 200, response
    return content(response)


def told(response: Any) -> str:
    """The messages of an answer that have not been shown yet, one a line, each with its level."""
    return "\n".join(f"{one.level_tag}: {one.message}" for one in get_messages(response.wsgi_request))
