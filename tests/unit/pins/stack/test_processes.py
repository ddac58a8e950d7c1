"""The commands of the stack's children."""

from __future__ import annotations

from pathlib import Path

from pins.management.commands.lock_simulator import Command
from pins.stack import processes


def test_a_drawn_key_may_begin_like_an_option() -> None:
    """One of 64 does. Given as a word of its own it was taken for an option, and the demo had no cloud."""
    plan = processes.simulator(4711, Path("state.json"), Path("locks.json"), "-key", "0.2", 60.0)
    _, _, name, *arguments = plan.command
    options = Command().create_parser("manage.py", name).parse_args(arguments)
    assert (options.key, options.port, options.late_seconds) == ("-key", 4711, 60.0)
