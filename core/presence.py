"""Who is looking at what right now. It lives in Redis alone and only for seconds: losing it loses nothing else."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import redis
from django.conf import settings

STAYS = 12.0  # seconds after the last sign of life; pages give one every five
_SULK = 5.0
_state = {"sulk_until": 0.0}


def here(thing: str, person: int) -> list[int]:
    """This person looks at `thing` (such as "case:7"): who else does, longest there first. Never fails."""
    now, key = time.time(), f"backroom:here:{thing}"

    def say(pipe: Any) -> None:
        pipe.zremrangebyscore(key, 0, now - STAYS)
        pipe.zadd(key, {str(person): now})
        pipe.expire(key, int(STAYS) + 1)
        pipe.zrange(key, 0, 20)

    answers = _try(say)
    return [int(found) for found in answers[-1] if int(found) != person] if answers else []


def gone(thing: str, person: int) -> None:
    """This person has left."""
    _try(lambda pipe: pipe.zrem(f"backroom:here:{thing}", str(person)))


def _try(work: Any) -> list[Any]:
    """A server that can't be reached is left alone for a moment."""
    if time.monotonic() < _state["sulk_until"]:
        return []
    try:
        with _client(settings.REDIS_URL).pipeline(transaction=False) as pipe:
            work(pipe)
            return pipe.execute()
    except (redis.RedisError, OSError):
        _state["sulk_until"] = time.monotonic() + _SULK
        return []


@cache
def _client(url: str) -> Any:
    return redis.Redis.from_url(url, socket_timeout=0.3, socket_connect_timeout=0.3)
