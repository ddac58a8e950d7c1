"""How often our addresses may be called: counted in Redis, so that all web processes count together.

The limits protect the database from a sender that runs wild; they guard no secret. So they fail open: while Redis is
out of reach every call passes quickly, because a push with a booking matters more than its count.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import time
from functools import lru_cache
from typing import Final

import redis
from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

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


def wait(limit: RateLimitItem, who: str) -> int | None:
    """Count a call of `who`. Returns `None` within the limit, else the whole seconds until the next call passes."""
    url: str = settings.REDIS_URL
    if time.monotonic() < _resting.get(url, 0.0):
        return None
    try:
        limiter = _limiter(url)
        if limiter.hit(limit, who):
            refused = None
        else:
            refused = max(1, math.ceil(limiter.get_window_stats(limit, who).reset_time - time.time()))
    except (redis.RedisError, OSError) as error:
        if url not in _resting:
            logger.warning("rate_limit_unavailable", extra={"cause": type(error).__name__})
        _resting[url] = time.monotonic() + REST
        return None
    _resting.pop(url, None)
    return refused


def client_key(address: str) -> str:
    """The key of one client: its address, or for IPv6 the /64 network that one client has to itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"  # a proxy on a unix socket has no address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed.packed, 64), strict=False))
    return str(parsed)


@lru_cache(maxsize=4)
def _limiter(url: str) -> MovingWindowRateLimiter:
    """Moving windows: fixed ones would let twice the number pass where two windows meet."""
    pool = redis.ConnectionPool.from_url(
        url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
    )
    # The pool, not this name, says where the server is: `limits` spells unix sockets in another way.
    return MovingWindowRateLimiter(RedisStorage("redis://", connection_pool=pool, key_prefix="turnkey:limit"))
