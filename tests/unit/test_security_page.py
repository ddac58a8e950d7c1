"""Each test that SECURITY.md names as a proof exists, so that a proof is not lost when a test is renamed."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_the_tests_that_the_threat_model_names_exist() -> None:
    named = re.findall(r"`((?:unit|integration|chaos)/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) >= 25
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / "tests" / path).is_file()
        or f"def {name}(" not in (ROOT / "tests" / path).read_text(encoding="utf-8")
    ]
    assert not missing


def test_each_attacker_has_a_table_of_four_lines() -> None:
    parts = re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
    assert len(parts) >= 9
    for part in parts:
        assert re.findall(r"^\| (can|stops them|remains|shown by) \|", part, flags=re.MULTILINE) == [
            "can",
            "stops them",
            "remains",
            "shown by",
        ], part.splitlines()[0]
