"""The private folder `var/`, the secrets that are kept there, and the socket of the embedded server.

Everything in it belongs to one user (folders 0700, files 0600). It is created only when something needs it: a container
that gets all its settings from outside runs on a read-only file system.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet

from config.environment import SettingsError

# sun_path holds 108 bytes on Linux and 104 on macOS, with a closing zero.
SOCKET_PATH_LIMIT = 100
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/-]+")


def private_dir(path: Path) -> Path:
    """Create `path` and its parents for this user alone, or close one that is open to others.

    Raises SettingsError when it cannot be made or written, is a link, or belongs to somebody else.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = path.lstat()
    except OSError as error:
        raise SettingsError(
            f"the folder {path} cannot be created ({error.strerror}). Make its parent writable for this user, "
            "or set TURNKEY_VAR_DIR to a folder that is."
        ) from None
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
        raise SettingsError(
            f"{path} is a link or belongs to another user. Remove it, or set TURNKEY_VAR_DIR to a folder of your own."
        )
    if not os.access(path, os.W_OK | os.X_OK):
        raise SettingsError(f"the folder {path} is not writable. Run: chmod u+rwx {path}")
    if facts.st_mode & 0o077:
        path.chmod(stat.S_IMODE(facts.st_mode) & ~0o077)
    return path


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """The secret in `path`, made by `make` on the first call. Raises SettingsError when it cannot be written or read.

    Several processes may come here at once. Each writes a file of its own and links it to the final name; only the
    first link succeeds. Then all of them read the same complete file.
    """
    if not path.exists():
        private_dir(path.parent)
        try:
            handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(make() + "\n")
                os.link(draft, path)
            except FileExistsError:
                pass  # another process was first
            finally:
                Path(draft).unlink()
        except OSError as error:
            raise SettingsError(f"{path} cannot be written ({error.strerror}). Make its folder writable.") from None
    return read_secret(path)


def read_secret(path: Path) -> str:
    """The secret in `path`; empty when there is no such file. Raises SettingsError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({type(error).__name__}). Run: chmod u+r {path}") from None


def new_secret_key() -> str:
    return secrets.token_urlsafe(64)


def new_field_key() -> str:
    return Fernet.generate_key().decode("ascii")


def socket_path(var_dir: Path) -> Path:
    """Where the embedded server listens, by default within `var_dir`; the folder is not created here.

    If that path is too long for a unix socket, or would need quoting in a URL, a folder in the runtime or temporary
    directory is used. It is named after user and `var_dir`, so that every process finds the same one.
    """
    path = var_dir / "redis" / "server.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT and _PLAIN_PATH.fullmatch(str(path)):
        return path
    digest = hashlib.sha256(os.fsencode(var_dir)).hexdigest()[:16]
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108 - private_dir guards it
        if base and Path(base).is_absolute() and _PLAIN_PATH.fullmatch(base):
            path = Path(base) / f"turnkey-{os.getuid()}-{digest}" / "server.sock"
            if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
                return path
    raise SettingsError(
        "no folder has a path short enough for a unix socket. Set REDIS_URL, or TMPDIR to a short path."
    )
