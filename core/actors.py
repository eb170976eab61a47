"""Who did it: a person, an API client, a connection, or Backroom itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PERSON, CLIENT, CONNECTION, SYSTEM_KIND = "PERSON", "CLIENT", "CONNECTION", "SYSTEM"


@dataclass(frozen=True, slots=True)
class Actor:
    kind: str
    uid: str
    label: str


SYSTEM = Actor(SYSTEM_KIND, "backroom", "Backroom")


def person(user: Any) -> Actor:
    return Actor(PERSON, str(user.pk), user.get_full_name() or user.email)


def user_id(actor: Actor) -> int | None:
    """The account of a person who has one; somebody at a shared till or handheld may not."""
    return int(actor.uid) if actor.kind == PERSON and actor.uid.isascii() and actor.uid.isdigit() else None
