"""Files with secrets are for one user alone: folders 0700, files 0600, whatever the umask and whoever made them.

Every process that reads the settings sets its umask, so that new files are private from their first byte, and closes
what it finds open: `var/` with what lies in it, and the SQLite file with its journals. What was open is told by a
system check (`config.checks`), at every start and by `manage.py doctor`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

UMASK: Final = 0o077
_OTHERS: Final = 0o077
#: Folders within `var/` that are ours; others (an image that was built there) are behind the door of `var/` itself.
_OURS: Final = ("redis", "demo", "demo/redis")
#: What SQLite keeps beside its file: they hold its newest content.
_BESIDE: Final = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Found:
    """A file or folder that others could read or write."""

    path: Path
    mode: int  # as it was
    is_closed: bool  # now; False: it belongs to another user


def close_folder(var_dir: Path) -> list[Found]:
    """Take the rights of others away from `var/` and what lies in it. Returns what was open."""
    return _closed(_in(var_dir))


def close_database(database: dict[str, Any]) -> list[Found]:
    """The same for an SQLite file and its journals, wherever they are."""
    name = str(database.get("NAME", ""))
    if not str(database.get("ENGINE", "")).endswith("sqlite3") or name == ":memory:":
        return []
    return _closed(Path(name + end) for end in ("", *_BESIDE))


def _closed(paths: Iterable[Path]) -> list[Found]:
    found = []
    for path in paths:
        try:
            facts = path.lstat()
        except OSError:
            continue
        # A socket is behind the door of its folder, and a link has no rights of its own.
        if (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)) and facts.st_mode & _OTHERS:
            mode = stat.S_IMODE(facts.st_mode)
            found.append(Found(path, mode, _close(path, mode)))
    return found


def _in(var_dir: Path) -> Iterator[Path]:
    for folder in (var_dir, *(var_dir / name for name in _OURS)):
        if folder.is_symlink() or not folder.is_dir():
            continue
        yield folder
        try:
            yield from sorted(path for path in folder.iterdir() if not path.is_dir())
        except OSError:
            continue  # not ours


def _close(path: Path, mode: int) -> bool:
    try:
        # Not through a link that somebody put there since we looked.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        os.fchmod(handle, mode & ~_OTHERS)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
