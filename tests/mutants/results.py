"""What became of the mutants: counted for each module, and as a page for people."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from tests.mutants.mutating import Mutant

EQUIVALENT: Final = Path(__file__).with_name("equivalent.toml")
GOAL: Final = 95
GOAL_OF_EACH: Final = 90


class Fate(StrEnum):
    """What became of a mutant. A timeout counts as killed: the tests noticed."""

    KILLED = "killed"
    TIMEOUT = "timeout"
    SURVIVED = "survived"
    UNREACHED = "unreached"  # no test comes to its line
    EQUIVALENT = "equivalent"


@dataclass(frozen=True)
class Judged:
    """A mutant and what became of it. `tests`: so many were run or would have been; `left_out`: too slow to be run."""

    mutant: Mutant
    fate: Fate
    tests: int = 0
    left_out: int = 0


def equivalents(path: Path = EQUIVALENT) -> dict[tuple[str, str, str], str]:
    """(module, line before, line after) -> why nobody could notice.

    Raises `ValueError` for an entry without a reason.
    """
    found = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", []):
        if not entry.get("why", "").strip():
            raise ValueError(f"{path.name}: say why nobody could notice this one: {entry}")
        found[entry["module"], entry["was"], entry["becomes"]] = entry["why"]
    return found


def percent(fates: Counter[Fate]) -> float | None:
    """Killed of all that are not equivalent; `None` where there are none."""
    killed = fates[Fate.KILLED] + fates[Fate.TIMEOUT]
    judged = fates.total() - fates[Fate.EQUIVALENT]
    return 100 * killed / judged if judged else None


def by_module(judged: Sequence[Judged]) -> dict[str, Counter[Fate]]:
    found: dict[str, Counter[Fate]] = {}
    for one in judged:
        found.setdefault(one.mutant.path, Counter())[one.fate] += 1
    return dict(sorted(found.items()))


def table(judged: Sequence[Judged]) -> str:
    """A Markdown table, one module a line, and all together."""
    heads = ["module", "mutants", *Fate, "%"]
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    modules = by_module(judged)
    for name, fates in [*modules.items(), ("all", sum(modules.values(), Counter[Fate]()))]:
        share = percent(fates)
        goal = GOAL if name == "all" else GOAL_OF_EACH
        text = "" if share is None else f"{share:.0f}" if share >= goal else f"**{share:.0f}**"
        counts = " | ".join(str(fates[fate]) for fate in Fate)
        rows.append(f"| {name} | {fates.total()} | {counts} | {text} |")
    return "\n".join(rows)


def survivors(judged: Sequence[Judged]) -> str:
    """The changes that no test noticed."""
    parts = []
    for one in judged:
        if one.fate in (Fate.SURVIVED, Fate.UNREACHED):
            slow = f", {one.left_out} slow ones were not run" if one.left_out else ""
            heading = f"{one.mutant.path} number {one.mutant.number}: {one.fate} ({one.tests} tests{slow})"
            parts.append(f"{heading}\n\n```diff\n{one.mutant.diff}\n```\n")
    return "\n".join(parts)
