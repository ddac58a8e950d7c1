"""What is installed is what was compiled and looked at: exact versions, with the digests of their files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.paths import ROOT

_DIGEST = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def compiled(name: str) -> dict[str, list[tuple[Requirement, int]]]:
    """By canonical name: each pin of a file, and how many digests it has."""
    found: dict[str, list[tuple[Requirement, int]]] = {}
    for entry in (ROOT / name).read_text().replace("\\\n", " ").splitlines():
        pin = Requirement(entry.partition("--hash")[0].strip())
        found.setdefault(canonicalize_name(pin.name), []).append((pin, len(_DIGEST.findall(entry))))
    return found


def asked_for(name: str) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_each_package_is_pinned_with_digests(name: str) -> None:
    pins = [one for several in compiled(f"{name}.txt").values() for one in several]
    assert len(pins) > 40
    for pin, digests in pins:
        assert [one.operator for one in pin.specifier] == ["=="], pin
        assert digests, pin


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_what_is_asked_for_was_compiled(name: str) -> None:
    pins = compiled(f"{name}.txt")
    for wanted in asked_for(f"{name}.in"):
        for pin, _ in pins.get(canonicalize_name(wanted.name), []) or pytest.fail(f"make requirements: {wanted}"):
            version = next(iter(pin.specifier)).version
            assert wanted.specifier.contains(version, prereleases=True), f"make requirements: {wanted}, but {pin}"


def test_tools_and_runtime_agree() -> None:
    runtime, tools = compiled("requirements.txt"), compiled("requirements-dev.txt")
    for name, pins in runtime.items():
        assert {str(pin.specifier) for pin, _ in pins} == {str(pin.specifier) for pin, _ in tools[name]}, name


# -- the judgement of pip-audit's report -------------------------------------------------------------------------------

_FINE: dict[str, Any] = {"name": "celery", "version": "5.6.3", "vulns": []}
_HOLE: dict[str, Any] = {
    "name": "django",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-2019-1", "fix_versions": ["2.0"], "aliases": [], "description": ""}],
}
_UNASKED: dict[str, Any] = {"name": "amqp", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("report", "status", "said"),
    [
        ("", 0, "NOT AUDITED: pip-audit could not ask"),
        ("Traceback", 0, "NOT AUDITED: pip-audit could not ask"),
        ({"dependencies": [_FINE]}, 0, "1 packages audited, 0 known holes."),
        ({"dependencies": [_FINE, _UNASKED]}, 0, "NOT AUDITED: the index said nothing about 1 of 2"),
        ({"dependencies": [_FINE, _UNASKED, _HOLE]}, 1, "KNOWN HOLE: django 1.0: PYSEC-2019-1, mended in 2.0."),
    ],
    ids=["offline", "no report", "fine", "not asked", "a hole"],
)
def test_a_known_hole_fails_and_a_missing_network_is_told(report: Any, status: int, said: str) -> None:
    sent = report if isinstance(report, str) else json.dumps(report)
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "audit"], input=sent, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == status, done.stderr
    assert said in done.stdout
