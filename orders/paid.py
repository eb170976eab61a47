"""How an order's payment stands, from the money events it has. Pure. Without any, its channel's word counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

ZERO = Decimal(0)


class Told(Protocol):
    """One money event."""

    kind: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Standing:
    """`words` with the tone and icon of their badge; None where the channel's word is all there is."""

    words: str
    tone: str
    icon: str
    captured: Decimal
    refunded: Decimal
    held: Decimal

    @property
    def code(self) -> str:
        """The words for programs: `partly_refunded`."""
        return self.words.lower().replace(" ", "_")

    def differs(self, told: str) -> bool:
        """Whether the channel's own word for it (PaymentState) says something else."""
        return told not in _SAME.get(self.code, {self.code})


# Our words, and those of a channel that say the same.
_SAME = {
    "partly_paid": {"partially_paid"}, "partly_captured": {"partially_paid"}, "nothing_held": {"voided"},
    "partly_refunded": {"partially_refunded"},
}  # fmt: skip


def standing(payments: Iterable[Told], currency: str, worth: Decimal | None, held: Decimal) -> Standing | None:
    """`worth` is what the order's units that are not cancelled come to, `held` what can still be captured."""
    sums: dict[str, Decimal] = {}
    for each in payments:
        if each.currency == currency:
            sums[each.kind] = sums.get(each.kind, ZERO) + each.amount
    if not sums:
        return None
    captured = sums.get("captured", ZERO) - sums.get("capture_failed", ZERO)
    refunded = sums.get("refunded", ZERO) - sums.get("refund_failed", ZERO)
    words, tone, icon = _words(sums, captured, refunded, worth, held)
    return Standing(words, tone, icon, captured, refunded, held)


def _words(
    sums: dict[str, Decimal], captured: Decimal, refunded: Decimal, worth: Decimal | None, held: Decimal
) -> tuple[str, str, str]:
    taken = max(sums.get("disputed", ZERO), sums.get("chargeback", ZERO)) - sums.get("reinstated", ZERO)
    if taken > 0:
        return ("Lost to a dispute", "crit", "scale") if "dispute_lost" in sums else ("Disputed", "crit", "scale")
    if captured > 0:
        if refunded >= captured:
            return "Refunded", "hold", "undo-2"
        if refunded > 0:
            return "Partly refunded", "line", "undo-2"
        if worth is not None and captured < worth:
            return "Partly captured" if held > 0 else "Partly paid", "warn", "credit-card"
        return "Paid", "ok", "credit-card"
    if held > 0:
        return "Authorised", "info", "credit-card"
    if "failed" in sums or "capture_failed" in sums:
        return "Payment failed", "crit", "circle-x"
    return ("Nothing held", "hold", "credit-card") if "voided" in sums else ("Refunded", "hold", "undo-2")
