"""`manage.py lock_simulator`: a simulated Tedee cloud with a control page, until Ctrl-C."""

from __future__ import annotations

import errno
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pins.simulator import knobs
from pins.simulator.cloud import Cloud
from pins.simulator.control import is_loopback
from pins.simulator.faults import FaultPlan, FaultTextError
from pins.simulator.fleet import LocksFileError, furnish, ordinary_locks, read_locks_file
from pins.simulator.rules import read_instant
from pins.simulator.server import SimulatorServer
from pins.simulator.settings import CloudSettings
from pins.simulator.state import StateFile, StateFileError
from rentals.wording import counted


class Command(BaseCommand):
    help = (
        "Runs a simulated Tedee cloud: locks that accept, expire and refuse PINs as the real cloud does, with faults "
        "on request and a page that shows them. Needs no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        where = parser.add_argument_group("where it listens")
        where.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
        where.add_argument("--port", type=int, default=8765, help="port; 0 picks a free one (default 8765)")
        where.add_argument(
            "--allow-remote",
            action="store_true",
            help="permit a --host that other machines can reach; the page shows PINs",
        )
        where.add_argument("--api-base", default="/api/v37", help="path of the API version (default /api/v37)")
        what = parser.add_argument_group("its locks")
        what.add_argument("--locks", type=int, default=5, help="how many locks (default 5)")
        what.add_argument(
            "--locks-file", type=Path, help="JSON list of locks (name, serial, keypad, bridge) in place of --locks"
        )
        what.add_argument("--foreign-pins", type=int, default=0, help="pins of other people on every new lock")
        what.add_argument("--capacity", type=int, default=100, help="pins per lock (default 100)")
        what.add_argument("--state", type=Path, help="file that keeps locks and PINs from one start to the next")
        keys = parser.add_argument_group("its keys")
        keys.add_argument("--key", default="demo-key", help="the personal key it accepts (default demo-key)")
        keys.add_argument("--key-expires", help="when that key ends, such as 2027-03-03T14:00:00.000Z (default: never)")
        keys.add_argument("--read-only", action="store_true", help="let that key read and not write")
        keys.add_argument("--bearer", help="an access token that it accepts too")
        keys.add_argument("--bearer-expires", help="when the token ends (default: never)")
        how = parser.add_argument_group("how it behaves")
        how.add_argument("--seed", type=int, default=0, help="the same seed gives each lock the same faults")
        how.add_argument("--latency", default="0", help="seconds an operation takes: 0.5 or 0.2-1.5 (default 0)")
        how.add_argument(
            "--faults", default="", help="chance of each, such as timeout_applied=0.1,busy=0.1 (default none)"
        )
        how.add_argument(
            "--late-seconds", type=float, default=60.0, help="seconds until a late write reaches its lock (default 60)"
        )
        how.add_argument("--rate-limit", type=int, default=0, help="requests per window, then 429 (default: no limit)")
        how.add_argument("--rate-window", type=float, default=3600.0, help="seconds of a window (default 3600)")
        how.add_argument("--id-reuse", action="store_true", help="give a removed pin's id to the next pin")
        how.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="any setting of docs/simulator.md, such as list_lag=60 or put=merges; may be repeated",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        if not is_loopback(options["host"]) and not options["allow_remote"]:
            raise CommandError(
                f"{options['host']} would let other machines read the PINs shown here. "
                "Listen on 127.0.0.1, or add --allow-remote if you want that."
            )
        try:
            cloud = self._cloud(options)
        except (FaultTextError, LocksFileError, StateFileError, ValueError) as wrong:
            raise CommandError(f"{wrong}") from wrong
        server = self._server(cloud, options["host"], options["port"])
        stop = threading.Event()

        def on_signal(_: int, __: FrameType | None) -> None:
            stop.set()

        former = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            with server:
                self._greet(cloud, server)
                stop.wait()
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
        self.stdout.write("Simulator stopped.")

    def _cloud(self, options: dict[str, Any]) -> Cloud:
        if options["capacity"] < 1 or options["rate_window"] <= 0 or options["locks"] < 0:
            raise ValueError("--capacity and --rate-window must be above 0, --locks at least 0")
        usual = CloudSettings(
            api_base=options["api_base"].rstrip("/"),
            latency=read_latency(options["latency"]),
            capacity=options["capacity"],
            id_reuse=options["id_reuse"],
            late_seconds=options["late_seconds"],
            rate_limit=options["rate_limit"],
            rate_window=options["rate_window"],
        )
        settings = knobs.changed(usual, knobs.read_assignments(options["set"]))
        faults = FaultPlan.parse(options["faults"])
        path = options["locks_file"]
        described = read_locks_file(path) if path else ordinary_locks(options["locks"])
        cloud = Cloud(settings, key=options["key"], seed=options["seed"], faults=faults)
        self._add_keys(cloud, options)
        if options["state"]:
            StateFile(options["state"]).attach(cloud)
        furnish(cloud, described, options["foreign_pins"])
        return cloud

    def _add_keys(self, cloud: Cloud, options: dict[str, Any]) -> None:
        personal, bearer = (read_instant(options[name]) for name in ("key_expires", "bearer_expires"))
        cloud.set_key_expiry("demo", personal)
        cloud.set_key_writes("demo", not options["read_only"])
        if options["bearer"]:
            cloud.add_key(options["bearer"], "bearer", scheme="Bearer", expires_at=bearer)

    def _server(self, cloud: Cloud, host: str, port: int) -> SimulatorServer:
        try:
            return SimulatorServer(cloud, host, port)
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                raise CommandError(
                    f"Port {port} on {host} is in use. Stop the program that has it, "
                    "or choose another with --port (0 picks a free one)."
                ) from problem
            raise CommandError(f"Cannot listen on {host} port {port}: {problem.strerror}.") from problem
        except OverflowError as problem:
            raise CommandError("--port must be from 0 to 65535.") from problem

    def _greet(self, cloud: Cloud, server: SimulatorServer) -> None:
        locks, faults = counted(len(cloud.locks()), "lock"), cloud.desk.plan.as_text() or "none"
        self.stdout.write(f"Simulator listening on {server.url}")
        self.stdout.write(f"  Use it:   set TEDEE_API_URL={server.api_url} and enter the personal key given by --key")
        self.stdout.write(f"  Watch it: open {server.url}/ in a browser; there you can pull a lock's plug")
        self.stdout.write(f"  {locks}, injected faults: {faults}. Ctrl-C stops it.")
        self.stdout.flush()


def read_latency(text: str) -> tuple[float, float]:
    """Seconds as `0.5` or `0.2-1.5`; ValueError with what to write instead."""
    low, separator, high = text.partition("-")
    try:
        least = float(low)
        most = float(high) if separator else least
    except ValueError:
        least, most = -1.0, -1.0
    if not 0 <= least <= most < float("inf"):
        raise ValueError(f"{text!r} is not a latency; write seconds such as 0.5 or a range such as 0.2-1.5")
    return least, most
