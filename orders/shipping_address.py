"""An address as it is written on paper. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def lines_of(parts: Mapping[str, Any] | None) -> list[str]:
    """Name, company, streets, town, country; whatever is missing is left out."""
    if not parts:
        return []
    town = " ".join(str(parts.get(name) or "") for name in ("postal_code", "city")).strip()
    rows = [
        parts.get("name"), parts.get("company"), parts.get("line1"), parts.get("line2"), town, parts.get("region"),
        parts.get("country"),
    ]  # fmt: skip
    return [str(row) for row in rows if row]
