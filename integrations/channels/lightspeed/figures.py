"""Figures as Lightspeed writes them: numbers or texts with as many decimals as a tax takes. Pure."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from integrations.reading import ZERO, Node, shown

_FIGURE = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")
_CENT_OF_A_CENT = Decimal("0.0001")


def figure(node: Node, key: str) -> Decimal | None:
    """A figure with its sign and all its decimals; None where there is none."""
    value = node.raw(key)
    if value is None or value == "":
        return None
    text = format(value, "f") if isinstance(value, Decimal) and value.is_finite() else str(value).strip()
    if isinstance(value, (bool, dict, list)) or not _FIGURE.fullmatch(text):
        node.at(key).fault(f"should be an amount, is {shown(value)}")
        return None
    return Decimal(text)


def needed(node: Node, key: str) -> Decimal:
    found = figure(node, key)
    if found is None and node.raw(key) in (None, ""):
        node.at(key).fault("is missing")
    return found or ZERO


def kept(amount: Decimal) -> Decimal:
    """As fine as Backroom keeps amounts."""
    return amount.quantize(_CENT_OF_A_CENT, rounding=ROUND_HALF_UP)


def units(node: Node, key: str) -> int:
    """Whole units with their sign: what came back is below zero."""
    found = needed(node, key)
    if found != found.to_integral_value() or abs(found) > 1_000_000:
        node.at(key).fault(f"should be a whole number of units, is {shown(node.raw(key))}")
        return 0
    return int(found)


def flag(node: Node, key: str) -> bool:
    """True or false, in words as well."""
    value = node.raw(key)
    if value in (None, ""):
        return False
    if isinstance(value, bool):
        return value
    if value in ("true", "false", "0", "1", 0, 1):
        return value in ("true", "1", 1)
    node.at(key).fault(f"should be true or false, is {shown(value)}")
    return False
