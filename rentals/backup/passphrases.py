"""Where a passphrase comes from: a file. On a command line everybody on the machine could read it."""

from __future__ import annotations

from pathlib import Path

from rentals.backup.envelope import LEAST_PASSPHRASE, BackupError


def passphrase_in(name: str, *, is_new: bool = False) -> str:
    """The passphrase in the file, without white space around it; empty without a file.

    Raises `BackupError` when it cannot be read, and for a new backup when it is too short.
    """
    if not name:
        return ""
    try:
        found = Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(f"The passphrase file {name} cannot be read ({type(error).__name__}).") from None
    if not found or (is_new and len(found) < LEAST_PASSPHRASE):
        raise BackupError(
            f"The passphrase in {name} is too short. Use at least {LEAST_PASSPHRASE} characters; whoever has the file "
            "can try as many as they like."
        )
    return found
