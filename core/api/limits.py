"""So many calls a minute for each key, counted in Redis by the generic cell rate algorithm: one number a key.

Without Redis nobody is counted and nobody is refused.
"""

from __future__ import annotations

import functools
import logging
import math
import time
from dataclasses import dataclass

import redis
from django.conf import settings

log = logging.getLogger(__name__)

BURST_SECONDS = 10.0  # an idle key may spend this much of its allowance at once
SULK_SECONDS = 5.0
_sulk_until = 0.0

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
    global _sulk_until  # noqa: PLW0603  (one Redis per process, so one pause)
    if time.monotonic() < _sulk_until:
        return None
    each = 60 / max(1, per_minute)
    try:
        wait, ahead = _script()(keys=[f"backroom:rate:{who}"], args=[calls * each, BURST_SECONDS])
    except redis.RedisError as error:
        _sulk_until = time.monotonic() + SULK_SECONDS
        log.warning("rate.not_counted", extra={"error": type(error).__name__})
        return None
    left = math.floor(max(0.0, BURST_SECONDS + each - ahead / 1000) / each + 1e-6)
    return Allowance(per_minute, wait / 1000, left, math.ceil(ahead / 1000))


@functools.cache
def _script() -> redis.commands.core.Script:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    return client.register_script(_SCRIPT)
