"""Which cases are symptoms of which: a feed that is down, and the orders it oversold.

The app that knows both kinds says so, from the higher floor of the two where they live on different ones. A new case
stands under its open root at once; what was open before the root is adopted when the root opens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Finder = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Origin:
    """Cases of the reason `symptom` probably come from that of `root` whose subject's uid `find(uid)` names."""

    symptom: str
    root: str
    find: Finder


_origins: list[Origin] = []


def register(symptom: str, root: str, find: Finder) -> None:
    """Say where cases of a reason come from. The first root that is open counts, in the order of registration."""
    _origins[:] = [each for each in _origins if (each.symptom, each.root) != (symptom, root)]
    _origins.append(Origin(symptom, root, find))


def forget_root(root: str) -> None:
    """For tests."""
    _origins[:] = [each for each in _origins if each.root != root]


def of(symptom: str) -> list[Origin]:
    """Where cases of this reason may come from."""
    return [each for each in _origins if each.symptom == symptom]


def to(root: str) -> list[Origin]:
    """What may come from cases of this reason, and may have been open before. Of the same reason the oldest is it."""
    return [each for each in _origins if each.root == root != each.symptom]


def roots() -> set[str]:
    """The reasons that cases of others may come from."""
    return {each.root for each in _origins if each.root != each.symptom}
