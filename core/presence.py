"""Who is looking at what right now. It lives in Redis alone and only for seconds: losing it loses nothing else."""

from __future__ import annotations

import logging
import time
from typing import Any

from core.best_effort import BestEffort, server

STAYS = 12.0  # seconds after the last sign of life; pages give one every five
_looking = BestEffort("presence.unknown", level=logging.DEBUG)


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
    def done() -> list[Any]:
        with server().pipeline(transaction=False) as pipe:
            work(pipe)
            return pipe.execute()

    return _looking.ask(done, [])
