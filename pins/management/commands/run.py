"""`manage.py run`: the whole product on one machine, until Ctrl-C."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.urls import reverse

from pins.stack import processes
from pins.stack.children import Terminal
from pins.stack.machine import (
    address_for_people,
    bring_database_up_to_date,
    machine,
    start_broker,
    start_product,
)
from pins.stack.supervisor import StackFailed, StopRequested
from rentals.models import LockAccount


class Command(BaseCommand):
    help = (
        "Runs everything on this machine: broker (unless REDIS_URL is set), worker, beat and web server. Applies "
        "migrations first, restarts a process that dies, and stops cleanly at Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address of the web server (default 127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="its port (default 8000)")
        parser.add_argument("--bind", help="host and port at once, as HOST:PORT, or unix:/path/of.sock")

    def handle(self, *args: Any, **options: Any) -> None:
        terminal = Terminal()
        host = options["host"]
        bind = options["bind"] or f"{f'[{host}]' if ':' in host else host}:{options['port']}"
        try:
            with machine(terminal) as stack:
                processes.require_free(bind, "--port")
                bring_database_up_to_date(terminal)
                start_broker(stack, terminal)
                start_product(stack, bind)
                self._greet(terminal, bind)
                stack.watch()
        except StopRequested:
            pass  # Ctrl-C while it was starting
        except StackFailed as failure:
            raise CommandError(str(failure)) from None
        terminal.line("Stopped")

    def _greet(self, terminal: Terminal, bind: str) -> None:
        terminal.line(f"Turnkey is running: {address_for_people(bind)}/  (Ctrl-C stops it)")
        if not get_user_model().objects.filter(is_superuser=True, is_active=True).exists():
            terminal.line("Nobody can log in yet. In another terminal: make admin (or manage.py createsuperuser)")
        if not LockAccount.objects.exists():
            terminal.line(f"Nothing is set up yet. Begin here: {address_for_people(bind)}{reverse('setup')}")
        connection.close()
