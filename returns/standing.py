"""How a customer stands with us, from what they bought and brought back. Pure; a person may always decide otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from core.formats import plural
from returns.rules import StandingRules

TRUSTED, KNOWN, NEW, WATCHED = "TRUSTED", "KNOWN", "NEW", "WATCHED"


@dataclass(frozen=True, slots=True)
class History:
    """Of one customer: orders completed, units they kept or brought back, units an inspection rejected."""

    orders: int = 0
    bought: int = 0
    returned: int = 0
    rejected: int = 0
    flagged: bool = False  # a case about how they return things is open


@dataclass(frozen=True, slots=True)
class Stands:
    standing: str
    why: str


def stands(history: History, rules: StandingRules) -> Stands:
    """The standing and the figures behind it."""
    share = 100 * history.returned // history.bought if history.bought else 0
    figures = (
        f"{plural(history.orders, 'order')}, {history.returned} of {history.bought} units brought back ({share} %)"
    )
    if history.flagged:
        return Stands(WATCHED, f"A case about their returns is open. {figures}.")
    if history.returned >= rules.watched_units and share >= rules.watched_share:
        return Stands(WATCHED, f"{figures}; watched from {rules.watched_share} % of at least {rules.watched_units}.")
    if not history.orders:
        return Stands(NEW, "Nothing bought before.")
    if history.orders >= rules.trusted_orders and share <= rules.trusted_share and not history.rejected:
        return Stands(TRUSTED, f"{figures}; trusted from {rules.trusted_orders} orders on.")
    return Stands(KNOWN, f"{figures}.")
