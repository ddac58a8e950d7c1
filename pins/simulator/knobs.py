"""The settings of a running cloud as text and JSON, for its command and its control side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from pins.simulator.settings import CloudSettings

NAMES = frozenset(item.name for item in fields(CloudSettings))


def changed(settings: CloudSettings, wanted: Mapping[str, object]) -> CloudSettings:
    """The settings with some of them changed to JSON values; ValueError names an unknown name or a wrong value."""
    unknown = sorted(set(wanted) - NAMES)
    if unknown:
        raise ValueError(f"there is no setting {', '.join(unknown)}; there are {', '.join(sorted(NAMES))}")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in wanted.items()
    }
    return replace(settings, **values)


def read_assignments(texts: Iterable[str]) -> dict[str, object]:
    """Read `list_lag=60` or `put=merges`: the value is JSON, or else plain text. ValueError without a `=`."""
    wanted: dict[str, object] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise ValueError(f"{text!r} sets nothing; write name=value, such as list_lag=60")
        try:
            wanted[name.strip()] = json.loads(value)
        except ValueError:
            wanted[name.strip()] = value.strip()
    return wanted


def as_json(settings: CloudSettings) -> dict[str, object]:
    """Every setting, as `changed` takes it."""
    return asdict(settings)


def differences(settings: CloudSettings) -> dict[str, object]:
    """The settings that are not those of a cloud that follows its documents."""
    usual = as_json(CloudSettings())
    return {name: value for name, value in as_json(settings).items() if value != usual[name]}
