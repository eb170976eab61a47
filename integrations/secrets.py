"""Secrets of connections at rest: Fernet, newest key first, older keys still read.

BACKROOM_SECRETS_KEYS lists the keys. To rotate: put a new key first, restart, `manage.py rotate_secrets`, drop the old.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Undecipherable(Exception):
    """None of the configured keys opens this secret."""


def seal(secret: str) -> bytes:
    return _keys(tuple(settings.BACKROOM_SECRETS_KEYS)).encrypt(secret.encode())


def reveal(sealed: bytes | memoryview) -> str:
    try:
        return _keys(tuple(settings.BACKROOM_SECRETS_KEYS)).decrypt(bytes(sealed)).decode()
    except InvalidToken:
        raise Undecipherable("No key in BACKROOM_SECRETS_KEYS opens this secret.") from None


def reseal(sealed: bytes | memoryview) -> bytes:
    """The same secret under the newest key."""
    try:
        return _keys(tuple(settings.BACKROOM_SECRETS_KEYS)).rotate(bytes(sealed))
    except InvalidToken:
        raise Undecipherable("No key in BACKROOM_SECRETS_KEYS opens this secret.") from None


@lru_cache(maxsize=4)
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
