"""What was agreed here about an order that a source goes on describing: pure.

`agreed` maps a field to {was, is, said}: what the source said when the agreement was made, what was agreed, and what
the source says now.
"""

from __future__ import annotations

from typing import Any

Agreed = dict[str, dict[str, Any]]
REF = "here-"  # how the references of lines added here begin


def hear(agreed: Agreed, name: str, said: Any) -> tuple[Agreed, Any]:
    """What counts of a field of which the source says this: the agreement while that is what it always said, else its
    word. So an older echo doesn't undo what was agreed, and whoever speaks last is right.
    """
    entry = agreed.get(name)
    if entry is None:
        return agreed, said
    return agreed | {name: entry | {"said": said}}, entry["is"] if entry["was"] == said else said


def agree(agreed: Agreed, name: str, now: Any, *, before: Any) -> Agreed:
    """With this agreed; `before` is what stood, which is the source's word where nothing was agreed yet."""
    said = agreed[name]["said"] if name in agreed else before
    return agreed | {name: {"was": said, "is": now, "said": said}}
