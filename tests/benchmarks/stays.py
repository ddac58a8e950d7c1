"""Many stays for a stack of real processes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.chaos import proofs
from tests.support.processes import Stack


def furnish(stack: Stack, accounts: int = 1) -> list[int]:
    """Enter all locks of the simulator, each with a flat of its own, shared out among so many accounts with a key each.
    Returns the ids of the flats."""
    locks, flats = stack.locks(), []
    for number in range(accounts):
        key = f"{stack.key}-{number}"
        stack.control("keys", label=f"account {number}", key=key)
        own = locks[number::accounts]
        made = stack.desk.ask(
            "furnish",
            key=key,
            account=f"Account {number}",
            locks=own,
            flats=[{"name": f"Flat {lock['id']}", "doors": [lock["id"]]} for lock in own],
        )
        flats += list(made.values())
    return flats


def many_stays(flats: list[int], each: int, *, first_day: int = 1) -> list[dict[str, Any]]:
    """So many stays for each flat, one a day, the first of them in `first_day` days; a flat after the other in turn.

    Each has a guest of its own: those of one guest would be one visit, and a code more would change the one before.
    """
    first = proofs.whole_now() + timedelta(days=first_day)
    return [
        {
            "flat": flat,
            "guest": f"Guest {number}",
            "check_in": day.isoformat(),
            "check_out": (day + timedelta(hours=20)).isoformat(),
        }
        for number, day in enumerate(first + timedelta(days=number) for number in range(each))
        for flat in flats
    ]


def wait_until_settled(stack: Stack, seconds: float) -> None:
    """Wait until every code is as its stay asks. Looks once a second: who measures must not disturb."""
    stack.wait_for("all codes are as wanted", lambda: stack.desk.ask("unsettled") == 0, seconds, every=1.0)
