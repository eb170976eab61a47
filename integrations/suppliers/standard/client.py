"""Backroom's partner protocol, the calling half. The settings name the `base_url`, the secret `token` the bearer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from core.errors import Permanent
from integrations import http
from integrations.failures import Unreadable
from integrations.models import Connection
from integrations.suppliers.port import Answer
from integrations.suppliers.standard import translate


class Standard:
    """One partner's account."""

    def __init__(self, connection: Connection):
        self.connection = connection

    def ask(self, document: Mapping[str, Any]) -> Answer:
        key = {"Idempotency-Key": str(document["request"])}
        answer = self._call("POST", "/requests", "ask a partner", json=dict(document), headers=key)
        try:
            return translate.answer(answer.json())
        except Unreadable as error:
            raise Permanent(f"{self.connection.name} answered what can't be understood: {error.reason}") from None

    def withdraw(self, uid: str, why: str) -> bool:
        path = f"/requests/{quote(uid)}/withdrawal"
        try:
            self._call("POST", path, "withdraw from a partner", json={"reason": why}, headers={"Idempotency-Key": uid})
        except http.FailedForGood as no:
            if no.status == 409:  # it has left
                return False
            if no.status == 404:  # never arrived there, so nothing of it will be sent
                return True
            raise
        return True

    def ping(self) -> str:
        self._call("GET", "/", "ping a partner")
        return f"{self.connection.name} answered."

    def _call(
        self, method: str, path: str, purpose: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> http.Answer:
        base = str(self.connection.settings.get("base_url") or "").rstrip("/")
        if not base:
            raise Permanent(f"{self.connection.name} has no base_url in its settings.")
        sent = {"Authorization": f"Bearer {self.connection.secret('token')}", **(headers or {})}
        return http.request(self.connection, method, f"{base}{path}", purpose=purpose, headers=sent, json=json)
