"""The settings in which a simulated cloud differs from its documents: their values, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from pins.simulator import knobs
from pins.simulator.settings import CloudSettings
from tests.support.paths import ROOT
from tests.support.small_cloud import CODE, PINS, SmallCloud

USUAL = CloudSettings()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"list_shows": "some"}, "list_shows cannot be 'some'; it takes all, nothing, omits"),
        ({"page_base": 2}, "it takes 0, 1 or null"),
        ({"page_base": True}, "it takes 0, 1 or null"),
        ({"list_lag": "1"}, "it takes a number"),
        ({"alias_cut": 1.5}, "it takes a whole number"),
        ({"ids_as_text": 1}, "it takes true or false"),
        ({"max_alias": "no"}, "it takes a whole number or null"),
        ({"latency": (1.0,)}, r"it takes \[a number, a number\]"),
        ({"write_refusal": 404}, "it takes 401, 403"),
    ],
)
def test_a_value_that_a_setting_does_not_take_is_told(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        replace(USUAL, **wrong)  # type: ignore[arg-type] # wrong on purpose


def test_settings_are_read_from_a_command_line() -> None:
    texts = ["list_lag=60", "put=merges", "ids_as_text=true", "page_base=null", "latency=[0.5, 1]", "api_base=/api/v40"]
    assert knobs.changed(USUAL, knobs.read_assignments(texts)) == replace(
        USUAL, list_lag=60, put="merges", ids_as_text=True, latency=(0.5, 1), api_base="/api/v40"
    )
    for wrong in ("list_lag", "lag=60", "put=patches"):
        with pytest.raises(ValueError, match=wrong.partition("=")[0]):
            knobs.changed(USUAL, knobs.read_assignments([wrong]))


def test_settings_come_back_from_json_as_they_were() -> None:
    settings = replace(USUAL, list_lag=60.0, latency=(0.1, 0.2), page_base=1)
    told = json.loads(json.dumps(knobs.as_json(settings)))
    assert knobs.changed(USUAL, told) == settings
    assert knobs.differences(settings) == {"list_lag": 60.0, "latency": (0.1, 0.2), "page_base": 1}
    assert knobs.differences(USUAL) == {}


def test_new_settings_hold_from_the_next_request_on() -> None:
    small = SmallCloud()
    assert small.create().status_code == 201
    small.cloud.settings = replace(small.cloud.settings, list_shows="nothing", rate_limit=2)
    assert small.ids() == []
    assert small.client.get(PINS).status_code == 200
    assert small.client.get(PINS).status_code == 429
    small.cloud.settings = CloudSettings()
    assert small.ids() == [1]
    assert small.read()["pin"] == CODE


def test_each_setting_is_explained_to_people() -> None:
    page = (ROOT / "docs" / "simulator.md").read_text()
    missing = [item.name for item in fields(CloudSettings) if f"| `{item.name}` |" not in page]
    assert missing == []
