"""Which statements a piece of work asked of the database."""

from __future__ import annotations

from django.test.utils import CaptureQueriesContext

_OF_TRANSACTIONS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def statements(captured: CaptureQueriesContext) -> list[str]:
    """All but those that begin and end transactions."""
    found = [str(query["sql"]) for query in captured.captured_queries]
    return [sql for sql in found if not sql.startswith(_OF_TRANSACTIONS)]
