"""Wakes the locks of a web request together at its end, each lock once.

One request may change hundreds of stays: an import, a bulk action, a deletion. Without this each stay would wake its
locks by itself, and while the broker hangs each call to it takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from pins import tasks


def wake_together(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """The middleware."""

    def respond(request: HttpRequest) -> HttpResponse:
        woken: list[int] = []
        before = tasks.woken_later.set(woken)
        try:
            return get_response(request)
        finally:
            tasks.woken_later.reset(before)
            tasks.wake_locks(dict.fromkeys(woken))

    return respond
