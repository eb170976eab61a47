"""Available to promise: the arithmetic, without a database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """What the promise is made of, in units. The larger of the two cushions applies, not their sum."""

    sellable: int
    reserved: int
    safety: int = 0
    buffer: int = 0
    inbound: int = 0  # due before the date asked about


def promisable(terms: Terms) -> int:
    """sellable - reserved - max(safety stock, channel buffer) + inbound in time; never below zero."""
    cushion = max(terms.safety, terms.buffer)
    return max(0, terms.sellable - terms.reserved - cushion + terms.inbound)
