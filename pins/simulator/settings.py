"""How a simulated cloud behaves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CloudSettings:
    """Durations are seconds. Whatever the real API does not document can be set here."""

    api_base: str = "/api/v37"  # other paths get an HTML 404, as a retired version does
    latency: tuple[float, float] = (0.0, 0.0)  # least and most time that a device takes for an operation
    capacity: int = 100  # pins per lock
    full_status: int = 412  # v1.30 and v1.33 answer 422
    id_reuse: bool = False  # whether a removed pin's id is given to the next pin
    late_seconds: float = 60.0  # how long after its 408 a late write reaches the lock
    expiry_lag: float = 0.0  # how long an ended pin stays
    busy_after_timeout: float = 0.0  # how long a device stays busy after a 408
    reject_past_start: bool = False
    max_alias: int | None = None
    unique_alias: bool = False  # whether an alias in use gives 406 too
    rate_limit: int = 0  # requests per user and window; 0: no limit
    rate_window: float = 3600.0
    listing_limit: int = 0  # requests to `/my/lock` per user and window; the real one: 10
    listing_window: float = 600.0
