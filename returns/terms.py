"""On what terms money goes back: when, where to, and what is taken off. Pure, with the rule that decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from returns.eligibility import Around, Goods, fits
from returns.rules import Policy, Terms

PLAIN = Terms(code="plain-terms", name="No rule fits: refunded once it was inspected, the way it was paid")


@dataclass(frozen=True, slots=True)
class LineTerms:
    rule: str
    name: str
    restocking_percent: int


@dataclass(frozen=True, slots=True)
class Agreed:
    """For the whole return: the latest plan of its lines, what every line allows, the highest fee once."""

    plan: str
    to: str
    fee: Decimal
    refunds_shipping: bool
    lines: tuple[LineTerms, ...]
    rule: str
    why: str


_PLANS = ("ON_RECEIPT", "INSTANT", "KEEP_IT")  # the strictest first


def agree(policy: Policy, lines: Sequence[Goods], around: Around, *, wanted: str = "ORIGINAL") -> Agreed:
    """What is agreed of these lines together. `wanted` is where the customer would like the money to go.

    Gift cards and goods without proof never go back to somebody's card: where no rule says so, nothing was paid by one.
    """
    worth = sum((goods.value for goods in lines), Decimal(0))
    chosen = [_rule(policy, goods, around, worth) for goods in lines]
    latest = min(chosen, key=lambda rule: _PLANS.index(rule.plan), default=PLAIN)
    to, why = _where(chosen, around, wanted)
    return Agreed(
        latest.plan,
        to,
        max((rule.fee for rule in chosen), default=Decimal(0)),
        bool(chosen) and all(rule.refunds_shipping for rule in chosen),
        tuple(LineTerms(rule.code, rule.name, rule.restocking_percent) for rule in chosen),
        latest.code,
        why or f"{latest.name}.",
    )


def _rule(policy: Policy, goods: Goods, around: Around, worth: Decimal) -> Terms:
    for rule in policy.refunds:
        if fits(rule.when, goods, around) and (rule.up_to is None or worth <= rule.up_to):
            return rule
    return PLAIN


def _where(chosen: Sequence[Terms], around: Around, wanted: str) -> tuple[str, str]:
    allowed = {"ORIGINAL", "STORE_CREDIT", "EXCHANGE"}
    limiting = ""
    for rule in chosen:
        if rule.to:
            allowed &= set(rule.to)
            limiting = limiting or rule.name
    if around.proof in {"NONE", "GIFT"}:
        allowed.discard("ORIGINAL")  # nobody knows how it was paid, or the giver's card is not the bearer's
        limiting = limiting or "Nothing shows how it was paid"
    if wanted in allowed:
        return wanted, ""
    for each in ("STORE_CREDIT", "EXCHANGE", "ORIGINAL"):
        if each in allowed:
            return each, f"{limiting}."
    return "STORE_CREDIT", f"{limiting}."
