"""Children that end with their parent, however it ends.

On Linux the kernel sends a signal to a child when the thread that started it dies (`PR_SET_PDEATHSIG`): even
`kill -9` of the supervisor leaves nothing behind. Elsewhere the pid files in `var/` let the next start clean up.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def end_with_parent(death_signal: signal.Signals = signal.SIGTERM) -> Callable[[], None] | None:
    """A `preexec_fn` for `subprocess.Popen`, or None where the system has no such signal.

    Everything is looked up before the fork: between fork and exec only system calls are safe.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the line above
            os._exit(1)

    return in_child
