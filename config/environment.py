"""Typed readers of environment variables.

A mistake in the environment is the operator's, not the program's. Every reader raises `SettingsError`: it names the
variable, says how to fix it, never shows a secret, and reaches the terminal as one line instead of a traceback.
A secret `NAME` may also be given as `NAME_FILE`, the path of a file that holds it (Docker and systemd secrets).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

KEY_RECIPE = (
    "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"  # shown, never run
)
DATABASE_SCHEMES = ("sqlite", "postgres", "postgresql", "psql", "pgsql")
REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+socket")


class SettingsError(ImproperlyConfigured):
    """A variable of the environment is missing or malformed; the message names it and the remedy."""


def _print_settings_errors_plainly() -> None:
    """Print an uncaught `SettingsError` as one line; leave every other exception to the previous hook."""
    previous = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, SettingsError):
            print(f"Turnkey cannot start: {error}", file=sys.stderr)
        else:
            previous(kind, error, trace)

    sys.excepthook = hook


_print_settings_errors_plainly()


def load_env_file(path: Path) -> None:
    """Read `NAME=value` lines of a `.env` file, if it exists; variables that are already set win.

    `TURNKEY_ENV_FILE` names another file; if it is set but empty, no file is read (tests do this).
    """
    named = os.environ.get("TURNKEY_ENV_FILE")
    if named == "":
        return
    chosen = Path(named) if named else path
    if chosen.is_file():
        environ.Env.read_env(str(chosen))
    elif named:
        raise SettingsError(f"TURNKEY_ENV_FILE names {named}, which is not a file. Correct the path or unset it.")


def text(name: str, default: str = "") -> str:
    """The variable, without surrounding white space; `default` when it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def secret(name: str) -> str:
    """The value of `NAME`, or the content of the file that `NAME_FILE` names; empty when neither is set."""
    value, file_name = text(name), text(f"{name}_FILE")
    if not file_name:
        return value
    if value:
        raise SettingsError(f"{name} and {name}_FILE are both set. Keep one of them.")
    try:
        content = Path(file_name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        # The error's own text may quote the content; its class is enough to fix the path or the permission.
        raise SettingsError(
            f"{name}_FILE names {file_name}, which cannot be read ({type(error).__name__}). "
            "Correct the path or its permissions."
        ) from None
    if not content:
        raise SettingsError(f"{name}_FILE names {file_name}, which is empty. Write the secret into it.")
    return content


def token(name: str) -> str:
    """A secret that a program sends in a header: at least 16 printable ASCII characters, no spaces; or empty."""
    value = secret(name)
    if value and not re.fullmatch(r"[!-~]{16,}", value):
        raise SettingsError(
            f"{name} must be at least 16 characters from the keyboard, without spaces or letters with accents. "
            "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return value


def boolean(name: str, *, default: bool = False) -> bool:
    """1, true, yes, on or 0, false, no, off, in any case."""
    value = text(name).lower()
    if not value:
        return default
    if value in ("1", "true", "yes", "on", "y", "t"):
        return True
    if value in ("0", "false", "no", "off", "n", "f"):
        return False
    raise SettingsError(f"{name} is {value!r}. Use 1 or 0 (true or false).")


def whole_number(name: str, default: int, *, minimum: int, maximum: int = 1_000_000) -> int:
    """A whole number within [minimum, maximum]."""
    value = text(name)
    if not value:
        return default
    # int() also accepts "1_0" and digits of other scripts; a typing mistake must not pass as a number.
    if not re.fullmatch(r"[+-]?[0-9]+", value):
        raise SettingsError(f"{name} is {value!r}, which is not a whole number. Example: {name}={default}")
    number = int(value)
    if not minimum <= number <= maximum:
        raise SettingsError(f"{name} is {number}. Choose a number from {minimum} to {maximum}, such as {default}.")
    return number


def choice(name: str, options: Sequence[str]) -> str:
    """One of the options, in any case; the first when the variable is unset."""
    value = text(name, options[0]).lower()
    if value not in options:
        raise SettingsError(f"{name} is {value!r}. Choose one of: {', '.join(options)}.")
    return value


def printable(name: str, *, most: int = 255) -> str:
    """One line of at most `most` printable ASCII characters, as a header of a request may hold; empty when unset."""
    value = text(name)
    if len(value) > most or not re.fullmatch(r"[ -~]*", value):
        raise SettingsError(f"{name} may have at most {most} characters, all of them printable ASCII, on one line.")
    return value


def names(name: str, default: str = "") -> list[str]:
    """A comma-separated list without empty parts."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def pairs(name: str) -> tuple[tuple[str, str], ...]:
    """A comma-separated list of `theirs=ours`."""
    found = [part.rpartition("=") for part in names(name)]
    if not all(left.strip() and right.strip() for left, _, right in found):
        raise SettingsError(f"{name} is a list such as front-desk=operator, managers=administrator.")
    return tuple((left.strip(), right.strip()) for left, _, right in found)


def provider() -> tuple[str, str, str]:
    """Issuer, client id and secret of an OpenID Connect provider: all of them, or none."""
    issuer, client, key = text("OIDC_ISSUER"), text("OIDC_CLIENT_ID"), secret("OIDC_CLIENT_SECRET")
    if not issuer and not client and not key:
        return "", "", ""
    if not (issuer and client and key):
        raise SettingsError("OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET belong together. Set all or none.")
    base_url("OIDC_ISSUER", "https://login.example.com/realms/house")
    if urlsplit(issuer).scheme != "https" and urlsplit(issuer).hostname not in ("127.0.0.1", "::1", "localhost"):
        raise SettingsError("OIDC_ISSUER must begin with https://, unless the provider is on this machine.")
    return issuer, client, key


def networks(name: str) -> tuple[str, ...]:
    """Comma-separated addresses and networks, such as `127.0.0.1, 10.0.0.0/8`; `unix` means a local socket."""
    values = tuple(names(name))
    for value in values:
        try:
            _ = value == "unix" or ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise SettingsError(
                f"{name} holds {value!r}. Write addresses or networks, such as 127.0.0.1, 10.0.0.0/8, or unix."
            ) from None
    return values


def origins(name: str) -> list[str]:
    """Comma-separated origins such as `https://codes.example.com`: scheme and host, nothing more."""
    values = names(name)
    for value in values:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
            raise SettingsError(f"{name} holds {value!r}. Write scheme and host, such as https://codes.example.com")
    return values


def base_url(name: str, default: str) -> str:
    """An http(s) URL without user, query or trailing slash."""
    value = text(name, default).rstrip("/")
    try:
        parts = urlsplit(value)
        bad = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
        bad = bad or "@" in parts.netloc or bool(parts.query) or bool(parts.fragment)
    except ValueError:
        bad = True
    if bad:
        raise SettingsError(
            f"{name} is not a usable address. Write http(s)://host[:port]/path without user, query or fragment, "
            f"such as {default}"
        )
    return value


def tedee_login() -> tuple[str, str]:
    """Where people log in at Tedee, and where its tokens come from: by https, unless both are on this machine."""
    place = "https://tedee.b2clogin.com/tedee.onmicrosoft.com/B2C_1A_Signup_Signin_With_Kmsi/oauth2/v2.0"
    found = []
    for name, last in (("TEDEE_OAUTH_AUTHORIZE_URL", "authorize"), ("TEDEE_OAUTH_TOKEN_URL", "token")):
        url = base_url(name, f"{place}/{last}")
        if urlsplit(url).scheme != "https" and urlsplit(url).hostname not in ("127.0.0.1", "::1", "localhost"):
            raise SettingsError(f"{name} must begin with https://, unless the server is on this machine.")
        found.append(url)
    return found[0], found[1]


def optional_base_url(name: str, example: str) -> str:
    """Like `base_url`, but empty when the variable is unset."""
    return base_url(name, example) if text(name) else ""


def mail() -> dict[str, Any]:
    """Django's EMAIL_* settings, from `EMAIL_URL` or from the usual single variables.

    Without either of them `EMAIL_HOST` is empty: no e-mail is sent, and an e-mail channel says so. `EMAIL_URL` and
    `EMAIL_HOST_PASSWORD` are secrets and may come as files.
    """
    url, host = secret("EMAIL_URL"), text("EMAIL_HOST")
    if url and host:
        raise SettingsError("EMAIL_URL and EMAIL_HOST are both set. Keep one of them.")
    found = _mail_from_url(url) if url else _mail_from_names(host)
    sender = text("EMAIL_FROM", "Turnkey <turnkey@localhost>")
    if "@" not in sender or not sender.isprintable():
        raise SettingsError("EMAIL_FROM is not an address. Write it like this: Turnkey <codes@example.com>")
    return {
        **found,
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_TIMEOUT": whole_number("EMAIL_TIMEOUT", 15, minimum=1, maximum=60),
        "DEFAULT_FROM_EMAIL": sender,
    }


def _mail_from_names(host: str) -> dict[str, Any]:
    tls, ssl = boolean("EMAIL_USE_TLS"), boolean("EMAIL_USE_SSL")
    if tls and ssl:
        raise SettingsError("EMAIL_USE_TLS (STARTTLS) and EMAIL_USE_SSL exclude each other. Keep one of them.")
    usual = 465 if ssl else 587 if tls else 25
    return {
        "EMAIL_HOST": host,
        "EMAIL_PORT": whole_number("EMAIL_PORT", usual, minimum=1, maximum=65_535),
        "EMAIL_HOST_USER": text("EMAIL_HOST_USER"),
        "EMAIL_HOST_PASSWORD": secret("EMAIL_HOST_PASSWORD"),
        "EMAIL_USE_TLS": tls,
        "EMAIL_USE_SSL": ssl,
    }


def _mail_from_url(url: str) -> dict[str, Any]:
    """`smtp+tls://user:password@host:587`; also `smtps://` and `smtp+ssl://` (TLS from the first byte), `smtp://`."""
    ports = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465, "smtps": 465}
    try:
        parts = urlsplit(url)
        port = parts.port
        usable = parts.scheme in ports and bool(parts.hostname) and port != 0
        usable = usable and not (parts.path.strip("/") or parts.query or parts.fragment)
    except ValueError:
        usable, port = False, None
    if not usable:
        # The address holds a password and is not repeated.
        raise SettingsError(
            "EMAIL_URL cannot be read. Write smtp+tls://user:password@host:587 (or smtps://, smtp://), and "
            "percent-encode special characters of user and password."
        )
    return {
        "EMAIL_HOST": parts.hostname or "",
        "EMAIL_PORT": port or ports[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme in ("smtps", "smtp+ssl"),
    }


#: For so many seconds a process may pause in a transaction. Then PostgreSQL ends it, and with it the hold on its rows:
#: a process that hangs, or whose machine vanished, must not stop all others. Less than a lease on a lock.
LONGEST_PAUSE: Final = 30


def database(value: str, *, keep_seconds: int = 0) -> dict[str, Any]:
    """Django's dictionary for a `DATABASE_URL`: SQLite or PostgreSQL (psycopg 3). A thread keeps its connection for
    `keep_seconds`, and asks before each task or page whether it still works. `options` of the URL stand for ours, also
    when they are empty."""
    scheme = value.partition("://")[0]
    if scheme not in DATABASE_SCHEMES:
        raise SettingsError(
            "DATABASE_URL must begin with sqlite:/// or postgres://, such as postgres://user:password@host:5432/turnkey"
        )
    try:
        config: dict[str, Any] = dict(environ.Env.db_url_config(value))
    except (ValueError, KeyError) as error:
        # The message of the parser may quote the password.
        raise SettingsError(
            f"DATABASE_URL cannot be read ({type(error).__name__}). Percent-encode special characters of the password."
        ) from None
    if not config.get("NAME"):
        raise SettingsError("DATABASE_URL names no database. Example: postgres://user:password@host:5432/turnkey")
    options: dict[str, Any] = dict(config.get("OPTIONS") or {})
    if scheme == "sqlite":
        # Without IMMEDIATE a transaction that begins by reading cannot wait for another writer: it fails at once with
        # "database is locked".
        options["transaction_mode"] = "IMMEDIATE"
        options.setdefault("timeout", 20)
        options["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
    else:
        config["ENGINE"] = "django.db.backends.postgresql"
        options.setdefault("connect_timeout", 5)
        if "options" not in parse_qs(urlsplit(value).query, keep_blank_values=True):
            options["options"] = f"-c idle_in_transaction_session_timeout={LONGEST_PAUSE}s"
    kept = {"CONN_MAX_AGE": keep_seconds, "CONN_HEALTH_CHECKS": keep_seconds > 0}
    return config | kept | {"OPTIONS": options, "ATOMIC_REQUESTS": False}


def redis(value: str) -> str:
    """The address, checked, in redis-py's spelling (`unix://` for sockets)."""
    scheme = value.partition("://")[0]
    if "://" not in value or scheme not in REDIS_SCHEMES:
        raise SettingsError("REDIS_URL must look like redis://[:password@]host:6379/0 or unix:///path/of.sock")
    try:
        parts = urlsplit(value)
        usable = bool(parts.path) if scheme in ("unix", "redis+socket") else bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError("REDIS_URL is malformed. Example: redis://localhost:6379/0 or unix:///run/redis.sock")
    return "unix://" + value.partition("://")[2] if scheme == "redis+socket" else value


def broker(redis_url: str) -> str:
    """The same address in Celery's spelling: kombu writes `redis+socket://` where redis-py writes `unix://`.

    Both name the database of a socket in the query, but with different parameters.
    """
    if not redis_url.startswith("unix://"):
        return redis_url
    return "redis+socket://" + redis_url.removeprefix("unix://").replace("?db=", "?virtual_host=")


def field_keys(value: str) -> list[str]:
    """Comma-separated Fernet keys: the first one encrypts, every one decrypts."""
    keys = [part.strip() for part in value.split(",") if part.strip()]
    if not keys:
        raise SettingsError(f"FIELD_ENCRYPTION_KEYS holds no key. Make one with: {KEY_RECIPE}")
    for position, key in enumerate(keys, start=1):
        try:
            raw = base64.b64decode(key.encode("ascii"), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raw = b""
        if len(raw) != 32:
            raise SettingsError(
                f"FIELD_ENCRYPTION_KEYS: key {position} of {len(keys)} is not a Fernet key "
                f"(32 bytes in url-safe base64, 44 characters). Make one with: {KEY_RECIPE}"
            )
    return keys
