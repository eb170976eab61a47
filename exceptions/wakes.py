"""What may bring a case back before its time: a fact about its subject, or about something it is related to.

The app that owns a kind of subject says which of its facts are worth waiting for; "anything" can be waited for always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core import subjects
from core.errors import Refusal
from core.models import Event


@dataclass(frozen=True, slots=True)
class Wake:
    """One fact to wait for, as in "until {words}". `types` are event types, "order.*" for all of a family."""

    code: str
    words: str
    types: tuple[str, ...] = ()

    @property
    def like(self) -> list[str]:
        """The types as patterns of SQL's LIKE."""
        return [t.replace("_", r"\_").replace("*", "%") for t in self.types] or ["%"]


_wakes: dict[str, list[Wake]] = {}


def register(kind: str, *wakes: Wake) -> None:
    """Offer these for cases about this kind of subject. Called from the owning app's AppConfig.ready()."""
    _wakes[kind] = list(wakes)


def offered(kind: str) -> Sequence[Wake]:
    """What a case about such a subject may wait for."""
    return [*_wakes.get(kind, ()), Wake("anything", f"something happens to this {subjects.title(kind).lower()}")]


def find(kind: str, code: str) -> Wake:
    """The wake of that code. Refusal 400 where the kind offers none."""
    for wake in offered(kind):
        if wake.code == code:
            return wake
    raise Refusal("unknown_wake", "A case can't wait for that.", status=400)


def words(kind: str, code: str) -> str:
    """What the case waits for, to end a sentence with; "" without one."""
    return next((wake.words for wake in offered(kind) if wake.code == code), "something happens") if code else ""


def marks(kind: str, code: str) -> dict[str, Any]:
    """The columns that make a case come back by a fact from now on. Refusal 400 for one its subject doesn't have."""
    if not code:
        return {"wake_on": "", "wake_after": None}
    find(kind, code)
    newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return {"wake_on": code, "wake_after": newest}
