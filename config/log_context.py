"""What each line of a JSON log says about the work that it belongs to: the task, and the lock and the code it is about.

Kept for each thread (a context variable): a worker's threads run many tasks one after the other. A record that names
such an id itself, with `extra=`, is right about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from celery.signals import task_postrun, task_prerun

_NOTHING: Final[Mapping[str, object]] = {}
_current: ContextVar[Mapping[str, object]] = ContextVar("log_context", default=_NOTHING)


def current() -> Mapping[str, object]:
    """The ids of the work under way in this thread; empty outside of tasks."""
    return _current.get()


def note(**ids: object) -> None:
    """From here on the task is about these, until it ends or others are noted. `None` takes a name away. Outside of a
    task nothing is noted: nobody would end it."""
    known = _current.get()
    if known:
        _current.set({name: value for name, value in {**known, **ids}.items() if value is not None})


@task_prerun.connect
def _begin(
    sender: Any = None, task_id: str | None = None, kwargs: Mapping[str, object] | None = None, **_: Any
) -> None:
    """A task begins: its name, its id, and every id among its arguments (`lock_id`, `feed_id`)."""
    about = {name: value for name, value in (kwargs or {}).items() if name.endswith("_id") and isinstance(value, int)}
    _current.set({"task": getattr(sender, "name", ""), "task_id": task_id, **about})


@task_postrun.connect
def _end(**_: Any) -> None:
    _current.set(_NOTHING)
