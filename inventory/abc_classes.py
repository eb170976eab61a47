"""ABC by value sold, without a database: the few items that make up most of the value, and the many of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal


def classify(worth: Mapping[int, Decimal], *, a_share: int, b_share: int) -> dict[int, str]:
    """{item: A, B or C}. Ranked by what they sold for at cost, items are A until `a_share` percent is reached, B until
    `b_share`, then C. What sold nothing is C. The item that crosses a line still belongs to the class before it."""
    total = sum(worth.values())
    classes: dict[int, str] = {}
    before = Decimal()
    for item, value in sorted(worth.items(), key=lambda each: (-each[1], each[0])):
        reached = before * 100 / total if total else Decimal(100)
        classes[item] = "C" if value <= 0 else "A" if reached < a_share else "B" if reached < b_share else "C"
        before += value
    return classes
