"""The supervisor with real, tiny children."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pins.stack.children import ChildPlan, Terminal
from pins.stack.leftovers import AlreadyRunning, InstanceLock, PidFile, command_line
from pins.stack.supervisor import StackFailed, Supervisor
from tests.support.paths import ROOT
from tests.support.waiting import until


def plan(name: str, code: str, *, stop_order: int = 0, ready: Callable[[], bool] = lambda: True) -> ChildPlan:
    return ChildPlan(
        name=name, command=[sys.executable, "-c", code], stop_order=stop_order, is_ready=ready, grace_seconds=1.0
    )


class Stage:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = io.StringIO()
        self.pid_file = PidFile(folder / "stack.pids")
        self.supervisor = Supervisor(Terminal(self.output), folder, self.pid_file)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_lines_carry_the_name_of_their_sender(stage: Stage) -> None:
    with stage.supervisor as stack:
        stack.start(plan("worker", "import time; print('hello'); time.sleep(600)"))
        until(lambda: "hello" in stage.output.getvalue(), "the child's line")
    assert "worker    | hello\n" in stage.output.getvalue()


def test_a_dead_child_is_started_again_and_named(stage: Stage) -> None:
    code = "import os, time, pathlib as p; f = p.Path('lives'); n = len(f.read_text()) if f.exists() else 0;"
    code += "f.write_text('x' * (n + 1)); time.sleep(600 if n else 0); os._exit(3)"
    with stage.supervisor as stack:
        stack.start(plan("beat", code))
        lives = stage.folder / "lives"
        status = stack.watch(lambda: 7 if lives.exists() and len(lives.read_text()) == 2 else None, every=0.05)
    assert status == 7
    assert "beat ended with status 3; starting it again in 0.5 s" in stage.output.getvalue()


def test_a_child_that_dies_again_and_again_ends_the_stack_with_its_last_words(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pins.stack.supervisor.FIRST_PAUSE_SECONDS", 0.01)

    def play() -> None:
        with stage.supervisor as stack:
            stack.start(plan("web", "raise SystemExit('no such module')"))
            stack.watch()

    with pytest.raises(StackFailed, match=r"web ended with status 1, 5 times within 60 s(.|\n)*no such module"):
        play()


def test_children_end_in_order_and_the_stubborn_one_is_killed(stage: Stage) -> None:
    said = "import signal, sys, time, pathlib; pathlib.Path('{0}').write_text('')\n"
    said += "def bye(*_):\n    open('ends', 'a').write('{0} ')\n    sys.exit(0)\n"
    said += "signal.signal(signal.SIGTERM, bye); pathlib.Path('{0}.ready').write_text(''); time.sleep(600)"
    deaf = "import signal, time, pathlib; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    deaf += "pathlib.Path('deaf.ready').write_text(''); time.sleep(600)"
    with stage.supervisor as stack:
        stack.start(plan("broker", said.format("broker"), stop_order=3, ready=(stage.folder / "broker.ready").exists))
        stack.start(plan("worker", deaf, stop_order=1, ready=(stage.folder / "deaf.ready").exists))
        stack.start(plan("web", said.format("web"), stop_order=0, ready=(stage.folder / "web.ready").exists))
    assert (stage.folder / "ends").read_text() == "web broker "
    assert "worker did not end in time and is killed" in stage.output.getvalue()
    assert not (stage.folder / "stack.pids").exists()


def test_a_child_that_is_never_ready_is_named(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pins.stack.supervisor.READY_SECONDS", 0.3)
    with pytest.raises(StackFailed, match="simulator was not ready"):  # noqa: SIM117
        with stage.supervisor as stack:
            stack.start(plan("simulator", "import time; time.sleep(600)", ready=lambda: False))


def test_a_program_that_does_not_exist_is_named(stage: Stage) -> None:
    with pytest.raises(StackFailed, match=r"broker cannot be started.*no-such-program"), stage.supervisor as stack:
        stack.start(ChildPlan(name="broker", command=["/no-such-program"], stop_order=0))


def test_a_signal_ends_the_watch(stage: Stage) -> None:
    def ask() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with stage.supervisor as stack:
        stack.start(plan("web", "import time; time.sleep(600)"))
        assert stack.watch(ask) == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only the Linux kernel ends children by itself")
def test_children_of_a_killed_supervisor_are_gone(tmp_path: Path) -> None:
    script = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from pins.stack.children import ChildPlan, Terminal
from pins.stack.leftovers import PidFile
from pins.stack.supervisor import Supervisor
folder = Path({str(tmp_path)!r})
with Supervisor(Terminal(), folder, PidFile(folder / "pids")) as stack:
    stack.start(ChildPlan(name="child", command=[sys.executable, "-c", "import time; time.sleep(600)"], stop_order=0))
    (folder / "pid").write_text(str(stack._slots[0].child.pid))
    stack.watch()
"""
    supervisor = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.DEVNULL)
    try:
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "the child")
        child = int((tmp_path / "pid").read_text())
        assert command_line(child)
    finally:
        supervisor.kill()
        supervisor.wait()
    until(lambda: not command_line(child), "the end of the orphan")


def test_the_next_start_ends_what_a_killed_one_left_and_spares_strangers(tmp_path: Path) -> None:
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(601)"])
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(602)"])
    try:
        pids = PidFile(tmp_path / "pids")
        pids.write({"worker": orphan.pid, "web": stranger.pid})
        text = (tmp_path / "pids").read_text()
        # The number of the web server belongs to another program by now.
        (tmp_path / "pids").write_text(text.replace("602", "603"))
        assert pids.end_leftovers() == ["worker"]
        assert orphan.wait(timeout=5) == -signal.SIGTERM
        assert stranger.poll() is None
    finally:
        for process in (orphan, stranger):
            process.kill()
            process.wait()


def test_one_stack_per_folder(tmp_path: Path) -> None:
    with InstanceLock(tmp_path / "var" / "stack.lock"):  # noqa: SIM117
        with (
            pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"),
            InstanceLock(tmp_path / "var" / "stack.lock"),
        ):
            pass
    with InstanceLock(tmp_path / "var" / "stack.lock"):
        pass


def test_a_terminal_that_went_away_does_not_stop_the_lines() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)
    stream.close()
    began = time.monotonic()
    terminal.line("anybody there?")
    terminal.line("no")
    assert time.monotonic() - began < 1
