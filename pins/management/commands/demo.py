"""`manage.py demo`: the whole product with a simulated lock cloud and made-up guests."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.utils import timezone

from pins.models import Pin
from pins.reconcile.inventory import FetchError
from pins.stack import demo, demo_calendars, processes
from pins.stack.calendar_news import CalendarNews, look_at_feeds
from pins.stack.children import Terminal
from pins.stack.machine import bring_database_up_to_date, machine, start_broker, start_product
from pins.stack.story import Storyteller, look_at_pins
from pins.stack.supervisor import StackFailed, StopRequested, Supervisor
from rentals.models import Booking
from rentals.wording import counted


class Command(BaseCommand):
    help = (
        "Shows Turnkey at work: runs everything with a simulated lock cloud that often fails, adds guests by hand and "
        "by calendar, and prints what happens. Keeps its data in var/demo and touches nothing else."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="port of the web server; 0 picks one (default 8000)")
        parser.add_argument(
            "--simulator-port", type=int, default=8765, help="port of the simulated cloud (default 8765)"
        )
        parser.add_argument(
            "--until-settled",
            action="store_true",
            help="stop when every due code is set and every ended one is removed",
        )
        parser.add_argument(
            "--timeout", type=float, default=120, help="seconds that --until-settled waits (default 120)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if os.environ.get("TURNKEY_STACK") != "demo":
            self._start_again_in_own_folder(options["simulator_port"] or processes.free_port())
        self.terminal = Terminal()
        self.until_settled: bool = options["until_settled"]
        self.timeout: float = options["timeout"]
        self.settled = False  # said once
        self.port: int = options["port"] or processes.free_port()
        try:
            with machine(self.terminal) as stack:
                status = self._play(stack)
        except StopRequested:
            status = 0
        except StackFailed as failure:
            raise CommandError(str(failure)) from None
        self.terminal.line("Stopped. The data is kept; the next start goes on from here.")
        if status:
            sys.exit(status)

    def _start_again_in_own_folder(self, simulator_port: int) -> None:
        """Replace this process by one whose settings name no real database, broker, key or lock cloud."""
        folder = Path(settings.VAR_DIR) / "demo"
        environment = demo.own_environment(os.environ, folder, simulator_port)
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)  # noqa: S606 - the same command again

    def _play(self, stack: Supervisor) -> int:
        folder = Path(settings.VAR_DIR)
        simulator_port = int(settings.TEDEE_API_URL.rpartition(":")[2].partition("/")[0])
        processes.require_free(f"127.0.0.1:{self.port}", "--port")
        processes.require_free(f"127.0.0.1:{simulator_port}", "--simulator-port")
        bring_database_up_to_date(self.terminal)
        key = demo.simulator_key(folder)
        start_broker(stack, self.terminal)
        stack.start(
            processes.simulator(
                simulator_port,
                folder / "simulator.json",
                demo.locks_file(folder),
                key,
                demo.FAULTS,
                demo.LATE_SECONDS,
            )
        )
        password = demo.ensure_admin(folder)
        storyteller, news = Storyteller(look_at_pins(timezone.now())), CalendarNews(look_at_feeds())
        self.began = timezone.now()
        with demo_calendars.calendar_server(demo_calendars.first_start(folder, self.began), demo.ZONE) as calendars:
            start_product(stack, f"127.0.0.1:{self.port}")
            self._prepare_data(key, calendars.url)
            self._greet(password, simulator_port)
            connection.close()
            return self._watch(stack, storyteller, news)

    def _prepare_data(self, key: str, calendars_url: str) -> None:
        try:
            fresh = demo.ensure_sample_data(timezone.now(), key)
        except FetchError as error:
            raise StackFailed(
                f"the simulator did not list its locks ({error}). Delete {settings.VAR_DIR} and start again."
            ) from None
        demo_calendars.ensure_feeds(calendars_url, demo.ZONE)
        self.terminal.line("Filled a house with guests" if fresh else "Going on with the guests of the last start")

    def _greet(self, password: str, simulator_port: int) -> None:
        waiting = Booking.objects.filter(check_in__gt=timezone.now(), grants__isnull=True).count()
        cleaner = demo.cleaner_path(Path(settings.VAR_DIR))
        for line in (
            "",
            f"  Board      http://127.0.0.1:{self.port}/   log in as admin with the password {password}",
            f"  Admin      http://127.0.0.1:{self.port}/admin/   bookings, properties and calendars",
            f"  Locks      http://127.0.0.1:{simulator_port}/   the simulated locks: see their codes, pull a plug",
            f"  Calendars  {len(demo_calendars.FEEDS)} are read every half minute. Two minutes after the first start",
            "             a stay moves, another one arrives, and a channel gives all its events new UIDs.",
            f"  Published  http://127.0.0.1:{self.port}{demo_calendars.published_path()}",
            f"  Guest      http://127.0.0.1:{self.port}{demo.guest_path()}   what the guest of the garden flat sees",
            f"  Cleaner    http://127.0.0.1:{self.port}{cleaner}   what {demo.CLEANER} sees",
            f"  Spare      http://127.0.0.1:{self.port}{demo.spare_path()}   a spare code waits on this lock: pull",
            "             its plug, enter a stay of the attic that has begun, and open that guest's page.",
            "  Try it     change a booking and watch this terminal. Ctrl-C ends the demo.",
            f"  Later      {waiting} more {'stay is' if waiting == 1 else 'stays are'} too far ahead for a code today.",
            "",
        ):
            self.terminal.line(line)

    def _watch(self, stack: Supervisor, storyteller: Storyteller, news: CalendarNews) -> int:
        started = time.monotonic()

        def tick() -> int | None:
            try:
                # Asked before the look: what counts as settled has then been printed when the demo ends.
                missing = None if self.settled else demo.unsettled(timezone.now(), self.began)
                for line in [*news.tell(look_at_feeds()), *storyteller.tell(look_at_pins(timezone.now()))]:
                    self.terminal.line(line)
                return None if missing is None else self._settled(missing, time.monotonic() - started)
            except DatabaseError as error:
                # SQLite may be busy for longer than its timeout; the next look reports what this one missed.
                self.terminal.line(f"(the database did not answer: {type(error).__name__})")
                return None
            finally:
                connection.close()

        return stack.watch(tick)

    def _settled(self, missing: list[str], seconds: float) -> int | None:
        if not missing:
            number = Pin.objects.filter(state="set").count()
            self.terminal.line(
                f"Settled after {seconds:.0f} s: {counted(number, 'code')} set, every ended one removed."
            )
            self.settled = True
            return 0 if self.until_settled else None
        if seconds < self.timeout or not self.until_settled:
            return None
        self.terminal.line(f"Not settled after {self.timeout:.0f} s:")
        for line in missing:
            self.terminal.line(f"  {line}")
        return 1
