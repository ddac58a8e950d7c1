"""The alert rules and the dashboard of docs/monitoring speak of what `/metrics` says; their own tools can read them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.parser import text_string_to_metric_families

from pins import tasks
from pins.measures import exposition, figures, heartbeats
from pins.models import Heartbeat, Incident
from rentals.models import CalendarFeed, FeedState, Property
from tests.support.house import House
from tests.support.measuring import live_and_count
from tests.support.paths import ROOT

FOLDER = ROOT / "docs" / "monitoring"
RULES = FOLDER / "turnkey.rules.yml"
DASHBOARD = FOLDER / "dashboard.json"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

_NAMED = re.compile(r"\b(turnkey_[a-z0-9_]+)(?:\{([^}]*)\})?")
_LABEL = re.compile(r'(\w+)(=~|!=|=)"([^"]*)"')


def run(*command: str | Path, **more: Any) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, **more)
    assert done.returncode == 0, done.stdout + done.stderr


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def expressions() -> Iterator[str]:
    for line in RULES.read_text().split("expr:")[1:]:
        yield line.split("\n        for:")[0]
    for panel in panels():
        yield from (target["expr"] for target in panel["targets"])


@pytest.fixture
def said(house: House, flat: Property, clock: time_machine.Traveller) -> str:
    """What `/metrics` says of a house where everything has happened once."""
    for task in (tasks.sweep, tasks.check_drift, tasks.notify, tasks.measure):
        task()
    Heartbeat.objects.update(waited=0.1)  # these did not come through a queue
    heartbeats._note_sending(sender="pins.tasks.sweep", headers={})
    house.cloud.script(flat.locks.get().device_id, ["POST:timeout_lost"])
    house.stay(flat, 2 * DAY, DAY)
    feed = CalendarFeed.objects.create(property=flat, name="Channel", url="https://channel.example/a.ics")
    FeedState.objects.filter(feed=feed).update(last_good_at=timezone.now())
    Incident.open(Incident.Kind.DEAD_KEY, timezone.now(), about=house.account)
    live_and_count(house, clock, 2 * DAY + HOUR, HOUR)
    return exposition.expose(figures.read(timezone.now()), "")[0].decode()


@pytest.mark.django_db
def test_each_metric_that_is_named_exists_with_its_labels(said: str) -> None:
    known: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(said):
        for sample in family.samples:
            known.setdefault(sample.name, []).append(sample.labels)
    named = [match for expression in expressions() for match in _NAMED.finditer(expression)]
    assert len(named) >= 40
    for match in named:
        name, selector = match.groups()
        assert name in known, name
        wanted = _LABEL.findall(selector or "")
        assert any(_fits(labels, wanted) for labels in known[name]), match[0]
    for expression in expressions():
        for listed in re.findall(r"by \(([^)]*)\)", expression):
            labels = {label.strip() for label in listed.split(",")} - {"job", "le"}
            (name, *_) = [match[1] for match in _NAMED.finditer(expression)]
            assert labels <= set(known[name][0]), expression


def _fits(labels: dict[str, str], wanted: list[tuple[str, str, str]]) -> bool:
    return all(
        label in labels
        and {
            "=": labels[label] == value,
            "!=": labels[label] != value,
            "=~": re.fullmatch(value, labels[label]) is not None,
        }[sign]
        for label, sign, value in wanted
    )


@pytest.mark.django_db
def test_each_metric_is_on_the_dashboard(said: str) -> None:
    shown = {match[1] for panel in panels() for t in panel["targets"] for match in _NAMED.finditer(t["expr"])}
    families = {family.name for family in text_string_to_metric_families(said)}
    told = {re.sub(r"_(bucket|total)$", "", name) for name in shown}
    # How many arrivals a share is of stands in its alert.
    assert families - told == {"turnkey_arrivals_lately"}


@pytest.mark.django_db
def test_prometheus_finds_no_fault_with_the_metrics(promtool: str, said: str) -> None:
    run(promtool, "check", "metrics", input=said)


def test_prometheus_reads_the_rules_and_each_alert_fires_when_it_should(promtool: str) -> None:
    run(promtool, "check", "config", FOLDER / "prometheus.yml")
    run(promtool, "test", "rules", FOLDER / "turnkey.rules.test.yml")
    names = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    tested = set(re.findall(r'alertname="(\w+)"', (FOLDER / "turnkey.rules.test.yml").read_text()))
    assert names == tested


def test_prometheus_reads_each_expression_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    asked = [target["expr"].replace("$__rate_interval", "5m") for panel in panels() for target in panel["targets"]]
    rules = [{"record": f"panel:{at}", "expr": expression} for at, expression in enumerate(asked)]
    file = tmp_path / "panels.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))  # JSON is YAML
    run(promtool, "check", "rules", file)


def test_grafana_reads_the_dashboard() -> None:
    raw = json.loads(DASHBOARD.read_text())
    read = json.loads(JSONEncoder(sort_keys=True, indent=1).encode(Dashboard.from_json(raw)))
    assert _lost(raw, read) == []
    assert len({panel["id"] for panel in raw["panels"]}) == len(raw["panels"])
    taken = [(p["gridPos"]["x"] + dx, p["gridPos"]["y"] + dy) for p in raw["panels"] for dx, dy in _cells(p)]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) == 23  # Grafana's grid


def _cells(panel: dict[str, Any]) -> Iterator[tuple[int, int]]:
    at = panel["gridPos"]
    return ((dx, dy) for dx in range(at["w"]) for dy in range(at["h"]))


def _lost(raw: Any, read: Any, path: str = "") -> list[str]:
    """What Grafana's schema does not know: it is there before reading, and not after."""
    if isinstance(raw, dict) and isinstance(read, dict):
        gone = [f"{path}.{key}" for key in raw.keys() - read.keys()]
        return gone + [lost for key in raw.keys() & read.keys() for lost in _lost(raw[key], read[key], f"{path}.{key}")]
    if isinstance(raw, list) and isinstance(read, list):
        pairs = enumerate(zip(raw, read, strict=True))
        return [lost for at, (one, two) in pairs for lost in _lost(one, two, f"{path}[{at}]")]
    return [] if raw == read else [path]


@pytest.mark.django_db
def test_the_web_server_says_what_the_files_speak_of(said: str, client: Client) -> None:
    answer = client.get("/metrics", REMOTE_ADDR="127.0.0.1", HTTP_HOST="localhost")
    names = {line.split()[2] for line in answer.content.decode().splitlines() if line.startswith("# TYPE")}
    assert {match[1] for expression in expressions() for match in _NAMED.finditer(expression)} - names <= {
        "turnkey_code_set_seconds_bucket"
    }
