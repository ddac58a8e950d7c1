"""All settings, from the environment (and a `.env` file beside manage.py).

The names are listed with their defaults in `.env.example`. Secrets may come as files: `SECRET_KEY_FILE`,
`FIELD_ENCRYPTION_KEYS_FILE`, `DATABASE_URL_FILE`, `REDIS_URL_FILE`, `EMAIL_URL_FILE`, `EMAIL_HOST_PASSWORD_FILE`,
`METRICS_TOKEN_FILE`, `OIDC_CLIENT_SECRET_FILE`.
Times are UTC in the database; each property has its own zone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from csp.constants import NONE, SELF

from config import environment as env
from config import logging as logs
from config import paths, private_files, queues, schedule

BASE_DIR = Path(__file__).resolve().parent.parent
env.load_env_file(BASE_DIR / ".env")
os.umask(private_files.UMASK)  # whatever a process writes is for this user alone

# ---- who is running ---------------------------------------------------------------------------------------------
_command = sys.argv[1] if len(sys.argv) > 1 and Path(sys.argv[0]).name in ("manage.py", "__main__.py") else ""
_stack = os.environ.get("TURNKEY_STACK")  # "local": a command of the Makefile, on one machine; "demo": within the demo
# For a person who starts on one machine and has configured nothing yet.
_may_create_secrets = _command in ("run", "demo") or _stack == "local"
# The demo starts itself again with a folder of its own before it touches anything (pins/stack/demo.py).
_is_demo_prelude = _command == "demo" and _stack != "demo"
# These never read or write a stored secret, a session or a signature.
_needs_no_secrets = _command in ("help", "--help", "version", "--version", "makemigrations", "lock_simulator")

VAR_DIR = Path(env.text("TURNKEY_VAR_DIR") or BASE_DIR / "var").absolute()
FILES_FOUND_OPEN = private_files.close_folder(VAR_DIR)  # told by config/checks.py
DEBUG = env.boolean("DEBUG")
MISSING_SECRETS: list[str] = []  # only `manage.py doctor` runs without them, to say what to do


def _secret(name: str, file_name: str, make: Callable[[], str]) -> str:
    """From the environment, else from `var/`, else newly made (only where a person starts on one machine)."""
    kept = VAR_DIR / file_name
    value = env.secret(name) or paths.read_secret(kept)
    if value:
        return value
    if _is_demo_prelude or _needs_no_secrets:
        return make()  # for this process alone
    if DEBUG or _may_create_secrets:
        return paths.kept_secret(kept, make)
    if _command == "doctor":
        MISSING_SECRETS.append(name)
        return make()
    raise env.SettingsError(
        f"{name} is not set. On one machine `make run` makes it in {VAR_DIR}; on a server set it (or {name}_FILE): "
        + (f"make one with {env.KEY_RECIPE}" if "FIELD" in name else "any long random text will do.")
    )


SECRET_KEY = _secret("SECRET_KEY", "secret_key", paths.new_secret_key)
FIELD_ENCRYPTION_KEYS = env.field_keys(_secret("FIELD_ENCRYPTION_KEYS", "field_encryption_keys", paths.new_field_key))

# ---- Tedee, pace and safety -------------------------------------------------------------------------------------
TEDEE_API_URL = env.base_url("TEDEE_API_URL", "https://api.tedee.com/api/v37")
TEDEE_CONTENT_TYPE = env.choice("TEDEE_CONTENT_TYPE", ("application/json", "application/json-patch+json"))
# Accounts that a person connects by logging in at Tedee. It gives a client id on request; without, there are none.
TEDEE_OAUTH_CLIENT_ID = env.printable("TEDEE_OAUTH_CLIENT_ID")
TEDEE_OAUTH_CLIENT_SECRET = env.secret("TEDEE_OAUTH_CLIENT_SECRET")  # empty for a public client
TEDEE_OAUTH_AUTHORIZE_URL, TEDEE_OAUTH_TOKEN_URL = env.tedee_login()
TEDEE_OAUTH_SCOPES = env.text(
    "TEDEE_OAUTH_SCOPES",
    "offline_access https://tedee.onmicrosoft.com/api/user_impersonation "
    "https://tedee.onmicrosoft.com/api/Device.Read https://tedee.onmicrosoft.com/api/Device.ReadWrite",
)
# How long a connection lasts that is not renewed, where Tedee does not say so itself.
TEDEE_OAUTH_REFRESH_DAYS = env.whole_number("TEDEE_OAUTH_REFRESH_DAYS", 14, minimum=1, maximum=366)
TEDEE_RATE_LIMIT = env.whole_number("TEDEE_RATE_LIMIT", 700, minimum=1)  # requests per window and account
TEDEE_RATE_WINDOW = env.whole_number("TEDEE_RATE_WINDOW", 3600, minimum=1)  # seconds
TEDEE_MAX_IN_FLIGHT = env.whole_number("TEDEE_MAX_IN_FLIGHT", 32, minimum=1, maximum=1000)  # requests at one moment
SWEEP_SECONDS = env.whole_number("SWEEP_SECONDS", 15, minimum=1, maximum=3600)
LATE_SECONDS = env.whole_number(
    "LATE_SECONDS", 600, minimum=0, maximum=86_400
)  # how late a lost write may still reach a lock
AUDIT_SECONDS = env.whole_number("AUDIT_SECONDS", 86_400, minimum=1, maximum=2_592_000)  # each lock's list is compared
# How long before check-in a code that is not confirmed opens an incident: a warning first, then urgent.
CODE_WARN_HOURS = env.whole_number("CODE_WARN_HOURS", 24, minimum=1, maximum=720)
CODE_URGENT_HOURS = env.whole_number(
    "CODE_URGENT_HOURS", min(4, CODE_WARN_HOURS), minimum=1, maximum=CODE_WARN_HOURS
)  # the second stage cannot come before the first
FEEDS_ALLOW_PRIVATE_HOSTS = env.boolean("FEEDS_ALLOW_PRIVATE_HOSTS")
FEED_TICK_SECONDS = env.whole_number("FEED_TICK_SECONDS", 30, minimum=1, maximum=3600)  # how often due feeds are sought
FEED_POLL_SECONDS = env.whole_number("FEED_POLL_SECONDS", 0, minimum=0, maximum=86_400)  # 0: as each feed says
FEED_REFETCH_SECONDS = env.whole_number(
    "FEED_REFETCH_SECONDS", 86_400, minimum=1, maximum=864_000
)  # the whole calendar is asked for at least so often, whatever its server says about changes
FEED_USER_AGENT = env.printable("FEED_USER_AGENT")  # empty: Turnkey and its version
FEED_BACKOFF_SECONDS = env.whole_number("FEED_BACKOFF_SECONDS", 21_600, minimum=1, maximum=86_400)  # the longest
FEED_MAX_IN_FLIGHT = env.whole_number("FEED_MAX_IN_FLIGHT", 12, minimum=1, maximum=1000)  # of a worker's threads
FEED_FAILURES_BEFORE_ALERT = env.whole_number("FEED_FAILURES_BEFORE_ALERT", 3, minimum=1, maximum=1000)  # in a row
FEED_STALE_SECONDS = env.whole_number("FEED_STALE_SECONDS", 86_400, minimum=1, maximum=864_000)
FEED_KEEP_DAYS = env.whole_number("FEED_KEEP_DAYS", 90, minimum=1, maximum=3650)  # guests' data of events that are over
GUEST_KEEP_DAYS = env.whole_number("GUEST_KEEP_DAYS", 730, minimum=1, maximum=36_500)  # from check-out: names of guests
HISTORY_KEEP_DAYS = env.whole_number("HISTORY_KEEP_DAYS", 730, minimum=1, maximum=36_500)  # who changed what
# Two good fetches, at least so many seconds apart, must miss a stay before it counts as cancelled.
FEED_CONFIRM_SECONDS = env.whole_number("FEED_CONFIRM_SECONDS", 1800, minimum=0, maximum=86_400)
WEBHOOK_RATE_LIMIT = env.whole_number("WEBHOOK_RATE_LIMIT", 60, minimum=1)  # pushes of one calendar in ten minutes

# ---- notifications ----------------------------------------------------------------------------------------------
NOTIFY_SECONDS = env.whole_number("NOTIFY_SECONDS", 15, minimum=1, maximum=3600)  # how often news are sought and sent
NOTIFY_MAX_IN_FLIGHT = env.whole_number("NOTIFY_MAX_IN_FLIGHT", 4, minimum=1, maximum=100)  # of a worker's threads
PUBLIC_URL = env.optional_base_url("PUBLIC_URL", "https://codes.example.com")  # links in messages begin with it
_mail = env.mail()
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"], _mail["EMAIL_PORT"]  # an empty host: no e-mail is sent
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"], _mail["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail["EMAIL_USE_TLS"], _mail["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = _mail["EMAIL_TIMEOUT"]  # seconds, for each step of the conversation
DEFAULT_FROM_EMAIL = SERVER_EMAIL = _mail["DEFAULT_FROM_EMAIL"]

# ---- monitoring -------------------------------------------------------------------------------------------------
METRICS_TOKEN = env.token("METRICS_TOKEN")  # who asks for /metrics must send it; empty: only this machine may ask

# ---- database and broker ----------------------------------------------------------------------------------------
_database_url = env.secret("DATABASE_URL")
if not _database_url and not _is_demo_prelude and not MISSING_SECRETS:
    paths.private_dir(VAR_DIR)
# How long a thread keeps its connection. 0: no longer than a task or a page.
DATABASE_KEEP_SECONDS = env.whole_number("DATABASE_KEEP_SECONDS", 600, minimum=0, maximum=86_400)
DATABASES = {
    "default": env.database(
        _database_url or f"sqlite:///{VAR_DIR / 'turnkey.sqlite3'}", keep_seconds=DATABASE_KEEP_SECONDS
    )
}
FILES_FOUND_OPEN += private_files.close_database(DATABASES["default"])
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_redis_url = env.secret("REDIS_URL")
REDIS_IS_EMBEDDED = not _redis_url  # then `manage.py run` and `demo` start a server on this socket
REDIS_URL = env.redis(_redis_url or f"unix://{paths.socket_path(VAR_DIR)}")

# ---- Celery (read by config/celery.py) --------------------------------------------------------------------------
CELERY_BROKER_URL = env.broker(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # kombu waits forever by default. Saving a booking in the admin must not wait for a broker that hangs: one try, two
    # seconds at most; the sweep finds the work in the database. (A worker blocks for one second at a time.)
    "socket_connect_timeout": 2,
    "socket_timeout": 2,
    "retry_on_timeout": False,
    "max_retries": 0,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "visibility_timeout": 3600,  # far above the longest task and the longest countdown
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker outlives any outage of the broker
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_QUEUES = queues.QUEUES  # a worker without -Q takes them all
CELERY_TASK_DEFAULT_QUEUE = queues.DOORS
CELERY_TASK_ROUTES = queues.ROUTES
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_RESULT_BACKEND = None
CELERY_WORKER_POOL = "threads"  # a request is mostly waiting, and has its own total deadline
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
# Threads cannot be cancelled; every task is safe to run twice, so a redelivery does no harm.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
# Celery would close each connection after each task. Never, and `config.celery` closes what is old or broken.
CELERY_DB_REUSE_MAX = sys.maxsize
CELERY_BEAT_SCHEDULER = "config.beat:LeadingScheduler"  # any number of beats: one sends, the others stand by
CELERY_BEAT_SYNC_EVERY = 1  # ticks: who takes over reads in the database when each task was last sent
CELERY_BEAT_MAX_LOOP_INTERVAL = 5  # seconds; how soon beat sees a change made in the admin
CELERY_BEAT_SCHEDULE = schedule.beat_entries(
    sweep_seconds=SWEEP_SECONDS, feed_tick_seconds=FEED_TICK_SECONDS, notify_seconds=NOTIFY_SECONDS
)
DJANGO_CELERY_BEAT_TZ_AWARE = True
# Slow work has threads of its own, and rooms that keep it within them (rentals/tasks.py, pins/tasks.py), and each
# periodic task has one: whatever hangs, as many threads as ever are there for the doors. A thread begins when needed.
CELERY_WORKER_CONCURRENCY = TEDEE_MAX_IN_FLIGHT + FEED_MAX_IN_FLIGHT + NOTIFY_MAX_IN_FLIGHT + len(CELERY_BEAT_SCHEDULE)

# ---- web --------------------------------------------------------------------------------------------------------
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
HTTPS_ONLY = env.boolean("HTTPS_ONLY")

SECURE_SSL_REDIRECT = HTTPS_ONLY
# The container runtime and Prometheus ask them from inside, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS_ONLY else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
SESSION_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# All that a page loads is a file of this site. No script or style stands within a page, so what somebody smuggles into
# one is not run.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": (NONE,),
        **dict.fromkeys(("script-src", "style-src", "img-src", "connect-src", "form-action"), (SELF,)),
        **dict.fromkeys(("base-uri", "frame-ancestors"), (NONE,)),
    }
}
# HSTS for subdomains and browsers' preload lists would concern hosts that are not ours.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

INSTALLED_APPS = [
    "config.admin_site.TurnkeyAdminConfig",  # django.contrib.admin with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "config.admin_site.TimetableConfig",  # django_celery_beat
    "import_export",
    "config",
    "config.people",
    "rentals",
    "pins",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",  # above the files, which are sent without what is below
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.people.language.languages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.people.sessions.idle_sessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "pins.actions.wake_together.wake_together",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],  # searched before the admin's own, which these extend
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.people.language.offered",
            ],
        },
    },
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "CommonPasswordValidator", "NumericPasswordValidator")
] + [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    }
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "home"  # also for a `next` that leads away from this site
SESSION_IDLE_HOURS = env.whole_number("SESSION_IDLE_HOURS", 12, minimum=1, maximum=720)  # then people log in again
SESSION_COOKIE_AGE = SESSION_IDLE_HOURS * 3600
PASSWORD_RESET_TIMEOUT = env.whole_number("PASSWORD_LINK_HOURS", 24, minimum=1, maximum=168) * 3600
# 1: who has no second step yet is led to the page that switches it on, and nowhere else.
SECOND_STEP_REQUIRED = env.boolean("SECOND_STEP_REQUIRED")
# An OpenID Connect provider through which people may log in; empty: none.
OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET = env.provider()
OIDC_NAME = env.text("OIDC_NAME", "single sign-on")  # on the login page
OIDC_SCOPES = env.text("OIDC_SCOPES", "openid email profile")
OIDC_GROUPS_CLAIM = env.text("OIDC_GROUPS_CLAIM", "groups")
# Then the provider is asked again whether it still lets the person in.
OIDC_SESSION_HOURS = env.whole_number("OIDC_SESSION_HOURS", 12, minimum=1, maximum=720)
OIDC_GROUPS = env.pairs("OIDC_GROUPS")  # (their group, our group)
# Proxies whose word about the client's address is taken: addresses, networks, `unix` for a socket.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
STATIC_URL = "static/"
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True  # serves files from where they are, without collectstatic
WHITENOISE_AUTOREFRESH = DEBUG

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("pl", "Polski")]  # of people with an account; guests choose among more
LANGUAGE_COOKIE_NAME = "turnkey_language"
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# ---- logs -------------------------------------------------------------------------------------------------------
LOGGING = logs.configuration(
    level=env.text("LOG_LEVEL", "INFO").upper(),
    as_json=env.boolean("LOG_JSON"),
)
