"""One request on its way through the simulated cloud."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pins.simulator.gate import Key
from pins.simulator.messages import Request
from pins.simulator.rules import BodyRefusedError, PinBody


@dataclass
class Exchange:
    """One request on its way through the cloud; becomes a journal record when it is answered."""

    request: Request
    seq: int
    at: datetime
    query: list[tuple[str, str]]
    key: Key | None = None
    lock_id: int | None = None
    pin_id: int | None = None
    body: PinBody | None = None
    fault: str | None = None
    applied: bool = False

    def parameter(self, name: str) -> str | None:
        """A query parameter, whatever its spelling in capitals."""
        return next((value for key, value in self.query if key.lower() == name.lower()), None)

    def number(self, name: str) -> int | None:
        """A whole-number parameter, None if absent; BodyRefusedError (400) if it is something else."""
        text = self.parameter(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit()):
            raise BodyRefusedError([f"{name} must be a number."])
        return int(text)
