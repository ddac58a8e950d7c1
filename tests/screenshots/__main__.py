"""`make screenshots`: starts the demo in a folder of its own, plays a story in it, and takes each picture of the table.

Status 2 says what is missing on this machine; 1 that a picture could not be taken. Whatever was started is ended.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path

from tests.screenshots.table import SHOTS, Scene, Shot
from tests.support.paths import ROOT

FOLDER = ROOT / "docs" / "screenshots"


def main() -> int:
    parser = ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these pictures; the story is played in any case")
    parser.add_argument("--into", type=Path, default=FOLDER, help="where the files go (default docs/screenshots)")
    asked = parser.parse_args()
    if unknown := set(asked.names) - {one.name for one in SHOTS}:
        parser.error(f"the table has no picture named {', '.join(sorted(unknown))}")
    missing = _missing()
    if missing:
        print(missing, file=sys.stderr)
        return 2
    wanted = [one for one in SHOTS if not asked.names or one.name in asked.names]
    asked.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="turnkey-screenshots-", dir="/tmp") as folder:
        _settle_settings(Path(folder))
        return _take_all(wanted, Path(folder), asked.into)


def _missing() -> str:
    if shutil.which("chromium") is None:
        return "There is no Chromium, which takes the pictures. On Debian: apt install chromium"
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is not installed. Run: make screenshots, which installs requirements-dev.txt"
    return ""


def _settle_settings(folder: Path) -> None:
    """Let nothing of this machine's own configuration be read."""
    import django

    own = {"TURNKEY_STACK": "local", "TURNKEY_ENV_FILE": "", "TURNKEY_VAR_DIR": str(folder / "demo")}
    os.environ.update(own | {"DJANGO_SETTINGS_MODULE": "config.settings"})
    for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    django.setup()


def _take_all(wanted: list[Shot], folder: Path, into: Path) -> int:
    from tests.screenshots.camera import Camera, PictureFailed, chromium  # after the setup
    from tests.screenshots.scenery import Scenery

    failed, began = [], time.monotonic()
    with Scenery(folder, _tell) as scenery, chromium(shutil.which("chromium") or "") as browser:
        camera = None
        for scene in Scene:
            scenery.bring_to(scene)
            camera = camera or Camera(browser, scenery.url, scenery.password)
            for shot in (one for one in wanted if one.scene is scene):
                try:
                    path = camera.take(shot, scenery.places, into)
                except PictureFailed as error:  # the other pictures are still worth having
                    failed.append(shot.name)
                    _tell(f"  {shot.name}: {error}")
                else:
                    _tell(f"  {path.name}: {path.stat().st_size // 1024} kB")
    done = len(wanted) - len(failed)
    _tell(f"{done} of {len(wanted)} pictures in {into}, after {time.monotonic() - began:.0f} s.")
    return 1 if failed else 0


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
