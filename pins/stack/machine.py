"""What `run` and `demo` share: one folder, one database, one broker, and the product's processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.exceptions import InconsistentMigrationHistory

from config.broker import answers
from config.environment import SettingsError
from pins.stack import embedded, processes
from pins.stack.children import Terminal
from pins.stack.leftovers import AlreadyRunning, InstanceLock, PidFile
from pins.stack.supervisor import StackFailed, Supervisor


@contextmanager
def machine(terminal: Terminal) -> Iterator[Supervisor]:
    """A supervisor that owns the folder `var/`. Raises StackFailed with a message for people."""
    var = Path(settings.VAR_DIR)
    try:
        with InstanceLock(var / "stack.lock"):
            pid_file = PidFile(var / "stack.pids")
            for name in pid_file.end_leftovers():
                terminal.line(f"ended a {name} that a killed start left behind")
            with Supervisor(terminal, settings.BASE_DIR, pid_file) as stack:
                yield stack
    except (AlreadyRunning, SettingsError, embedded.EmbeddedServerFailed) as error:
        raise StackFailed(str(error)) from None
    except PermissionError as error:
        raise StackFailed(f"{error.filename} is not writable for this user. Run: chmod -R u+rwX {var}") from None


def bring_database_up_to_date(terminal: Terminal) -> None:
    """Apply migrations. Raises StackFailed when the database cannot be used, or is of another version."""
    try:
        connection.ensure_connection()
        call_command("migrate", interactive=False, verbosity=0)
    except DatabaseError as error:
        kind = "SQLite file" if connection.vendor == "sqlite" else "PostgreSQL database"
        where = settings.DATABASES["default"]["NAME"]
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise StackFailed(
            f"the {kind} {where} cannot be used: {reason}\nCheck DATABASE_URL, and this user's rights there."
        ) from None
    except InconsistentMigrationHistory as error:
        raise StackFailed(
            f"the database was made by another version of this program: {error}\n"
            f"Restore the matching version, or (losing its data) move {settings.VAR_DIR} away and start again."
        ) from None
    finally:
        connection.close()
    terminal.line("Database is up to date")


def start_broker(stack: Supervisor, terminal: Terminal) -> None:
    """Start the embedded broker, unless REDIS_URL names another."""
    if settings.REDIS_IS_EMBEDDED:
        stack.start(processes.broker())
    elif not answers(settings.REDIS_URL):
        terminal.line("The server of REDIS_URL does not answer yet; codes wait in the database until it does")


def start_product(stack: Supervisor, bind: str) -> None:
    """Start worker, beat and web server."""
    stack.start(processes.worker())
    stack.start(processes.beat())
    stack.start(processes.web(bind))


def address_for_people(bind: str) -> str:
    """The address to type into a browser on this machine."""
    parts = processes.split_bind(bind)
    if parts is None:
        return bind
    host = "localhost" if parts[0] in ("0.0.0.0", "::") else parts[0]  # noqa: S104 - compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{parts[1]}"
