"""The broker goes away and comes back: nobody waits for it, and nobody dies of it.

Celery 5.7.0 ends a worker that holds an unacknowledged message while Redis is out of reach for seconds; that is why
5.6.3 is pinned. This test is what a newer version has to pass.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu.exceptions import OperationalError

from pins.stack.lifetime import end_with_parent
from tests.support.embedded_server import EmbeddedServer
from tests.support.paths import ROOT
from tests.support.publishing import publisher
from tests.support.waiting import until


@pytest.fixture
def broker() -> Iterator[EmbeddedServer]:
    with (
        tempfile.TemporaryDirectory(prefix="turnkey-cut-") as folder,
        EmbeddedServer(Path(folder) / "s.sock") as server,
    ):
        yield server


@pytest.mark.real_processes
@pytest.mark.timeout(180)
def test_a_worker_survives_cuts_while_a_task_runs(broker: EmbeddedServer, tmp_path: Path) -> None:
    diary, log = tmp_path / "diary", tmp_path / "worker.log"
    diary.write_text("")
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tests.support.slow_app", "worker", "--loglevel", "INFO"],
            cwd=ROOT,
            env=os.environ | {"REDIS_URL": broker.url, "TEDEE_MAX_IN_FLIGHT": "4"},
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - system calls only
        )
    try:
        with publisher(broker.url) as app:
            for cut in range(1, 4):
                ended_before = diary.read_text().count("end")
                begun_before = diary.read_text().count("begin")
                app.send_task("tests.slow", kwargs={"seconds": 4, "diary": str(diary)})
                until(lambda: diary.read_text().count("begin") > begun_before, f"the task before cut {cut}")  # noqa: B023
                broker.kill()
                until(lambda: diary.read_text().count("end") > ended_before, f"its end without a broker, cut {cut}")  # noqa: B023
                assert worker.poll() is None, f"cut {cut} ended the worker:\n{log.read_text()[-3000:]}"
                broker.start()
            ended = diary.read_text().count("end")
            app.send_task("tests.slow", kwargs={"seconds": 0, "diary": str(diary)})
            until(lambda: diary.read_text().count("end") > ended, "a task after the last cut", 60)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait()


def seconds_to_fail(redis_url: str) -> float:
    with publisher(redis_url) as app:
        began = time.monotonic()
        with pytest.raises(OperationalError):
            app.send_task("tests.slow")
        return time.monotonic() - began


def test_a_publisher_gives_up_at_once_when_nobody_listens(tmp_path: Path) -> None:
    assert seconds_to_fail(f"unix://{tmp_path / 'nobody.sock'}") < 2


def test_a_publisher_gives_up_soon_when_the_broker_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        taken: list[socket.socket] = []
        thread = threading.Thread(target=_accept_and_say_nothing, args=(silent, taken), daemon=True)
        thread.start()
        assert seconds_to_fail(f"redis://127.0.0.1:{silent.getsockname()[1]}/0") < 5
        silent.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)
        for connection in taken:
            connection.close()


def _accept_and_say_nothing(server: socket.socket, taken: list[socket.socket]) -> None:
    while True:
        try:
            taken.append(server.accept()[0])
        except OSError:
            return  # the test has closed it
