"""Who does something: the same person as on the board."""

from tests.integration.pins.board.conftest import host

__all__ = ["host"]
