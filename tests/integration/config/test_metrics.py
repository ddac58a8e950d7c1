"""`/metrics`: who may ask, what it says, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from pins import tasks
from pins.models import Heartbeat, Incident, Pin, PinAttempt
from rentals.models import CalendarFeed, FeedState, LockAccount, Property
from tests.support.house import House
from tests.support.incidents import unplug
from tests.support.measuring import live_and_count, samples, series

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TOKEN = "only-for-tests-0123456789"
LOCAL = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:8000"}


def scrape(client: Client, **headers: str) -> Any:
    return client.get("/metrics", **{**LOCAL, **headers})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="a local program"),
        pytest.param({"REMOTE_ADDR": "::1", "HTTP_HOST": "[::1]:8000"}, 200, id="by IPv6"),
        pytest.param({"REMOTE_ADDR": "::ffff:127.0.0.1"}, 403, id="not written as loopback"),
        pytest.param({"REMOTE_ADDR": "192.168.0.9"}, 403, id="the network"),
        pytest.param({"REMOTE_ADDR": ""}, 403, id="a socket without addresses"),
        pytest.param({"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 403, id="a proxy that says who asked"),
        pytest.param({"HTTP_X_FORWARDED_PROTO": "https"}, 403, id="a proxy that says how"),
        pytest.param({"HTTP_X_REAL_IP": "127.0.0.1"}, 403, id="a proxy with a header of its own"),
        pytest.param({"HTTP_FORWARDED": "for=127.0.0.1"}, 403, id="a proxy of RFC 7239"),
        pytest.param({"HTTP_VIA": "1.1 proxy"}, 403, id="a proxy of RFC 9110"),
        pytest.param({"HTTP_HOST": "codes.example.com"}, 403, id="a proxy that passes the name on"),
    ],
)
def test_without_a_token_only_this_machine_may_ask(
    client: Client, settings: Settings, headers: dict[str, str], status: int
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    answer = scrape(client, **headers)
    assert answer.status_code == status
    if status == 403:
        assert "Set METRICS_TOKEN" in answer.content.decode()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Basic {TOKEN}", 403),
        (TOKEN, 403),
        (f"Bearer {TOKEN[:-1]}", 403),
        (f"Bearer {TOKEN}x", 403),
        ("Bearer ", 403),
        ("Bearer \u017c\u00f3\u0142w", 403),
        ("", 403),
    ],
)
def test_with_a_token_everybody_needs_it(client: Client, settings: Settings, authorization: str, status: int) -> None:
    settings.METRICS_TOKEN = TOKEN
    far = {"REMOTE_ADDR": "192.168.0.9", "HTTP_X_FORWARDED_FOR": "192.168.0.1"}
    assert scrape(client, **far, HTTP_AUTHORIZATION=authorization).status_code == status
    refused = scrape(client, HTTP_AUTHORIZATION=authorization)
    assert refused.status_code == status
    assert TOKEN not in refused.content.decode()


def test_it_can_be_asked_without_tls_and_is_never_kept(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = scrape(client)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert scrape(client, HTTP_ACCEPT="application/openmetrics-text; version=1.0.0").content.endswith(b"# EOF\n")
    assert client.post("/metrics", **LOCAL).status_code == 405  # type: ignore[arg-type]


def test_what_it_says_of_a_working_house(
    client: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    tasks.measure()
    house.stay(flat, 2 * DAY, DAY)
    live_and_count(house, clock, 2 * DAY + 10 * MINUTE, HOUR)
    tasks.sweep()
    clock.shift(timedelta(seconds=7))
    said = samples(scrape(client).content.decode())
    assert said["turnkey_codes_due"] == said["turnkey_codes_overdue"] == said["turnkey_arrivals_at_risk"] == 0
    assert said[series("turnkey_requests_total", kind="post", outcome="done", cause="")] == 1
    assert said[series("turnkey_code_set_seconds_bucket", le="1.0")] == said["turnkey_code_set_seconds_count"] == 1
    for before in ("24h", "4h", "0h"):
        assert said[series("turnkey_confirmed_ratio", before=before)] == 1
        assert said[series("turnkey_arrivals_lately", before=before)] == 1
        assert said[series("turnkey_arrivals_total", before=before, result="kept")] == 1
        assert said[series("turnkey_arrivals_total", before=before, result="missed")] == 0
    assert said[series("turnkey_heartbeat_age_seconds", task="sweep")] == 7
    assert said[series("turnkey_task_duration_seconds", task="sweep")] >= 0
    assert said[series("turnkey_budget_limit", account=str(house.account.pk))] == 700


def test_what_it_says_of_trouble(client: Client, house: House, flat: Property, clock: time_machine.Traveller) -> None:
    unplug(house, flat.locks.get())
    house.stay(flat, 5 * HOUR, DAY)
    house.settle()
    clock.shift(6 * HOUR)
    house.stay(flat, 5 * HOUR, DAY, name="Next")
    Incident.open(Incident.Kind.DEAD_KEY, timezone.now(), about=house.account)
    feed = CalendarFeed.objects.create(property=flat, name="Channel", url="https://channel.example/a.ics")
    FeedState.objects.filter(feed=feed).update(last_good_at=timezone.now() - 2 * DAY, stale_since=timezone.now())
    said = samples(scrape(client).content.decode())
    assert (said["turnkey_codes_due"], said["turnkey_codes_overdue"]) == (2, 1)
    assert said["turnkey_arrivals_at_risk"] == 1  # the other one should be inside by now
    assert said[series("turnkey_incidents_open", kind="dead_key", severity="urgent")] == 1
    assert said[series("turnkey_feeds_troubled", condition="stale")] == said["turnkey_feeds_active"] == 1
    assert said["turnkey_feed_age_seconds"] == 2 * 86_400


def test_it_names_nobody(client: Client, house: House, flat: Property) -> None:
    """Accounts go by their id: the word of a rate group is the host's own, and may be a name."""
    LockAccount.objects.filter(pk=house.account.pk).update(rate_group="Kowalska", name="Office Kowalska")
    LockAccount.objects.create(name="Second", secret="x", rate_group="Kowalska")
    house.stay(flat, DAY, DAY, name="Anna Nowak")
    house.settle()
    text = scrape(client).content.decode()
    assert series("turnkey_budget_left", account=str(house.account.pk)) in samples(text)
    assert len([one for one in samples(text) if one.startswith("turnkey_budget_left")]) == 1
    for secret in ("Kowalska", "Nowak", "Office", "Flat", "Door", Pin.objects.get().grant.code):
        assert secret not in text


def test_observe_only_locks_are_not_behind(client: Client, house: House, flat: Property) -> None:
    LockAccount.objects.update(observe_only=True)
    house.stay(flat, 2 * HOUR, DAY)
    assert Pin.objects.filter(next_try_at__lte=timezone.now()).exists()
    said = samples(scrape(client).content.decode())
    assert said["turnkey_codes_due"] == said["turnkey_arrivals_at_risk"] == 0


def _cost(client: Client) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert scrape(client).status_code == 200
    return [one["sql"] for one in captured.captured_queries]


def test_a_scrape_costs_the_same_few_statements_with_and_without_history(
    client: Client, house: House, clock: time_machine.Traveller
) -> None:
    tasks.measure()
    empty = _cost(client)
    assert len(empty) <= 10
    for n in range(6):
        house.stay(house.flat(house.lock(f"Door {n}")), (n + 1) * HOUR, DAY)
    live_and_count(house, clock, 3 * DAY, 6 * HOUR)
    tasks.sweep()
    assert PinAttempt.objects.count() >= 12
    full = _cost(client)
    assert len(full) == len(empty)


#: Their rows are what is set up, or a few for each metric: they do not grow with time.
SMALL = {"pins_tally", "pins_heartbeat", "pins_ratebudget", "rentals_lockaccount", "rentals_lock"}
SMALL |= {"rentals_calendarfeed", "rentals_feedstate"}


#: Partial indexes: to read one of them whole is to read what is open or due.
PARTIAL = {"incident_one_open_per_cause", "pin_due", "pin_set_at"}


def _read_whole(sql: str) -> set[str]:
    """The tables that a statement reads row by row, or by an index but without a condition on it. PostgreSQL prefers
    that for small tables: it may not here."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            lines = [str(row[3]) for row in cursor.fetchall()]
            return {line.split()[1] for line in lines if line.startswith("SCAN") and not PARTIAL & set(line.split())}
        for way in ("seqscan", "hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        (plan,) = cursor.fetchone() or ([],)
        plan = json.loads(plan) if isinstance(plan, str) else plan
        return {name for one in plan for name in _whole(one["Plan"])}


def _whole(node: dict[str, Any]) -> Iterator[str]:
    bounded = "Index Cond" in node or "Recheck Cond" in node or node.get("Index Name") in PARTIAL
    if "Relation Name" in node and not bounded:
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _whole(child)


def test_no_statement_of_a_scrape_reads_a_table_that_grows(
    client: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    house.stay(flat, DAY, DAY)
    house.settle()
    whole = {name for sql in _cost(client) if sql.lstrip().upper().startswith("SELECT") for name in _read_whole(sql)}
    assert "pins_tally" in whole  # the plan was understood
    assert whole - SMALL <= {"subquery", "(subquery-1)"}


def test_no_statement_of_the_counting_reads_a_table_that_grows(
    house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    tasks.measure()
    house.stay(flat, 2 * HOUR, DAY)
    house.settle()
    clock.shift(3 * HOUR)
    with CaptureQueriesContext(connection) as captured:
        tasks.measure()
    reads = [one["sql"] for one in captured.captured_queries if one["sql"].startswith("SELECT")]
    assert any("pins_pinattempt" in sql for sql in reads)
    assert {name for sql in reads for name in _read_whole(sql)} <= SMALL


def test_the_traces_of_periodic_work(house: House, clock: time_machine.Traveller) -> None:
    for task in (tasks.sweep, tasks.check_drift, tasks.measure, tasks.notify):
        task()
    assert set(Heartbeat.objects.exclude(seconds=None).values_list("name", flat=True)) == {
        "sweep",
        "check_drift",
        "measure",
        "notify",
    }
