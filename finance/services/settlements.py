"""A settlement file from its bytes to payouts whose totals are its own, or to the case that says why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.actors import SYSTEM, Actor


@dataclass(slots=True)
class Imported:
    """What came of a file: `known` when the very same bytes were here before."""

    file_id: str
    status: str
    known: bool = False
    settlements: list[int] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)


def import_(
    provider: str,
    name: str,
    content: bytes,
    *,
    terms: Mapping[str, Any] | None = None,
    connection_uid: str = "",
    actor: Actor = SYSTEM,
) -> Imported:
    """Keep the bytes once by their hash, read them, and write the payouts in them. Twice changes nothing."""
    raise NotImplementedError
