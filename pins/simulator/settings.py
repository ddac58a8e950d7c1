"""How a simulated cloud behaves, and where it differs from its documents. `docs/simulator.md` explains each setting."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class CloudSettings:
    """Durations are seconds. Whatever the real API does not document, or may do otherwise, can be set here.

    A cloud may get other settings while it runs: `cloud.settings = replace(cloud.settings, put="merges")`. They hold
    from the next request on. ValueError if a value is none that its setting takes.
    """

    api_base: str = "/api/v37"  # other paths get an HTML 404, as a retired version does
    latency: tuple[float, float] = (0.0, 0.0)  # least and most time that a device takes for an operation
    capacity: int = 100  # pins per lock, for locks that are added from now on
    full_status: int = 412  # v1.30 and v1.33 answer 422
    id_reuse: bool = False  # whether a removed pin's id is given to the next pin
    late_seconds: float = 60.0  # how long after its 408 a late write reaches the lock
    expiry_lag: float = 0.0  # how long an ended pin stays
    busy_after_timeout: float = 0.0  # how long a device stays busy after a 408
    reject_past_start: bool = False
    max_alias: int | None = None  # a longer alias is refused with 400
    unique_alias: bool = False  # whether an alias in use gives 406 too
    rate_limit: int = 0  # requests per user and window; 0: no limit
    rate_window: float = 3600.0
    listing_limit: int = 0  # requests to `/my/lock` per user and window; the real one: 10
    listing_window: float = 600.0

    # -- the authorization server
    token_seconds: float = 3600.0  # how long an access token is accepted
    refresh_seconds: float = 14 * 86_400.0  # how long a refresh token is, unless it is used
    refresh_said: bool = True  # whether an answer says how long that is
    scope_said: str = ""  # the scopes that an answer names; empty: none, so those that were asked for
    rotation: Literal["rotates", "keeps"] = "rotates"  # whether a renewal brings a new refresh token
    reuse: Literal["ends", "refused", "accepted"] = "ends"  # of a used refresh token; ends: the whole connection
    token_latency: float = 0.0  # seconds that a renewal takes

    # -- lists of pins
    list_lag: float = 0.0  # a list is, with its version, that of so long ago; a pin read by its id is true
    list_shows: Literal["all", "nothing", "omits"] = "all"  # omits: each list leaves each pin out with a chance of 1/3
    list_version: Literal["counts", "absent", "stuck", "jumps"] = "counts"
    pins_null_when_empty: bool = False  # `"pins": null` in place of an empty array

    # -- what becomes of what was sent
    alias_shape: Literal["kept", "cut", "no_hash", "no_spaces", "upper"] = "kept"  # how an alias is stored
    alias_cut: int = 20  # characters that `cut` leaves
    put: Literal["replaces", "merges"] = "replaces"  # merges: what an update leaves out stays, null clears it
    seconds_cut: bool = False  # dates are read back without seconds: 2027-03-03T14:00Z
    default_hours_shown: bool = False  # where no hours or days were set, a read shows 00:00, 23:59 and 127

    # -- activity
    activity_lag: float = 0.0  # how long after it happened a line is listed
    activity_keeps: int = 0  # how many of the newest lines of a lock are listed; 0: all
    activity_twice: bool = False  # each line is listed twice, the second time under an id of its own
    activity_names: Literal["none", "alias", "owner"] = "none"  # whom a line about a code names
    activity_dates: Literal["plain", "utc", "offset", "seconds", "milliseconds", "broken"] = "plain"
    activity_status: Literal[200, 401, 403, 503] = 200  # 401, 403: the key has no right to read it

    # -- how answers look
    error_body: Literal["envelope", "empty", "problem"] = "envelope"  # of 401, 403, 404, 409, 428 and 429
    body_on_no_content: bool = False  # 204 and 304 carry the envelope, as the documents show it
    ids_as_text: bool = False  # ids and list versions are text
    lock_shape: Literal["v37", "v1.32"] = "v37"  # v1.32: lockProperties and shareDetails
    page_base: Literal[0, 1] | None = None  # the number of the first page of `/my/lock`; None: all locks at once
    page_size: int = 50  # unless the request says ItemsPerPage
    write_refusal: Literal[401, 403] = 403  # for a write with a key that may only read

    def __post_init__(self) -> None:
        for name, hint in _hints().items():
            value = getattr(self, name)
            if not _fits(value, hint):
                raise ValueError(f"{name} cannot be {value!r}; it takes {_spelled(hint)}")


@cache
def _hints() -> dict[str, Any]:
    hints = get_type_hints(CloudSettings)
    return {item.name: hints[item.name] for item in fields(CloudSettings)}


def _fits(value: object, hint: Any) -> bool:
    options = get_args(hint)
    if get_origin(hint) is Literal:
        return value in options and not isinstance(value, bool)
    if get_origin(hint) in (Union, UnionType):
        return any(_fits(value, option) for option in options)
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and len(value) == len(options) and all(map(_fits, value, options))
    return type(value) in ((int, float) if hint is float else (hint,))  # so that true is no number


def _spelled(hint: Any) -> str:
    options = get_args(hint)
    if get_origin(hint) is Literal:
        return ", ".join(map(str, options))
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(map(_spelled, options))
    if get_origin(hint) is tuple:
        return "[" + ", ".join(map(_spelled, options)) + "]"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text", NoneType: "null"}
    return names[hint]
