"""What an answer's headers say of the rate limit, in the forms that are in use. Pure.

- `RateLimit: "default";r=50;t=30` (IETF draft) and `RateLimit-Remaining` with `RateLimit-Reset`
- `X-RateLimit-Remaining` with `X-RateLimit-Reset`: seconds, or the moment as seconds since 1970
- `X-Rate-Limit-Requests-Left` with `X-Rate-Limit-Time-Reset-Ms` (BigCommerce)
- `X-Shopify-Shop-Api-Call-Limit: 32/40`: a bucket that leaks two calls a second

Amazon's `x-amzn-RateLimit-Limit` and Walmart's `x-current-token-count` are about one operation, not about the account,
so they say nothing here (Amazon's is learnt in channels/amazon/quota.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

SHOPIFY_LEAKS = 2.0  # calls a second out of its bucket
EPOCH_FROM = 1_000_000_000  # a larger "reset" is a moment
LONGEST = 24 * 3600.0
_DRAFT = re.compile(r"\br=(\d+).*?\bt=(\d+)")


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls a minute may go on being made; `hold` seconds to wait first, when none is left."""

    per_minute: float
    hold: float = 0.0


def read(headers: Mapping[str, str], *, now: float) -> Limit | None:
    """The limit as told with this answer; None where nothing sensible is said. Header names are in lower case."""
    if told := headers.get("x-shopify-shop-api-call-limit"):
        used, _, size = told.partition("/")
        return _bucket(_number(used), _number(size))
    for left, reset, scale in _WINDOWS:
        if left in headers and reset in headers:
            return _window(_number(headers[left]), _number(headers[reset]), scale, now)
    if match := _DRAFT.search(headers.get("ratelimit", "")):
        return _window(float(match[1]), float(match[2]), 1.0, now)
    return None


_WINDOWS = (
    ("ratelimit-remaining", "ratelimit-reset", 1.0),
    ("x-rate-limit-requests-left", "x-rate-limit-time-reset-ms", 0.001),
    ("x-ratelimit-remaining", "x-ratelimit-reset", 1.0),
    ("x-rate-limit-remaining", "x-rate-limit-reset", 1.0),
)


def _window(left: float | None, reset: float | None, scale: float, now: float) -> Limit | None:
    if left is None or reset is None:
        return None
    seconds = (reset - now if reset > EPOCH_FROM else reset) * scale
    if not 0 < seconds <= LONGEST:
        return None
    return Limit(left * 60 / seconds) if left >= 1 else Limit(60 / seconds, hold=seconds)


def _bucket(used: float | None, size: float | None) -> Limit | None:
    if used is None or size is None or size < 1:
        return None
    left = size - used
    return Limit(SHOPIFY_LEAKS * 60 + left) if left >= 1 else Limit(SHOPIFY_LEAKS * 60, hold=1 / SHOPIFY_LEAKS)


def _number(text: str) -> float | None:
    try:
        value = float(text.strip())
    except ValueError:
        return None
    return value if 0 <= value < 1e13 else None
