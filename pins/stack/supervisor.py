"""Starts child processes in order, restarts those that die, and ends all of them in order.

A child that dies is restarted after a growing pause. When one dies five times within a minute, a restart does not help:
the supervisor says so, prints the child's last lines, and ends everything.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from pins.stack.children import Child, ChildPlan, Terminal, how_it_ended
from pins.stack.leftovers import PidFile

CRASHES_TO_GIVE_UP = 5
CRASH_WINDOW_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
READY_SECONDS = 30.0
POLL_SECONDS = 0.1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Tick = Callable[[], int | None]


class StackFailed(Exception):
    """The stack cannot go on; the message tells the person at the terminal why, and what to do."""


class StopRequested(Exception):
    """Somebody asked it to stop while the stack was still starting."""


@dataclass
class Slot:
    """One child through its restarts."""

    plan: ChildPlan
    child: Child | None = None
    crashes: list[float] = field(default_factory=list)
    start_at: float = 0.0  # monotonic; when to start it (again)


class Supervisor:
    """Use as `with Supervisor(...) as stack: stack.start(plan) ... stack.watch()`; leaving the block ends all children.

    Signals that ask it to stop are caught inside the block; a second one kills the children instead of waiting.
    """

    def __init__(self, terminal: Terminal, directory: Path, pid_file: PidFile) -> None:
        self._terminal = terminal
        self._directory = directory
        self._pid_file = pid_file
        self._slots: list[Slot] = []
        self._stop_requests = 0
        self._former: dict[
            signal.Signals, signal.Handlers | Callable[[int, FrameType | None], object] | int | None
        ] = {}

    def __enter__(self) -> Supervisor:
        self._former = {number: signal.signal(number, self._on_signal) for number in STOP_SIGNALS}
        return self

    def __exit__(self, *failure: object) -> None:
        try:
            self._stop_all()
        finally:
            for number, handler in self._former.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stop_requests += 1

    def start(self, plan: ChildPlan) -> None:
        """Start a child and wait until it is ready. Raises StackFailed after READY_SECONDS, StopRequested at Ctrl-C."""
        slot = Slot(plan)
        self._slots.append(slot)
        self._spawn(slot)
        deadline = time.monotonic() + READY_SECONDS
        while slot.child is None or not plan.is_ready():
            self._restart_ended()
            if self._stop_requests:
                raise StopRequested
            if time.monotonic() > deadline:
                raise StackFailed(f"{plan.name} was not ready within {READY_SECONDS:.0f} s.{_last_lines(slot)}")
            time.sleep(POLL_SECONDS / 2)

    def watch(self, tick: Tick = lambda: None, every: float = 0.5) -> int:
        """Keep all children alive until somebody asks it to stop (0) or `tick` returns an exit status.

        `tick` is called each `every` seconds. Raises StackFailed when a child keeps dying.
        """
        next_tick = 0.0
        while not self._stop_requests:
            self._restart_ended()
            if time.monotonic() >= next_tick:
                status = tick()
                if status is not None:
                    return status
                next_tick = time.monotonic() + every
            time.sleep(POLL_SECONDS)
        return 0

    def _restart_ended(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.child is not None and slot.child.status is not None:
                self._note_exit(slot, now)
            if slot.child is None and now >= slot.start_at:
                self._spawn(slot)

    def _spawn(self, slot: Slot) -> None:
        slot.plan.before_start()
        try:
            slot.child = Child(slot.plan, self._terminal, self._directory)
        except OSError as error:
            raise StackFailed(
                f"{slot.plan.name} cannot be started: {error.strerror} ({slot.plan.command[0]})"
            ) from None
        self._pid_file.write(self._pids())

    def _note_exit(self, slot: Slot, now: float) -> None:
        child = slot.child
        if child is None or child.status is None:
            return
        child.wait(0)
        slot.crashes = [crash for crash in slot.crashes if now - crash < CRASH_WINDOW_SECONDS] + [now]
        ended = f"{slot.plan.name} {how_it_ended(child.status)}"
        if len(slot.crashes) >= CRASHES_TO_GIVE_UP:
            raise StackFailed(
                f"{ended}, {len(slot.crashes)} times within {CRASH_WINDOW_SECONDS:.0f} s. Another restart will not "
                f"help; `manage.py doctor` may say why.{_last_lines(slot)}"
            )
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (len(slot.crashes) - 1), LONGEST_PAUSE_SECONDS)
        self._terminal.line(f"{ended}; starting it again in {pause:g} s")
        slot.child, slot.start_at = None, now + pause

    def _stop_all(self) -> None:
        """End the children group by group, so that none loses a process that it still needs."""
        asked_before = self._stop_requests
        for order in sorted({slot.plan.stop_order for slot in self._slots}):
            group = [slot.child for slot in self._slots if slot.plan.stop_order == order and slot.child is not None]
            self._stop_group(group, asked_before)
        self._pid_file.clear()

    def _stop_group(self, group: Sequence[Child], asked_before: int) -> None:
        for child in group:
            child.ask_to_stop()
        began = time.monotonic()
        waiting = [child for child in group if child.status is None]
        while waiting:
            for child in waiting:
                impatient = self._stop_requests > max(asked_before, 1)
                if impatient or time.monotonic() - began > child.plan.grace_seconds:
                    if not impatient:
                        self._terminal.line(f"{child.plan.name} did not end in time and is killed; no work is lost")
                    child.kill()
            waiting = [child for child in waiting if not child.wait(POLL_SECONDS / 2)]

    def _pids(self) -> dict[str, int]:
        return {slot.plan.name: slot.child.pid for slot in self._slots if slot.child is not None}


def _last_lines(slot: Slot) -> str:
    lines = list(slot.child.last_lines) if slot.child is not None else []
    return "".join(f"\n    {line}" for line in ["Its last lines:", *lines]) if lines else ""
