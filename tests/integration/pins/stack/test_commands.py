"""`manage.py run`, `demo` and `doctor` as a person uses them: as processes, with their words on the terminal."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pins.stack.leftovers import command_line
from pins.stack.lifetime import end_with_parent
from pins.stack.processes import free_port
from tests.support.paths import ROOT
from tests.support.waiting import until

pytestmark = [pytest.mark.real_processes, pytest.mark.timeout(240)]

CONFIGURED = ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DATABASE_URL", "REDIS_URL", "TEDEE_API_URL")


class Command:
    """One `manage.py` command of a person who has configured nothing, in a folder of its own."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in CONFIGURED}
        self._log = folder / f"{arguments[0]}-{free_port()}.log"
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=environment | {"TURNKEY_VAR_DIR": str(folder / "var")} | variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=end_with_parent(signal.SIGTERM),  # noqa: PLW1509 - system calls only
            )

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def says(self, text: str, seconds: float = 60) -> None:
        until(lambda: text in self.said or self.process.poll() is not None, f"{text!r} in:\n{self.said}", seconds)
        assert text in self.said

    def ends(self, seconds: float = 60) -> int:
        return self.process.wait(timeout=seconds)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture
def commands() -> Iterator[list[Command]]:
    """Those that a test has started; ended after it whatever happened."""
    started: list[Command] = []
    yield started
    for command in started:
        command.close()


def children(folder: Path) -> dict[str, int]:
    recorded = json.loads((folder / "stack.pids").read_text())
    return {name: facts["pid"] for name, facts in recorded.items()}


def get(port: int, path: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.status, answer.read()


def is_ready(port: int) -> bool:
    try:
        return json.loads(get(port, "/readyz")[1])["ready"] is True
    except urllib.error.HTTPError as answer:
        answer.close()
        return False


def test_run_starts_restarts_and_stops_everything(tmp_path: Path, commands: list[Command]) -> None:
    port = free_port()
    run = Command(tmp_path, "run", "--port", str(port), SWEEP_SECONDS="1")
    commands.append(run)
    run.says(f"Turnkey is running: http://127.0.0.1:{port}/")
    run.says("createsuperuser")
    assert get(port, "/healthz") == (200, b"ok")
    until(lambda: is_ready(port), "every part to work, the first sweep included", 60)

    second = Command(tmp_path, "run", "--port", str(free_port()))
    commands.append(second)
    assert second.ends() == 1
    assert f"already runs here (process {run.process.pid})" in second.said
    assert "Traceback" not in second.said

    os.kill(children(tmp_path / "var")["beat"], signal.SIGKILL)
    run.says("beat was ended by SIGKILL; starting it again")

    def healthy() -> bool:
        # It asks the worker through the broker and looks for the trace of a sweep that beat has sent.
        doctor = Command(tmp_path, "doctor", "--offline", SWEEP_SECONDS="1")
        commands.append(doctor)
        return doctor.ends() == 0

    until(healthy, "a healthy stack", 60)
    assert "worker: 1 answered" in commands[-1].said

    pids = children(tmp_path / "var")
    assert set(pids) == {"broker", "worker", "beat", "web"}
    run.process.send_signal(signal.SIGINT)
    assert run.ends() == 0
    assert run.said.endswith("Stopped\n")
    assert "Traceback" not in run.said
    assert [name for name, pid in pids.items() if command_line(pid)] == []


def test_run_names_a_port_in_use(tmp_path: Path, commands: list[Command]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = Command(tmp_path, "run", "--port", str(port))
        commands.append(run)
        assert run.ends() == 1
    assert f"port {port} on 127.0.0.1 is in use" in run.said
    assert "Traceback" not in run.said


def test_run_names_a_folder_that_it_cannot_make(tmp_path: Path, commands: list[Command]) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    run = Command(tmp_path, "run")
    commands.append(run)
    assert run.ends() == 1
    assert "cannot be created" in run.said
    assert "Traceback" not in run.said


def test_the_doctor_says_what_is_wrong_and_how_to_fix_it(tmp_path: Path, commands: list[Command]) -> None:
    doctor = Command(tmp_path, "doctor", DEBUG="1")
    commands.append(doctor)
    assert doctor.ends() == 1
    for line in ("migrations are not applied", "python manage.py migrate", "embedded server does not run"):
        assert line in doctor.said
    assert "Traceback" not in doctor.said


def test_the_doctor_says_what_to_do_where_only_a_demo_ran(tmp_path: Path, commands: list[Command]) -> None:
    (tmp_path / "var" / "demo").mkdir(parents=True)
    doctor = Command(tmp_path, "doctor")
    commands.append(doctor)
    assert doctor.ends() == 1
    assert "nothing is set up here yet" in doctor.said
    assert "make run" in doctor.said
    assert f"The demo needs no doctor: its keys and data are in {tmp_path / 'var' / 'demo'}" in doctor.said
    assert doctor.said.count("FAIL") == 1
    assert "Traceback" not in doctor.said
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["demo"]


def test_the_demo_settles_by_itself_and_goes_on_at_the_next_start(tmp_path: Path, commands: list[Command]) -> None:
    demo = Command(tmp_path, "demo", "--until-settled", "--port", "0", "--simulator-port", "0")
    commands.append(demo)
    assert demo.ends(180) == 0, demo.said
    assert "Filled a house with guests" in demo.said
    for who in (
        "what the guest of the garden flat sees",
        "what Maria Kowalska sees",
        "a spare code waits on this lock",
    ):
        assert who in demo.said
    assert "Anna at Garden flat: code set on Front door" in demo.said
    assert "Airbnb Orchard cottage: 3 stays arrived" in demo.said
    assert "at Orchard cottage: code set on Orchard cottage" in demo.said
    assert "Julia at Attic: code removed from Front door after check-out" in demo.said
    assert "Settled after" in demo.said
    assert sorted(path.name for path in (tmp_path / "var").iterdir()) == ["demo"]

    again = Command(tmp_path, "demo", "--until-settled", "--port", "0", "--simulator-port", "0")
    commands.append(again)
    assert again.ends(90) == 0, again.said
    assert "Going on with the guests of the last start" in again.said

    figures = ROOT / "var" / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    settled = [line for line in demo.said.splitlines() if line.startswith("Settled")]
    (figures / "demo.txt").write_text("\n".join(["demo, first start:", *settled]) + "\n")
