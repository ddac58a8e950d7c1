"""Rows that several tests begin with, made once: each test changes them in a savepoint of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import pytest
import time_machine

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

Made = TypeVar("Made")


@contextmanager
def shared_rows(blocker: DjangoDbBlocker, moment: datetime, make: Callable[[], Made]) -> Iterator[Made]:
    """Make rows at this moment, outside the transactions of the tests, and take them back at the end.

    For a fixture of a module or class that uses `django_db_setup`. Its tests run in transactions (`django_db`), and
    what they change in the returned objects in memory stays: return ids, or read the objects again for each test.
    """
    from django.db import transaction
    from django.utils import timezone

    from pins.reconcile import leases

    with blocker.unblock():
        around = transaction.atomic()
        around.__enter__()
    try:
        with blocker.unblock(), pytest.MonkeyPatch.context() as patches, time_machine.travel(moment, tick=False):
            patches.setattr(leases, "database_now", timezone.now)
            made = make()
        yield made
    finally:
        with blocker.unblock():
            transaction.set_rollback(True)
            around.__exit__(None, None, None)
