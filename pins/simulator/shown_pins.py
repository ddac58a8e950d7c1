"""A pin as the cloud stores it and as it shows it: where clouds differ from what was sent. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from pins.simulator.messages import instant_text
from pins.simulator.rules import PinBody
from pins.simulator.settings import CloudSettings

EVERY_DAY = 127
DAY_BEGINS = datetime(2021, 10, 1, tzinfo=UTC)  # the day of the documents' samples; only the time of day counts
DAY_ENDS = datetime(2021, 10, 1, 23, 59, tzinfo=UTC)


def stored_alias(alias: str, settings: CloudSettings) -> str:
    """An alias as the cloud keeps it."""
    if settings.alias_shape == "cut":
        return alias[: settings.alias_cut]
    if settings.alias_shape == "no_hash":
        return alias.replace("#", "")
    if settings.alias_shape == "no_spaces":
        return "".join(alias.split())
    return alias.upper() if settings.alias_shape == "upper" else alias


def stored_body(body: PinBody, before: PinBody | None, settings: CloudSettings) -> PinBody:
    """What a pin is after `body` was sent for it; `before` is the pin that an update meets."""
    kept = body.absent if before is not None and settings.put == "merges" else frozenset()
    alias = stored_alias(body.alias, settings)
    return replace(body, alias=alias, absent=frozenset(), **{name: getattr(before, name) for name in kept})


def pin_json(pin_id: int, body: PinBody, settings: CloudSettings) -> dict[str, object]:
    """The answer to "get pin", value in clear, as the API gives it."""
    day_start, day_end, week_days = body.day_start, body.day_end, body.week_days
    if settings.default_hours_shown:
        day_start, day_end, week_days = day_start or DAY_BEGINS, day_end or DAY_ENDS, week_days or EVERY_DAY
    return {
        "id": pin_id,
        "alias": body.alias,
        "pin": body.value,
        "startDate": _date(body.start, settings),
        "endDate": _date(body.end, settings),
        "dayStartTime": _date(day_start, settings),
        "dayEndTime": _date(day_end, settings),
        "weekDays": week_days,
    }


def list_json(
    version: int, pins: Iterable[tuple[int, str]], settings: CloudSettings, rng: random.Random
) -> dict[str, object]:
    """The answer to "list pins": ids and aliases. `rng` decides what is left out."""
    shown = [{"id": pin_id, "alias": alias} for pin_id, alias in pins]
    if settings.list_shows == "nothing":
        shown = []
    elif settings.list_shows == "omits":
        shown = [pin for pin in shown if rng.random() >= 1 / 3]
    answer: dict[str, object] = {} if settings.list_version == "absent" else {"listVersion": version}
    return answer | {"pins": None if settings.pins_null_when_empty and not shown else shown}


def next_version(version: int, settings: CloudSettings) -> int:
    """The version of a list after one more change."""
    steps = {"stuck": 0, "jumps": 2 + version % 5}
    return version + steps.get(settings.list_version, 1)


def _date(moment: datetime | None, settings: CloudSettings) -> str | None:
    if moment is None or not settings.seconds_cut:
        return instant_text(moment)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
