"""How PostgreSQL would find the rows of a statement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection

_EXPLAINED = ("SELECT", "UPDATE", "DELETE", "INSERT")


def whole_reads(sql: str) -> set[str]:
    """The tables that the statement reads from end to end: row by row, or along an index that holds every row."""
    if not sql.startswith(_EXPLAINED):
        return set()
    with connection.cursor() as cursor:
        cursor.execute("SET random_page_cost = 1.1")  # no server has its database on a turning disk any more
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql.replace('%', '%%')}", [])
        (answer,) = cursor.fetchone()
        cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL")
        of_few_rows = {name for (name,) in cursor.fetchall()}
    return {node["Relation Name"] for node in _nodes(answer[0]["Plan"]) if _reads_all(node, of_few_rows)}


def _reads_all(node: dict[str, Any], of_few_rows: set[str]) -> bool:
    along = node["Node Type"].startswith("Index") and "Index Cond" not in node
    return node["Node Type"] == "Seq Scan" or (along and node["Index Name"] not in of_few_rows)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
