"""Clients of the Tedee API that others wrote and use understand the simulated cloud.

They know nothing of PINs, but of keys, the envelope and locks. Whoever wrote them had the real cloud before them; so
where they and our simulator disagree, our simulator is the suspect. They are fetched from PyPI into an environment of
their own; without it, the tests say loudly that they did not run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pins.simulator.cloud import Cloud
from pins.simulator.server import SimulatorServer
from pins.simulator.settings import CloudSettings
from tests.conftest import _missing
from tests.support.paths import ROOT

pytestmark = [pytest.mark.real_processes, pytest.mark.timeout(400)]
LOCKED = 6  # Tedee API, lock states
RELEASES = ("aiotedee==0.3.0", "pytedee-async==0.2.20")
#: They speak to this version, and read what it calls `lockProperties`.
THEIR_CLOUD: dict[str, Any] = {"api_base": "/api/v1.32", "lock_shape": "v1.32"}
PROGRAM = ROOT / "tests" / "contract" / "ask_public_client.py"


@pytest.fixture(scope="session")
def their_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has these clients."""
    home = tmp_path_factory.mktemp("public-clients")
    # Without a pip of its own, whose installation takes most of the time: ours installs into it.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True, timeout=120)
    python = home / "bin" / "python"
    wanted = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--retries=1", "--timeout=15"]
    try:
        fetched = subprocess.run([*wanted, *RELEASES], capture_output=True, timeout=240).returncode == 0
    except subprocess.TimeoutExpired:
        fetched = False
    if not fetched:
        _missing("PyPI was not reached: published clients did not judge the simulated cloud", may_be_required=False)
    return python


def ask(their_python: Path, package: str, cloud: Cloud, key: str) -> subprocess.CompletedProcess[str]:
    with SimulatorServer(cloud, "127.0.0.1", 0) as server:
        command = [str(their_python), str(PROGRAM), package, server.api_url, key]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("package", ["aiotedee", "pytedee_async"])
def test_a_published_client_understands_the_simulated_locks(package: str, their_python: Path) -> None:
    cloud = Cloud(CloudSettings(**THEIR_CLOUD), key="k3y")
    home = cloud.add_lock("Front door", battery_level=71)
    away = cloud.add_lock("Garden", connected=False)
    asked = ask(their_python, package, cloud, "k3y")

    assert asked.returncode == 0, asked.stderr
    understood = {lock.pop("id"): lock for lock in json.loads(asked.stdout)}
    assert understood[home.id] == {"name": "Front door", "connected": True, "state": LOCKED, "battery": 71}
    assert (understood[away.id]["name"], understood[away.id]["connected"]) == ("Garden", False)


@pytest.mark.parametrize("package", ["aiotedee", "pytedee_async"])
def test_a_published_client_is_told_that_its_key_is_dead(package: str, their_python: Path) -> None:
    cloud = Cloud(CloudSettings(**THEIR_CLOUD), key="k3y")
    cloud.add_lock("Front door")
    asked = ask(their_python, package, cloud, "another")

    assert asked.returncode != 0
    assert "TedeeAuthException" in asked.stderr
