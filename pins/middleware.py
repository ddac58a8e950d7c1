"""Locks that a web request wakes are woken at its end, together, each once.

One request may change hundreds of stays: an import, a bulk action, a deletion. While the broker hangs, each call to it
takes seconds; so there is one, and not one for each stay.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from pins import tasks


def wake_together(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def answer(request: HttpRequest) -> HttpResponse:
        woken: list[int] = []
        before = tasks.woken_later.set(woken)
        try:
            return get_response(request)
        finally:
            tasks.woken_later.reset(before)
            tasks.wake_locks(dict.fromkeys(woken))

    return answer
