"""Limits count together, say when to come again, and never stand in the way while Redis is away."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from limits import RateLimitItemPerMinute
from pytest_django import Settings

from rentals.inbound import rate_limits
from rentals.models.tokens import new_token


@pytest.fixture(autouse=True)
def _nobody_rests() -> Iterator[None]:
    rate_limits._resting.clear()
    yield
    rate_limits._resting.clear()


def of(number: int) -> RateLimitItemPerMinute:
    """A limit that no other test counts against."""
    return RateLimitItemPerMinute(number, namespace=new_token())


@pytest.mark.parametrize("query", ["", "?db=1"])
def test_calls_over_the_limit_are_told_when_to_come_again(settings: Settings, redis_url: str, query: str) -> None:
    settings.REDIS_URL = redis_url + query
    limit = of(3)
    assert [rate_limits.wait(limit, "a") for _ in range(3)] == [None, None, None]
    seconds = rate_limits.wait(limit, "a")
    assert seconds is not None
    assert 55 <= seconds <= 60
    assert rate_limits.wait(limit, "b") is None


def test_several_processes_count_together(settings: Settings, redis_url: str) -> None:
    settings.REDIS_URL = redis_url
    limit = of(1)
    assert rate_limits.wait(limit, "a") is None
    rate_limits._limiter.cache_clear()  # as another process: nothing is remembered here
    assert rate_limits.wait(limit, "a") is not None


def test_every_key_ends_by_itself_and_has_our_name(settings: Settings, redis_url: str) -> None:
    settings.REDIS_URL = f"{redis_url}?db=2"
    rate_limits.wait(of(3), "a")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        keys = list(client.scan_iter())
        assert keys
        assert all(key.startswith(b"turnkey:limit") for key in keys)
        assert all(0 < client.ttl(key) <= 60 for key in keys)


@pytest.mark.parametrize("address", ["redis://127.0.0.1:1/0", "rediss://127.0.0.1:1/0", "unix://{folder}/nobody.sock"])
def test_without_redis_everything_passes_at_once_and_one_line_tells_of_it(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    settings.REDIS_URL = address.format(folder=tmp_path)
    began = time.monotonic()
    assert [rate_limits.wait(of(1), "a") for _ in range(20)] == [None] * 20
    assert time.monotonic() - began < 2
    assert [record.getMessage() for record in caplog.records] == ["rate_limit_unavailable"]
    assert str(tmp_path) not in caplog.text


def test_a_redis_that_hangs_costs_half_a_second_once(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        began = time.monotonic()
        assert [rate_limits.wait(of(1), "a") for _ in range(20)] == [None] * 20
        assert rate_limits.PATIENCE * 0.9 <= time.monotonic() - began < rate_limits.PATIENCE * 4
    rate_limits._limiter.cache_clear()


def test_redis_is_asked_again_after_a_rest(
    settings: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = redis_url
    limit = of(1)
    rate_limits._resting[redis_url] = time.monotonic() + 0.2
    assert [rate_limits.wait(limit, "a") for _ in range(3)] == [None, None, None]
    monkeypatch.setitem(rate_limits._resting, redis_url, time.monotonic() - 1)
    assert rate_limits.wait(limit, "a") is None
    assert rate_limits.wait(limit, "a") is not None
    assert caplog.records == []


def test_a_redis_that_stays_away_is_told_of_once(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "REST", 0.0)
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"
    assert [rate_limits.wait(of(1), "a") for _ in range(5)] == [None] * 5
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("evil:key", "unknown"),
    ],
)
def test_a_client_is_its_address_or_its_ipv6_network(address: str, key: str) -> None:
    assert rate_limits.client_key(address) == key
