"""So many calls a minute for each key, counted in Redis by the generic cell rate algorithm: one number a key.

Without Redis nobody is counted and nobody is refused.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import redis

from core.best_effort import BestEffort, server

BURST_SECONDS = 10.0  # an idle key may spend this much of its allowance at once
_counting = BestEffort("rate.not_counted")

# KEYS[1]: the time up to which the allowance is spent. ARGV: seconds the calls cost, seconds of burst.
# Gives the ms to wait and the ms that are spent ahead.
_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local spent = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + ARGV[1]
if spent - now > ARGV[2] + ARGV[1] then
  return {math.ceil((spent - now - ARGV[2]) * 1000), math.ceil((spent - now - ARGV[1]) * 1000)}
end
redis.call('SET', KEYS[1], string.format('%.6f', spent), 'PX', math.ceil((spent - now) * 1000) + 1000)
return {0, math.ceil((spent - now) * 1000)}
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a key may still do: `wait` seconds (0: now), then `left` calls at once; after `back` all."""

    per_minute: int
    wait: float
    left: int
    back: int

    @property
    def headers(self) -> dict[str, str]:
        """As the IETF's draft on rate limit headers writes them (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "RateLimit-Policy": f'"key";q={self.per_minute};w=60',
            "RateLimit": f'"key";r={self.left};t={self.back}',
        }


def take(who: str, per_minute: int, calls: int = 1) -> Allowance | None:
    """Count so many calls of `who`, unless it has to wait first. None where nobody counts."""
    each = 60 / max(1, per_minute)
    counted = _counting.ask(lambda: _spend(server(), f"backroom:rate:{who}", calls * each), None)
    if counted is None:
        return None
    wait, ahead = counted
    left = math.floor(max(0.0, BURST_SECONDS + each - ahead / 1000) / each + 1e-6)
    return Allowance(per_minute, wait / 1000, left, math.ceil(ahead / 1000))


def _spend(client: redis.Redis, key: str, seconds: float) -> tuple[int, int]:
    wait, ahead = _script(client)(keys=[key], args=[seconds, BURST_SECONDS])
    return wait, ahead


@functools.cache
def _script(client: redis.Redis) -> redis.commands.core.Script:
    return client.register_script(_SCRIPT)
