"""Which modules are judged, and by which tests. Tests mirror the packages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.support.paths import ROOT


@dataclass(frozen=True)
class Suite:
    """Packages, and the folders whose tests judge them."""

    packages: tuple[str, ...]
    tests: tuple[str, ...]

    def modules(self) -> list[str]:
        """Paths from the root of the tree."""
        return sorted(
            str(path.relative_to(ROOT))
            for package in self.packages
            for path in (ROOT / package).glob("*.py")
            if path.name != "__init__.py"
        )

    def test_files(self) -> list[str]:
        return [
            str(path.relative_to(ROOT)) for folder in self.tests for path in sorted((ROOT / folder).rglob("test_*.py"))
        ]


SUITES: Final = (
    Suite(("pins/core", "pins/reconcile"), ("tests/unit/pins/core", "tests/integration/pins/reconcile")),
    Suite(
        ("rentals/calendars/decide", "rentals/calendars/classify", "rentals/calendars/imports"),
        ("tests/unit/rentals/calendars", "tests/integration/rentals/calendars/imports"),
    ),
)


def chosen(words: list[str]) -> Iterator[tuple[str, Suite]]:
    """The modules whose path contains one of the words, with their suite; all without words.

    Raises `ValueError` for a word that names nothing.
    """
    for word in words:
        if not any(word in module for suite in SUITES for module in suite.modules()):
            raise ValueError(f"No judged module has “{word}” in its path. Name a part of one, such as core/retry.")
    for suite in SUITES:
        for module in suite.modules():
            if not words or any(word in module for word in words):
                yield module, suite


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")
