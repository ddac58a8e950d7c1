"""What every test stands on: settings of its own, no network, real servers.

Nothing of the caller's environment leaks in: each variable that the settings read is fixed or removed here, before
Django is set up. `TEST_DATABASE_URL` runs the suite on PostgreSQL; the default is an SQLite file.
`TURNKEY_REQUIRE_ALL=1` turns "server not installed" from a loud skip into a failure.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet

from tests.support import migrated

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

_MEMORY = Path("/dev/shm")
# Where it can, the database of the tests lies in memory: it is made and emptied often, and no test needs a disk.
_VAR_DIR = Path(tempfile.mkdtemp(prefix="turnkey-tests-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None))
# Workers of pytest-xdist inherit the folder of their controller, and the judges of a mutant that of their runner.
os.environ.setdefault(migrated.FOLDER, str(_VAR_DIR))
_OWN = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "TURNKEY_ENV_FILE": "",
    "TURNKEY_VAR_DIR": str(_VAR_DIR),
    "SECRET_KEY": "only-for-tests-" + "x" * 50,
    "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode("ascii"),
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL") or f"sqlite:///{_VAR_DIR / 'turnkey.sqlite3'}",
    # Nothing listens there: a test that needs a broker asks for `redis_url`.
    "REDIS_URL": f"unix://{_VAR_DIR / 'nobody.sock'}",
    "TEDEE_API_URL": "http://127.0.0.1:9/api/v37",
}
_UNSET = [
    "DEBUG",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "SECRET_KEY_FILE",
    "FIELD_ENCRYPTION_KEYS_FILE",
    "DATABASE_URL_FILE",
    "DATABASE_KEEP_SECONDS",
    "REDIS_URL_FILE",
    "TEDEE_CONTENT_TYPE",
    "TEDEE_RATE_LIMIT",
    "TEDEE_RATE_WINDOW",
    "SWEEP_SECONDS",
    "TEDEE_MAX_IN_FLIGHT",
    "LATE_SECONDS",
    "AUDIT_SECONDS",
    "CODE_WARN_HOURS",
    "CODE_URGENT_HOURS",
    "FEEDS_ALLOW_PRIVATE_HOSTS",
    "FEED_TICK_SECONDS",
    "FEED_POLL_SECONDS",
    "FEED_REFETCH_SECONDS",
    "FEED_USER_AGENT",
    "FEED_BACKOFF_SECONDS",
    "FEED_MAX_IN_FLIGHT",
    "FEED_FAILURES_BEFORE_ALERT",
    "FEED_STALE_SECONDS",
    "FEED_KEEP_DAYS",
    "GUEST_KEEP_DAYS",
    "HISTORY_KEEP_DAYS",
    "FEED_CONFIRM_SECONDS",
    "WEBHOOK_RATE_LIMIT",
    "NOTIFY_SECONDS",
    "NOTIFY_MAX_IN_FLIGHT",
    "PUBLIC_URL",
    "EMAIL_URL",
    "EMAIL_URL_FILE",
    "EMAIL_HOST",
    "EMAIL_PORT",
    "EMAIL_HOST_USER",
    "EMAIL_HOST_PASSWORD",
    "EMAIL_HOST_PASSWORD_FILE",
    "EMAIL_USE_TLS",
    "EMAIL_USE_SSL",
    "EMAIL_FROM",
    "EMAIL_TIMEOUT",
    "METRICS_TOKEN",
    "TRUSTED_PROXIES",
    "SESSION_IDLE_HOURS",
    "PASSWORD_LINK_HOURS",
    "SECOND_STEP_REQUIRED",
    "OIDC_ISSUER",
    "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET",
    "OIDC_CLIENT_SECRET_FILE",
    "OIDC_NAME",
    "OIDC_SESSION_HOURS",
    "OIDC_SCOPES",
    "OIDC_GROUPS",
    "OIDC_GROUPS_CLAIM",
    "METRICS_TOKEN_FILE",
    "HTTPS_ONLY",
    "LOG_LEVEL",
    "LOG_JSON",
    "TURNKEY_STACK",
]
os.environ.update(_OWN)
for _name in _UNSET:
    os.environ.pop(_name, None)


def pytest_configure(config: pytest.Config) -> None:
    from django.conf import settings

    # No test is about the strength of stored passwords, and the strong kind takes a quarter of a second each.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Tests move the clock by days, and whoever was logged in goes on.
    settings.SESSION_COOKIE_AGE = 60 * 86_400
    # Each test client builds the middleware anew. Without this, each would list all static files first.
    settings.WHITENOISE_AUTOREFRESH = True
    # pytest-django sets Django up when the settings have been read by now; asking for one reads them.
    settings.DATABASES  # noqa: B018
    sqlite = settings.DATABASES["default"]
    if sqlite["ENGINE"].endswith("sqlite3"):
        # A file, not SQLite's shared memory: locking and WAL as in production.
        sqlite.setdefault("TEST", {})["NAME"] = str(_VAR_DIR / "test.sqlite3")


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(_VAR_DIR, ignore_errors=True)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was imported and collected stays to the end: the collector of garbage need not look at it again.

    Queries of the ORM are many short-lived objects in circles: looking for them as often as usual takes a tenth of the
    tests' time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist there is no such hook
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """More workers than cores: those with chains of processes mostly wait. On two cores four left 44 % of them idle."""
    return 2 * (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)  # after the order was shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first, then what takes many seconds, so that nothing is waited for at the end."""
    slowest_first = ("chaos", "real_processes", "slow")
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in slowest_first])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Our own way of sharing out tests, unless `--dist` asks for another one."""
    if config.getoption("dist") != "load":
        return None
    from tests.support.scheduling import Scheduling

    return Scheduling(config, log)


_missing_servers: list[str] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist hands over what it could not test; only the controller has a terminal."""
    handed_over = getattr(session.config, "workeroutput", None)
    if handed_over is not None:
        handed_over["missing_servers"] = _missing_servers


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for line in getattr(node, "workeroutput", {}).get("missing_servers", []):
        if line not in _missing_servers:
            _missing_servers.append(line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in _missing_servers:
        terminalreporter.write_line(f"NOT TESTED: {line}", red=True, bold=True)


def _missing(what: str, *, may_be_required: bool = True) -> None:
    """Fail where everything is required, else skip and say so again at the very end."""
    if may_be_required and os.environ.get("TURNKEY_REQUIRE_ALL") == "1":
        pytest.fail(f"{what}, and TURNKEY_REQUIRE_ALL=1")
    if what not in _missing_servers:
        _missing_servers.append(what)
    pytest.skip(what)


@pytest.fixture(scope="session", autouse=True)
def _closed_network() -> Iterator[None]:
    from tests.support.network import closed_network

    with closed_network():
        yield


@pytest.fixture(scope="session")
def django_db_keepdb(
    request: pytest.FixtureRequest, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> bool:
    """On SQLite the database of this process begins as a copy of a migrated one, and ends with its folder."""
    from django.db import connection

    if connection.vendor != "sqlite":
        return bool(request.config.getvalue("reuse_db"))

    def migrate() -> None:
        with django_db_blocker.unblock():
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            connection.close()

    migrated.put(Path(connection.settings_dict["TEST"]["NAME"]), migrate)
    return True


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis-compatible server on a unix socket, for the whole session (`unix://...`)."""
    from tests.support.embedded_server import EmbeddedServer

    folder = Path(tempfile.mkdtemp(prefix="turnkey-redis-"))
    with EmbeddedServer(folder / "server.sock") as server:
        yield server.url
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A fresh PostgreSQL server, for the whole session (`postgres://...`)."""
    from tests.support.postgres import TemporaryPostgres, find_binaries

    binaries = find_binaries()
    if binaries is None:
        _missing("PostgreSQL is not installed (initdb was not found): its tests did not run")
        raise AssertionError  # _missing never returns
    with TemporaryPostgres(binaries) as url:
        yield url


@pytest.fixture
def postgres_database_url(postgres_url: str) -> Iterator[str]:
    """A new database on PostgreSQL."""
    import psycopg

    name = f"stack_{secrets.token_hex(4)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgres_url.rpartition("/")[0] + f"/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def image_folder() -> Path:
    """Where `.ci/image` has built and mounted the image; required where that is possible."""
    folder = os.environ.get("TURNKEY_IMAGE")
    if not folder:
        _missing(
            "The image was not built (.ci/image; then TURNKEY_IMAGE=var/image): nobody started its processes",
            may_be_required=os.getuid() == 0 and None not in map(shutil.which, ("buildah", "debootstrap", "unshare")),
        )
        raise AssertionError  # _missing never returns
    return Path(folder)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's Chromium, once it is certain that Playwright can drive it."""
    path = shutil.which("chromium")
    if path is None:
        _missing("Chromium is not installed: the tests of the pages did not run")
    elif importlib.util.find_spec("playwright") is None:
        _missing("Playwright is not installed: the tests of the pages did not run")
    else:
        return path
    raise AssertionError  # _missing never returns


@pytest.fixture(scope="session")
def promtool() -> str:
    """The path of Prometheus' own tool (Debian: `prometheus`), which reads and tries alert rules."""
    path = shutil.which("promtool")
    if path is not None:
        return path
    _missing("promtool is not installed: Prometheus did not read the alert rules")
    raise AssertionError  # _missing never returns


@pytest.fixture(scope="session")
def axe_script() -> Path:
    """The path of axe-core's script, which `make axe` fetches. Like the corpus it is used when it is there."""
    from tests.corpus.fetch_axe import SCRIPT

    if not SCRIPT.exists():
        _missing("axe-core was not fetched (make axe): nobody looked for barriers on the pages", may_be_required=False)
    return SCRIPT
