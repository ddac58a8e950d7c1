"""`manage.py doctor`: what is wrong with this installation, and how to fix it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from pins.stack.checkup.examine import EXAMINATIONS, examine
from pins.stack.checkup.findings import Health, report


class Command(BaseCommand):
    help = (
        "Examines settings, database, broker, worker, beat, keys, clock, calendars, notifications, locks, the first "
        "run, the version of the API and the lock cloud, and says how to fix what is wrong. Spends one request per "
        "lock account (--offline: none). Ends with status 1 when something is broken."
    )
    requires_system_checks: list[str] = []  # they are part of the examination

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--offline", action="store_true", help="do not ask the lock cloud")
        parser.add_argument("--only", choices=EXAMINATIONS, help="run one examination only, as a health check does")

    def handle(self, *args: Any, **options: Any) -> None:
        worst = Health.OK
        chosen = {options["only"]} if options["only"] else set(EXAMINATIONS)
        if options["offline"]:
            chosen -= {"cloud"}
        for finding in examine(chosen):
            self.stdout.write(report(finding, self.style))
            if finding.health is Health.FAIL or worst is Health.OK:
                worst = finding.health
        if worst is Health.FAIL:
            sys.exit(1)
        self.stdout.write("Everything works." if worst is Health.OK else "It works. See the warnings above.")
