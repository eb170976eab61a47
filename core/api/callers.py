"""Who is calling: an API key, what it may do, and on which channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from core import actors
from core.actors import Actor

KEY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated program. `channels` are the codes it may speak for; None means all of them.

    `sites` (ids) and `queues` (codes) limit in the same way which rows and which cases it sees.
    """

    kind: str
    uid: str
    label: str
    scopes: frozenset[str]
    channels: frozenset[str] | None = None
    sites: frozenset[int] | None = None
    queues: frozenset[str] | None = None
    user: Any = None
    rate_per_minute: int = 6_000

    @property
    def actor(self) -> Actor:
        return Actor(self.kind, self.uid, self.label)

    def may(self, scope: str) -> bool:
        return scope in self.scopes


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`. The app that keeps the keys says whose one is.

    Sessions don't open the API: a page of ours calls views, and a program has a key that can be revoked by itself.
    """

    def authenticate(self, request: Request) -> tuple[None, Caller] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _, key = header.partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key or len(key) > KEY_LENGTH or not key.isascii():
            raise AuthenticationFailed("Send the key as `Authorization: Bearer <key>`.")
        caller = self.caller(key, request)
        if caller is None:
            raise AuthenticationFailed("This key is unknown, revoked or expired.")
        return None, caller

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Backroom"'

    def caller(self, key: str, request: Request) -> Caller | None:
        """Whose key this is, or None. Takes the same time for a wrong key as for a right one.

        PermissionDenied where it may not be used from here.
        """
        raise NotImplementedError

    @staticmethod
    def answered(caller: Caller, request: Request, response: Any, seconds: float) -> None:
        """A call of this caller was answered; who keeps an account of them overrides it. It must never raise."""


def client(uid: str, label: str, **facts: Any) -> Caller:
    return Caller(actors.CLIENT, uid, label, **facts)
