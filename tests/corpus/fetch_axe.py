"""Fetch axe-core, which finds what keeps people out of a web page, into `var/axe/`.

    python tests/corpus/fetch_axe.py

Asks npm for one version and keeps its one script. It is the work of others (MPL-2.0), never committed and never
served: `tests/browser/test_pages.py` puts it into the pages it looks at, when it is there. What was fetched is compared
with the checksum below, since a browser runs it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "axe-core@4.14.1"
SCRIPT = ROOT / "var" / "axe" / PACKAGE / "axe.min.js"
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


def main() -> None:
    if not SCRIPT.exists():
        npm = shutil.which("npm")
        if npm is None:
            sys.exit("There is no npm, by which axe-core is fetched. On Debian: apt install npm")
        SCRIPT.parent.mkdir(parents=True, exist_ok=True)
        fetch(npm)
    print(f"{PACKAGE}: {SCRIPT.relative_to(ROOT)}")


def fetch(npm: str) -> None:
    """Download the package and keep its script, all or nothing."""
    with tempfile.TemporaryDirectory(dir=SCRIPT.parent) as folder:
        pack = [npm, "pack", PACKAGE, "--silent", "--ignore-scripts", "--pack-destination", folder]
        subprocess.run(pack, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as packed:
            content = packed.extractfile("package/axe.min.js")
            script = content.read() if content is not None else b""
        if hashlib.sha256(script).hexdigest() != SHA256:
            sys.exit(f"{PACKAGE} is not what it was: its axe.min.js has another checksum. Nothing was kept.")
        fresh = Path(folder) / SCRIPT.name
        fresh.write_bytes(script)
        fresh.rename(SCRIPT)


if __name__ == "__main__":
    main()
