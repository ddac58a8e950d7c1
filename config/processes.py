"""Which process this is, in words that another process can check later."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final

_SEPARATOR: Final = "|"


def this_process() -> str:
    """Machine and process, as `is_gone` reads them; "" where the system does not tell (no /proc)."""
    place, began = _place(), _began(os.getpid())
    return _SEPARATOR.join([*place, str(os.getpid()), began]) if place and began else ""


def host_of(process: str) -> str:
    """The host name in what `this_process` wrote, for people."""
    return process.partition(_SEPARATOR)[0]


def is_gone(process: str) -> bool:
    """Whether the process that `this_process` described ran in this very place and has ended.

    False wherever that cannot be known: on another machine, in another container, or without /proc. A process id alone
    would not do: after a container restarts, the same number belongs to the same program again.
    """
    *place, number, began = process.split(_SEPARATOR) if process else ("", "")
    if not began or place != _place():
        return False
    if _began(int(number)):
        return _began(int(number)) != began
    try:  # it may be hidden from this user
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _is_zombie(int(number))


def _place() -> list[str]:
    """The host, this boot of its kernel, and the space in which process ids count (a container has its own)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return []
    return [socket.gethostname().replace(_SEPARATOR, "")[:100], boot, space]


def _began(pid: int) -> str:
    """When a living process began, in clock ticks since the boot (proc(5), field 22); "" if none can be seen."""
    fields = _stat(pid)
    return fields[19] if fields and fields[0] not in "ZX" else ""


def _is_zombie(pid: int) -> bool:
    return _stat(pid)[:1] in (["Z"], ["X"])


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may itself hold spaces and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
