"""Whether the broker answers, for the health page, the doctor and the supervisor."""

from __future__ import annotations

import redis


def answers(url: str, *, within: float = 1) -> bool:
    """Whether a Redis-compatible server answers at `url` within so many seconds, for each of connecting and asking."""
    client = redis.Redis.from_url(url, socket_timeout=within, socket_connect_timeout=within)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()
