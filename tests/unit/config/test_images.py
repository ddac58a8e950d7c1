"""Images that somebody else made are named by digest, so that an installation is what was tested."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.support.paths import ROOT

#: What we build ourselves.
OURS = {"turnkey"}
_PINNED = re.compile(r"[a-z0-9./-]+:\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}")


def images() -> list[str]:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].values()
    named = [line.split()[1] for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("FROM ")]
    return sorted({one["image"] for one in services if "image" in one} - OURS) + named


def test_there_are_some() -> None:
    assert len(images()) >= 3


@pytest.mark.parametrize("image", images())
def test_it_has_an_exact_version_and_a_digest(image: str) -> None:
    assert _PINNED.fullmatch(image), f"{image} is not pinned: CONTRIBUTING.md says how"
