"""Where things are in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
#: The calendars that stand for what channels send.
SAMPLES: Final = ROOT / "tests" / "ical"
#: Calendars of other projects' tests, if they were fetched (`make corpus`).
CORPUS: Final = ROOT / "var" / "corpus"
#: What benchmarks and proofs measured, for `.ci/run` to print.
FIGURES: Final = ROOT / "var" / "figures"
