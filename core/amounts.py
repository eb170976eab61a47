"""Amounts as people type them: one reading, and one wording of what is wrong with them, for every form."""

from __future__ import annotations

import re
from decimal import Decimal

from core.errors import Problem
from core.formats import exponent

MOST = Decimal(10) ** 12
_TYPED = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)


def read(
    text: str, currency: str, *, field: str, name: str = "The amount", negative: bool = False, zero: bool = False
) -> tuple[Decimal | None, list[Problem]]:
    """What was typed, and what is wrong with it: nothing typed is neither. Digits and one point, nothing guessed.

    A comma may part thousands or decimals, so it is asked about and never taken for either.
    """
    typed = text.replace("\0", "").strip()
    if not typed:
        return None, []
    digits = exponent(currency)
    example = "1250" if digits == 0 else f"1250.{'5'.ljust(digits, '0')}"
    said = f"{name} has to be a plain number such as {example}"
    if "," in typed:
        return None, [Problem(field, "amount", f"{said}: with a point, and no commas.")]
    if not _TYPED.fullmatch(typed):
        return None, [Problem(field, "amount", f"{said}.")]
    amount = Decimal(typed)
    if amount < 0 and not negative:
        return None, [Problem(field, "negative", f"{name} can't be below nothing.")]
    if amount == 0 and not zero:
        return None, [Problem(field, "nothing", f"{name} has to be more than nothing.")]
    if abs(amount) >= MOST:
        return None, [Problem(field, "too_large", f"{name} has to be below {MOST:,f}.")]
    if amount != amount.quantize(Decimal(1).scaleb(-digits)):
        rule = "no decimals" if digits == 0 else f"at most {digits} decimals"
        return None, [Problem(field, "decimals", f"{name} can have {rule} in {currency or 'this currency'}.")]
    return amount, []
