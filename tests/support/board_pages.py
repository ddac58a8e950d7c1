"""Pages of the console as a person reads them."""

from __future__ import annotations

import re
from typing import Any

from rentals.models import Booking
from tests.support.pages import text


def words(response: Any) -> str:
    """What a person reads, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text(response)))


def addresses(booking: Booking) -> list[str]:
    lock = booking.property.locks.get()
    return ["/", "/timeline/", f"/stays/{booking.pk}/", f"/locks/{lock.pk}/"]


def part(page: Any, key: str) -> str:
    """What a list of the board says; empty where it is not shown."""
    found = re.findall(rf'id="{key}".*?</section>', text(page), re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])) if found else ""
