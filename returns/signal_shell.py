"""What the shell shows of returned goods: signals and the rules of what becomes of them."""

from __future__ import annotations

from core import screens


def register() -> None:
    screens.register_nav(
        "Work", "Return signals", "activity", "returns:signals", "returns.view_returnsignal", order=60,
        topic="exceptions",
    )  # fmt: skip
    screens.register_nav(
        "Run", "Dispositions", "split", "returns:disposition_rules", "returns.view_dispositionrules", order=60,
        topic="stock",
    )  # fmt: skip
