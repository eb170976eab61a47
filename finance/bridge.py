"""From the orders to the bank, as figures that add up: the payout's own proof on its page. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One stair: what it is, how much it moves, and where the sum stands after it."""

    label: str
    amount: Decimal
    sum: Decimal
    total: bool = False
    hot: bool = False


def of(settlement: Any) -> list[Step]:
    """Orders matched, less fees and other movements, to the payout; then what the bank has of it."""
    steps: list[Step] = []
    here = Decimal(0)
    for label, amount in (
        ("Orders and refunds matched", settlement.matched - settlement.exchange),
        ("Made or lost by exchange", settlement.exchange),
        ("Fees", settlement.fees),
        ("Other movements", settlement.other),
        ("Written off", settlement.written_off),
        ("Not explained", settlement.residual),
        ("Stays on the provider's balance", -settlement.carried),
    ):
        if amount or label in {"Orders and refunds matched", "Fees", "Not explained"}:
            here += amount
            steps.append(Step(label, amount, here, hot=label == "Not explained" and bool(amount)))
    said = "Payout" if settlement.proven else "Payout, as nothing but its rows says"
    steps.append(Step(said, settlement.payout, here, total=True, hot=not settlement.proven))
    on_its_way = settlement.banked - settlement.payout
    steps.append(Step("Not at the bank yet", on_its_way, settlement.banked, hot=bool(settlement.banked and on_its_way)))
    steps.append(Step("At the bank", settlement.banked, settlement.banked, total=True))
    return steps
