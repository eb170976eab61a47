"""Keys of vendors that sign with keys of their own: one that signed and isn't known is asked for by the next look.

Whoever asks the address decides what stands here, so it is one name a connection, and only what the vendor itself gives
out under it becomes a key.
"""

from __future__ import annotations

from uuid import UUID

from django.core.cache import cache

from integrations.models import Connection

REMEMBERED = 3600  # seconds
LONGEST = 100


def missing(connection_id: UUID, name: str) -> None:
    """Something was refused that names this key."""
    if 0 < len(name) <= LONGEST:
        cache.set(_key(connection_id), name, REMEMBERED)


def take(connection: Connection) -> str:
    """The name of a key that was missing, once; empty where none was."""
    name = str(cache.get(_key(connection.pk)) or "")
    if name:
        cache.delete(_key(connection.pk))
    return name


def _key(connection_id: UUID) -> str:
    return f"hook-signer:{connection_id}"
