"""Fetch the calendars that the tests of `icalendar` and `recurring-ical-events` use, into `var/corpus/`.

    python tests/corpus/fetch_corpus.py

Asks pip for the source distributions of the versions in use and unpacks nothing but their `.ics` files. They are the
work of others and never committed; `tests/unit/rentals/calendars/ical/test_corpus.py` reads them when they are there.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "var" / "corpus"
PACKAGES = ("icalendar", "recurring-ical-events")


def main() -> None:
    CORPUS.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        wanted = f"{package}=={version(package)}"
        target = CORPUS / wanted
        if not target.exists():
            fetch(wanted, target)
        print(f"{wanted}: {sum(1 for _ in target.rglob('*.ics'))} calendars in {target.relative_to(ROOT)}")


def fetch(wanted: str, target: Path) -> None:
    """Download one source distribution and keep its calendars, all or nothing."""
    with tempfile.TemporaryDirectory(dir=CORPUS) as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*download, wanted, "--dest", folder], check=True)
        fresh = Path(folder) / "calendars"
        fresh.mkdir()
        for archive in Path(folder).glob("*.tar.gz"):
            unpack(archive, fresh)
        fresh.rename(target)


def unpack(archive: Path, target: Path) -> None:
    """Write every `.ics` of an archive under a flat name, so that no path of the archive is ever followed."""
    with tarfile.open(archive) as packed:
        for member in packed:
            if member.isfile() and member.name.endswith(".ics"):
                content = packed.extractfile(member)
                if content is not None:
                    flat = "--".join(Path(member.name).parts[1:])
                    (target / flat[-200:]).write_bytes(content.read())


if __name__ == "__main__":
    main()
