"""The requests that a run took from its account's budget in advance.

The budget is one row that all runs of an account share. So a run with several due requests takes some at once, sends
them within the budget's slot in which it took them, and gives back what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from pins.core import budget
from pins.reconcile import request_budget


class Purse:
    """Belongs to one run. `key`: of the budget."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._booked: request_budget.Booked | None = None

    def pay(self, deadline: datetime, now: datetime, *, later: Sequence[datetime]) -> datetime | None:
        """Take one request for a code before it is sent. `None`: it was taken; otherwise when to ask again (UTC).

        `later`: the deadlines of those that are due next, earliest first.
        """
        booked = self._booked
        if booked is None or not self._covers(booked, deadline, now):
            self.close()
            fresh = request_budget.book(self._key, budget.Purpose.ARRIVAL, deadline, now, later=later)
            if isinstance(fresh, datetime):
                return fresh
            booked = fresh
        self._booked = _with_left(booked, booked.block.left - 1)
        return None

    def take_back(self) -> None:
        """The request that was paid for last was not sent."""
        if self._booked is not None:
            self._booked = _with_left(self._booked, self._booked.block.left + 1)

    def close(self) -> None:
        """Give back what is left."""
        booked, self._booked = self._booked, None
        if booked is not None and booked.block.left:
            request_budget.give_back(self._key, booked.block)

    def _covers(self, booked: request_budget.Booked, due: datetime, now: datetime) -> bool:
        """Blocks are taken only where much is left, so no reserve forbids their requests. A cutoff may, and what others
        that are due earlier need."""
        admitted = budget.admits(booked.cutoff_at, due, now) and booked.is_for(due, now)
        return admitted and budget.is_open(booked.block, request_budget.rules(), now)


def _with_left(booked: request_budget.Booked, left: int) -> request_budget.Booked:
    return replace(booked, block=replace(booked.block, left=left))
