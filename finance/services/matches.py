"""Lines of a payout and the books' entries that are the same money: found, confirmed, split, written off, undone."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from core.actors import SYSTEM, Actor


def match(settlement_id: int, *, actor: Actor = SYSTEM) -> dict[str, Any]:
    """Match what is open of a payout: exact by key is CONFIRMED, within tolerance SUGGESTED. Safe to repeat."""
    raise NotImplementedError


def confirm(match_id: int, *, actor: Actor) -> None:
    """A person takes a suggestion; its difference is written off."""
    raise NotImplementedError


def pair(line_ids: Sequence[int], *, payments: Sequence[int] = (), charges: Sequence[int] = (), actor: Actor) -> int:
    """A person says that these lines are these entries."""
    raise NotImplementedError


def write_off(line_id: int, amount: Decimal, *, why: str, actor: Actor) -> int:
    """Give up what is open of a line, within the person's limit."""
    raise NotImplementedError


def undo(match_id: int, *, actor: Actor) -> None:
    """What a match took is open again."""
    raise NotImplementedError
