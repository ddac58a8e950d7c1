"""Rows for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rentals.plain_text import shown


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """One line per row, each column as wide as its widest cell."""
    rows = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
