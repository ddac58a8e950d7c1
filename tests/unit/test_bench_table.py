"""The table of `make bench`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.benchmarks import table
from tests.benchmarks.table import Figure, Row
from tests.support.paths import ROOT

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


def line_of(row: Row, figures: dict[str, Figure]) -> list[str]:
    """The cells of a row."""
    (line,) = [one for one in table.as_markdown(figures).splitlines() if one.startswith(f"| {row.what} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize(
    ("row", "value", "met"),
    [
        (table.LATENCY, 6.0, "yes"),
        (table.LATENCY, 6.1, "**no**"),
        (table.THROUGHPUT, 194.0, "yes"),
        (table.THROUGHPUT, 193.9, "**no**"),
        (table.DOUBLES, 0, "yes"),
        (table.DOUBLES, 1, "**no**"),
        (table.CONNECTIONS["SQLite"], 0.5, ""),
    ],
)
def test_a_goal_is_met_or_not(row: Row, value: float, met: str) -> None:
    assert line_of(row, {row.key: Figure(value)})[4] == met


def test_what_was_not_measured_is_said() -> None:
    assert [line_of(row, {})[2] for row in table.ROWS] == ["not measured"] * len(table.ROWS)


def test_a_figure_that_misses_its_goal_never_looks_as_if_it_met_it() -> None:
    assert line_of(table.MAKESPAN_100, {"makespan-100": Figure(1.2512)})[2:5] == ["1.251", "at most 1.25", "**no**"]
    assert line_of(table.THROUGHPUT, {"throughput": Figure(193.97)})[2:5] == ["193.97/s", "at least 194/s", "**no**"]


def test_figures_are_kept_until_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(table, "RECORDED", tmp_path / "rows")
    table.record(table.MEMORY, 1.04, "122.1 MB, 127.0 MB")
    assert "1.04" in capsys.readouterr().out
    figures = table.recorded(tmp_path / "rows")
    assert figures == {"memory": Figure(1.04, "122.1 MB, 127.0 MB")}
    text = table.as_report(figures, NOW, "0123abcd")
    saved = table.save(text, NOW, "0123abcd", tmp_path)
    assert saved.name == "bench-2027-03-01-0123abcd.md"
    assert f"1 of {len(table.ROWS)} rows were measured; 1 of 1 goals are met" in saved.read_text(encoding="utf-8")


def test_each_row_has_a_benchmark_that_measures_it() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "benchmarks").glob("test_*.py"))
    measured = set(re.findall(r"\btable\.([A-Z][A-Z_0-9]+)\b", sources))
    families = {"SCARCITY": list(table.SCARCITY.values()), "CONNECTIONS": list(table.CONNECTIONS.values())}
    named = [row for name in measured if isinstance(row := getattr(table, name), Row)]
    named += [row for name in measured & set(families) for row in families[name]]
    assert {row.key for row in named} == {row.key for row in table.ROWS}
    assert len({row.key for row in table.ROWS}) == len(table.ROWS)
