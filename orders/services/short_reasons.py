"""Why units can be short at the shelf, and what each reason does: built in, overridden or added by ShortRule rows."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Invalid, Problem
from orders.models import ShortReason, ShortRule, StockEffect


@dataclass(frozen=True, slots=True)
class Why:
    """One reason. `counts`: the article is counted here; `asks_again`: this place may be asked for the line again."""

    code: str
    title: str
    effect: str
    counts: bool = False
    asks_again: bool = False
    position: int = 100

    @property
    def says(self) -> str:
        """What it does to stock, as the picker reads it."""
        return StockEffect(self.effect).label + (", and have it counted" if self.counts else "")


BUILT_IN = (
    Why(ShortReason.NOT_FOUND, ShortReason.NOT_FOUND.label, StockEffect.ALL_FREE, counts=True, position=10),
    Why(ShortReason.MISMATCH, ShortReason.MISMATCH.label, StockEffect.MISSING, counts=True, position=20),
    Why(ShortReason.DAMAGED, ShortReason.DAMAGED.label, StockEffect.DAMAGED, position=30),
    Why(ShortReason.ON_DISPLAY, ShortReason.ON_DISPLAY.label, StockEffect.SET_ASIDE, position=40),
    Why(ShortReason.NO_TIME, ShortReason.NO_TIME.label, StockEffect.NONE, position=50),
)


def every() -> list[Why]:
    """The reasons a picker may choose, in their order."""
    known = {why.code: why for why in BUILT_IN}
    for row in ShortRule.objects.all():
        known.pop(row.code, None)
        if row.active:
            known[row.code] = Why(row.code, row.title, row.effect, row.counts, row.asks_again, row.position)
    return sorted(known.values(), key=lambda why: (why.position, why.title))


def find(code: str) -> Why:
    """Invalid (400) for a reason nobody may choose."""
    known = every()
    for why in known:
        if why.code == code:
            return why
    raise Invalid([Problem("reason", "choice", f"must be one of {', '.join(why.code for why in known)}")])
