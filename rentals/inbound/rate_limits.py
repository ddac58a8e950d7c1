"""How often our addresses may be called: counted in Redis, so that all web processes count together.

Most limits protect the database from a sender that runs wild; they guard no secret. So they fail open: while Redis is
out of reach every call passes quickly, because a push with a booking matters more than its count.

Those that guard a secret, such as a password, are `strict`: while Redis is out of reach each process counts in its own
memory, and so never passes more than as many times the limit as there are processes.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeVar

import redis
from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")

#: Calls of one client with unknown tokens.
GUESSES: Final = RateLimitItemPerMinute(30, namespace="guess")
#: Events of one lock account: it has many locks, and each event comes once for each connected user (Tedee API,
#: webhooks).
EVENTS: Final = RateLimitItemPerMinute(600, namespace="event")

#: A call waits at most this long for Redis, in seconds.
PATIENCE: Final = 0.5
#: After a failure Redis is left alone for this long, in seconds, so that not every call waits for it.
REST: Final = 5.0

_resting: dict[str, float] = {}  # address of a Redis out of reach -> when to try again, by the monotonic clock


def pushes() -> RateLimitItem:
    """Pushes of one calendar within ten minutes (`WEBHOOK_RATE_LIMIT`)."""
    return RateLimitItemPerMinute(settings.WEBHOOK_RATE_LIMIT, 10, namespace="push")


def wait(limit: RateLimitItem, who: str, *, strict: bool = False) -> int | None:
    """Count a call of `who`. Returns `None` within the limit, else the whole seconds until the next call passes."""

    def count(limiter: MovingWindowRateLimiter) -> int | None:
        if limiter.hit(limit, who):
            return None
        return max(1, math.ceil(limiter.get_window_stats(limit, who).reset_time - time.time()))

    return _asked(count, strict=strict)


def used(limit: RateLimitItem, who: str) -> tuple[int, float]:
    """How many calls of `who` the window holds, and when the first of them leaves it (seconds since 1970). Counts
    nothing. Strict."""

    def look(limiter: MovingWindowRateLimiter) -> tuple[int, float]:
        stats = limiter.get_window_stats(limit, who)
        return limit.amount - stats.remaining, stats.reset_time

    found = _asked(look, strict=True)
    return found if found is not None else (0, 0.0)


def forget(limit: RateLimitItem, who: str) -> None:
    """Begin to count anew. Strict."""
    _asked(lambda limiter: limiter.clear(limit, who), strict=True)


def _asked(question: Callable[[MovingWindowRateLimiter], _Answer], *, strict: bool) -> _Answer | None:
    """The answer of Redis; while it is out of reach that of this process's memory, or `None`."""
    url: str = settings.REDIS_URL
    if time.monotonic() >= _resting.get(url, 0.0):
        try:
            answer = question(_limiter(url))
        except (redis.RedisError, OSError) as error:
            if url not in _resting:
                logger.warning("rate_limit_unavailable", extra={"cause": type(error).__name__})
            _resting[url] = time.monotonic() + REST
        else:
            _resting.pop(url, None)
            return answer
    return question(_own_memory()) if strict else None


def client_key(address: str) -> str:
    """The key of one client: its address, or for IPv6 the /64 network that one client has to itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"  # a proxy on a unix socket has no address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed.packed, 64), strict=False))
    return str(parsed)


@lru_cache(maxsize=1)
def _own_memory() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


@lru_cache(maxsize=4)
def _limiter(url: str) -> MovingWindowRateLimiter:
    """Moving windows: fixed ones would let twice the number pass where two windows meet."""
    pool = redis.ConnectionPool.from_url(
        url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
    )
    # The pool, not this name, says where the server is: `limits` spells unix sockets in another way.
    return MovingWindowRateLimiter(RedisStorage("redis://", connection_pool=pool, key_prefix="turnkey:limit"))
