"""Turnkey as its real processes: worker, beat, broker, database, a simulated cloud, a front desk and a web server.

Everything is started with the environment variables, commands and URLs that an operator knows, in a folder of its own.
The broker is a process of its own too, so that it can be cut, flushed and started again. Every process is ended by its
number, whatever happened; when a test fails the last lines of every log are printed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import redis
from cryptography.fernet import Fernet

from pins.stack.lifetime import end_with_parent
from pins.stack.processes import web as web_plan
from tests.support import migrated
from tests.support.embedded_server import EmbeddedServer
from tests.support.paths import ROOT

TAIL_LINES = 40
#: How long a process may take to be ready; a loaded machine is slow, a broken one ends by itself.
READY_SECONDS = 90.0

Found = TypeVar("Found")


class Child:
    """One process and its log. Started again after a kill, it goes on writing to the same log."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        program: str = sys.executable,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = [program, *command]
        self._environment = dict(environment)
        self._process: subprocess.Popen[str] | None = None
        self._log_begins = 0

    def start(self, *, piped: bool = False) -> subprocess.Popen[str]:
        """Start it; with `piped` its standard input and output are ours and only its errors are logged."""
        self._log_begins = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else log,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C is for pytest, which ends its children in order
                preexec_fn=end_with_parent(signal.SIGKILL),  # noqa: PLW1509 - system calls only
            )
        return self._process

    @property
    def pid(self) -> int | None:
        """Its process id; None before it was started and after it was stopped or killed."""
        return self._process.pid if self._process is not None else None

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """`kill -9`: no goodbye, nothing finished."""
        if self._process is not None:
            self._process.kill()
            self._close()

    def stop(self) -> None:
        """SIGTERM, and what takes too long is killed."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._close()

    def _close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def said(self, pattern: str) -> re.Match[str] | None:
        """What it wrote since its last start that fits the pattern."""
        with self.log.open("rb") as log:
            log.seek(self._log_begins)
            return re.search(pattern, log.read().decode("utf-8", "replace"))

    def tail(self) -> str:
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


class Stack:
    """All processes for the length of a `with` block.

    `simulator` are the options of `manage.py lock_simulator`, `settings` further environment variables for all,
    `worker_settings` for the worker alone.
    """

    def __init__(
        self,
        folder: Path,
        database_url: str,
        *,
        key: str = "a-personal-key-of-the-tests",
        simulator: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
        worker_settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        # A unix socket's path must be short, and pytest's folders are not.
        self._socket_folder = Path(tempfile.mkdtemp(prefix="turnkey-chaos-", dir="/tmp"))
        self.redis = EmbeddedServer(self._socket_folder / "redis.sock")
        self.key = key
        self.field_key = Fernet.generate_key().decode("ascii")
        passed_on = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
        self._environment = passed_on | {
            "PYTHONUNBUFFERED": "1",
            "TURNKEY_ENV_FILE": "",  # a developer's `.env` is not ours
            "TURNKEY_VAR_DIR": str(folder / "var"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": "only-for-tests-" + "x" * 50,
            "FIELD_ENCRYPTION_KEYS": self.field_key,
            "DATABASE_URL": database_url,
            "REDIS_URL": self.redis.url,
            "SWEEP_SECONDS": "1",
            "LATE_SECONDS": "8",
            # No lock is compared by chance: tests count requests.
            "AUDIT_SECONDS": "2592000",
            "TEDEE_RATE_LIMIT": "100000",
            **(settings or {}),
        }
        self._worker_settings = dict(worker_settings or {})
        listen = ["manage.py", "lock_simulator", "--port", "0", f"--key={key}"]
        self.simulator = self._child("simulator", [*listen, *simulator])
        self.children = [self.simulator]

    def _child(self, name: str, command: Sequence[str], further: Mapping[str, str] | None = None) -> Child:
        return Child(name, command, self.folder, self._environment | dict(further or {}))

    # -- from start to end --------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._end(failed=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(failed=kind is not None)

    def _start(self) -> None:
        self.redis.start()
        self.simulator.start()
        self._make_tables()
        found = self.wait_for(
            "the simulator listens", lambda: self.simulator.said(r"listening on (http://\S+)"), READY_SECONDS
        )
        self.cloud = httpx.Client(base_url=found[1], trust_env=False, timeout=30)
        self._environment["TEDEE_API_URL"] = found[1] + "/api/v37"
        self.worker = self._child("worker", ["-m", "celery", "-A", "config", "worker"], self._worker_settings)
        self.beat = self._child("beat", ["-m", "celery", "-A", "config", "beat"])
        self.desk = FrontDesk(self._child("desk", ["-m", "tests.chaos.front_desk"]))
        self.children += [self.worker, self.beat, self.desk.child]
        self.worker.start()
        self.beat.start()
        self.desk.start()
        self.wait_for_worker()

    def _make_tables(self) -> None:
        migrated.put_at(self._environment["DATABASE_URL"], self._migrate)

    def _migrate(self) -> None:
        migration = self._child("migrate", ["manage.py", "migrate", "--verbosity", "0"])
        self.children.append(migration)
        if migration.start().wait(timeout=READY_SECONDS):
            raise AssertionError("manage.py migrate failed")
        migration.stop()

    def _end(self, *, failed: bool) -> None:
        if failed:
            for child in self.children:
                print(f"---- last lines of {child.log}\n{child.tail()}", file=sys.stderr)
        if hasattr(self, "cloud"):
            self.cloud.close()
        for child in reversed(self.children):
            child.stop()
        self.redis.stop()
        shutil.rmtree(self._socket_folder, ignore_errors=True)

    def give_all(self, settings: Mapping[str, str]) -> None:
        """Further environment variables for all processes but the simulator. Before the `with` block."""
        self._environment.update(settings)

    def environment(self) -> dict[str, str]:
        """What the processes are started with, for one that is none of ours."""
        return dict(self._environment)

    def start_worker(self, name: str) -> Child:
        """One more worker, once it is ready."""
        command = ("-m", "celery", "-A", "config", "worker", "-n", f"{name}@%h")
        worker = self.start_further(name, *command, settings=self._worker_settings)
        self.wait_for(f"{name} is ready", lambda: worker.said(r"\bready\."), READY_SECONDS)
        return worker

    def start_web(self) -> str:
        """The web server, started as `manage.py run` does, at a port that the system chooses; answers its address."""
        command = web_plan("127.0.0.1:0").command[1:]
        self.web = self._child("web", [*command, "--log-level", "info"])  # at this level it says where it listens
        self.children.append(self.web)
        self.web.start()
        found = self.wait_for(
            "the web server listens", lambda: self.web.said(r"Listening at: (http://\S+)"), READY_SECONDS
        )
        return found[1]

    def start_further(self, name: str, *command: str, settings: Mapping[str, str] | None = None) -> Child:
        """One more process with the environment of all, such as a second beat (`python ...`). Ends with the stack."""
        child = self._child(name, command, settings)
        self.children.append(child)
        child.start()
        return child

    # -- looking and waiting ------------------------------------------------------------------------------------

    def wait_for(
        self,
        what: str,
        look: Callable[[], Found | None],
        seconds: float,
        *,
        every: float = 0.1,
        progress: Callable[[], str] = str,
    ) -> Found:
        """Ask `look` until it finds something (not None, not False), and return that.

        Fails when the time is over, or when a process that should live has ended; says every few seconds how far it is.
        """
        begun = told = time.monotonic()
        while True:
            found = look()
            if found is not None and found is not False:
                return found
            for child in self.children:
                if child.pid is not None and not child.runs:
                    raise AssertionError(f"{child.name} ended while we waited: {what}")
            now = time.monotonic()
            if now - begun > seconds:
                raise AssertionError(f"not within {seconds:.0f} s: {what}. {progress()}")
            if now - told > 5:
                told = now
                print(f"  {now - begun:5.1f} s, waiting: {what}. {progress()}", flush=True)
            time.sleep(every)

    def wait_for_worker(self) -> None:
        self.wait_for("the worker is ready", lambda: self.worker.said(r"\bready\."), READY_SECONDS)

    def locks(self) -> list[dict[str, Any]]:
        """Every simulated lock with its pins, as the control side tells them."""
        return list(self._look("/control/locks")["locks"])

    def journal(self) -> dict[str, Any]:
        """Every request and every change of a pin since the simulator began."""
        return self._look("/control/journal")

    def _look(self, path: str) -> dict[str, Any]:
        answer = self.cloud.get(path)
        answer.raise_for_status()
        return dict(answer.json())

    def control(self, path: str, **fields: object) -> dict[str, Any]:
        """Do something by hand at the simulator (see `pins.simulator.control`)."""
        answer = self.cloud.post(f"/control/{path}", json=fields)
        answer.raise_for_status()
        return dict(answer.json())

    # -- blows --------------------------------------------------------------------------------------------------

    def kill_worker(self) -> None:
        """`kill -9`, then another one."""
        self.worker.kill()
        self.worker.start()

    def redis_client(self) -> redis.Redis[bytes]:
        return redis.Redis.from_url(self.redis.url)

    def flush_redis(self) -> None:
        with self.redis_client() as client:
            client.flushall()

    def cut_redis(self, seconds: float) -> None:
        """Kill the broker, leave everybody without one for a while, start an empty one at the same place."""
        self.redis.kill()
        time.sleep(seconds)
        self.redis.start()


class DeskRefused(AssertionError):
    """The database did not do what the front desk asked for, or nobody knows whether it did."""


class FrontDesk:
    """Where bookings are entered: a process of its own that uses the ORM and the public names of the models."""

    def __init__(self, child: Child) -> None:
        self.child = child

    def start(self) -> None:
        self._process = self.child.start(piped=True)

    def ask(self, action: str, **fields: object) -> Any:
        """Let the desk do something (see `tests.chaos.front_desk`) and return its answer."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"action": action, "fields": fields}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise AssertionError(f"the front desk failed at: {action}")
        said = json.loads(line)
        if "refused" in said:
            raise DeskRefused(f"{said['refused']} at: {action}")
        return said["answer"]
