"""The same house and clock as in the integration tests."""

from tests.integration.conftest import _database_clock, clock, house

__all__ = ["_database_clock", "clock", "house"]
