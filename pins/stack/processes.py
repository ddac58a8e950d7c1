"""The processes of the product on one machine, as plans for the supervisor."""

from __future__ import annotations

import errno
import re
import signal
import socket
import sys
from pathlib import Path

from django.conf import settings

from config.broker import answers
from pins.stack import embedded
from pins.stack.children import ChildPlan
from pins.stack.supervisor import StackFailed

# The order of ending: first what takes in work, then the worker, then what they both need.
FRONT, WORKER, CLOUD, BROKER = range(4)


def broker() -> ChildPlan:
    """The embedded server of this folder."""
    path = Path(settings.REDIS_URL.removeprefix("unix://"))

    def make_room() -> None:
        try:
            embedded.prepare_socket(path)
        except embedded.EmbeddedServerFailed as error:
            raise StackFailed(str(error)) from None

    return ChildPlan(
        name="broker",
        command=embedded.command(path),
        stop_order=BROKER,
        before_start=make_room,
        # Advice about persistence, which this server does not have, and what it says when it ends.
        noise=re.compile(r"overcommit_memory|signal-handler|ready to exit"),
        is_ready=lambda: answers(settings.REDIS_URL),
    )


def worker() -> ChildPlan:
    """Performs the steps on the locks, and takes the queue of slow work too: a process of its own for that would cost
    as much memory as all its threads. It may be killed at any instant: requests are recorded before they are sent."""
    return ChildPlan(
        name="worker",
        command=[*_celery(), "worker", "--without-gossip", "--without-mingle", "--loglevel", "WARNING"],
        stop_order=WORKER,
        grace_seconds=20,
        noise=re.compile("Warm shutdown"),
        # `doctor` warns of running as root; Celery's four lines at every start add nothing.
        environment={"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"},
    )


def beat() -> ChildPlan:
    """One is enough: the supervisor starts it again, and it follows its dead predecessor on this machine at once."""
    return ChildPlan(name="beat", command=[*_celery(), "beat", "--loglevel", "WARNING"], stop_order=FRONT)


def web(bind: str) -> ChildPlan:
    """The web server, as `gunicorn.conf.py` says."""
    return ChildPlan(
        name="web",
        command=[sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", bind],
        stop_order=FRONT,
        death_signal=signal.SIGTERM,  # the master then ends its workers; a kill would leave them for a moment
        is_ready=lambda: accepts(bind),
    )


def simulator(port: int, state: Path, locks_file: Path, key: str, faults: str, late_seconds: float) -> ChildPlan:
    """A simulated Tedee cloud on a loopback port."""
    command = [sys.executable, "manage.py", "lock_simulator", "--port", str(port), "--state", str(state)]
    command += ["--locks-file", str(locks_file), f"--key={key}", "--latency", "0.3-1.2", "--foreign-pins", "2"]
    command += ["--faults", faults, "--late-seconds", str(late_seconds)]
    return ChildPlan(
        name="simulator",
        command=command,
        stop_order=CLOUD,
        noise=re.compile(r"^(  |Simulator )"),  # its greeting; the demo prints its own
        is_ready=lambda: accepts(f"127.0.0.1:{port}"),
    )


def _celery() -> list[str]:
    return [sys.executable, "-m", "celery", "--quiet", "-A", "config"]


def split_bind(bind: str) -> tuple[str, int] | None:
    """Host and port of `host:port` or `[::1]:port`; None for a unix socket. Raises StackFailed."""
    if bind.startswith("unix:"):
        return None
    host, _, port = bind.rpartition(":")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise StackFailed(f"{bind!r} is not an address to listen on. Write host:port, such as 127.0.0.1:8000")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - what gunicorn understands by ":8000"


def accepts(bind: str) -> bool:
    """Whether a server accepts connections at `bind`."""
    address = split_bind(bind)
    if address is None:
        return Path(bind.removeprefix("unix:")).exists()
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])  # noqa: S104 - compared, not bound
    try:
        with socket.create_connection((host, address[1]), timeout=1):
            return True
    except OSError:
        return False


def require_free(bind: str, option: str) -> None:
    """Raise StackFailed when nothing can listen at `bind`; `option` is what the person may change."""
    address = split_bind(bind)
    if address is None:
        return
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise StackFailed(
                    f"port {port} on {host} is in use. Stop the program that has it, "
                    f"or choose another with {option} NUMBER"
                ) from None
            raise StackFailed(
                f"cannot listen on {host} port {port}: {error.strerror}. Choose another with {option}"
            ) from None


def free_port() -> int:
    """A loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
