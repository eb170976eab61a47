"""What ERP clients share: a budget for one attempt, JSON with exact numbers, tokens renewed once, refusals in words."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from core.errors import Permanent, TryLater
from integrations import http, tokens
from integrations.documents import read_json, write_json
from integrations.failures import FailureClass, Unreadable
from integrations.http import Answer, FailedForGood
from integrations.models import Connection

BUDGET = 20.0  # seconds after which no further call of one attempt is begun
CALL = 15.0
AN_HOUR = 3600.0  # what a token is good for where its endpoint doesn't say


class Refused(Exception):
    """The ERP said no by one of its own rules; `asked` is the call without its figures, `field` what it is about."""

    def __init__(
        self, message: str, *, asked: str, failure_class: FailureClass = FailureClass.BAD_VALUE, field: str = ""
    ):
        self.message = " ".join(message.replace("\x00", "").split())[:1000] or "The ERP gave no reason."
        if field and field not in self.message:
            self.message = f"{self.message} (field {field})"
        super().__init__(self.message)
        self.asked = asked
        self.failure_class = failure_class
        self.field = field


class Calls:
    """One attempt's worth of calls to one ERP."""

    name = ""

    def __init__(self, connection: Connection):
        self.connection = connection
        self.settings = connection.settings
        if not self.settings.get("url"):
            raise Permanent("Its settings lack the url.")
        self.base = str(self.settings["url"]).rstrip("/")
        self.stop_at = time.monotonic() + BUDGET

    # --- What a vendor brings

    def headers(self, method: str) -> Mapping[str, str]:
        """What authorises a call."""
        raise NotImplementedError

    def renew(self, refusal: FailedForGood) -> bool:
        """Forget what a 401 or 403 says has ended; whether the call is worth repeating."""
        return False

    def judge(self, refusal: FailedForGood, asked: str) -> Exception:
        """What a 4xx other than 401, 403, 408 and 429 means."""
        return refusal

    # --- One call

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        left = self.stop_at - time.monotonic()
        if left <= 0:
            raise TryLater(f"{self.name} is slow; the next attempt goes on from here.")
        url = path if path.startswith(("http://", "https://")) else f"{self.base}/{path}"
        if query:
            url += f"?{urlencode(query, quote_via=quote)}"
        asked = f"{method} {path}"
        content = write_json(body) if body is not None else None

        def once() -> Answer:
            sent = {**self.headers(method), **(headers or {})}
            return http.request(
                self.connection, method, url, purpose=asked, headers=sent, content=content, deadline=CALL
            )

        try:
            try:
                return once()
            except FailedForGood as refusal:
                if refusal.status not in {401, 403} or not self.renew(refusal):
                    raise
                return once()
        except FailedForGood as refusal:
            ours = refusal.status in {0, 401, 403} or refusal.failure_class is FailureClass.AUTHENTICATION
            raise (refusal if ours else self.judge(refusal, asked)) from None


def said(body: bytes) -> Any:
    """An error's body as a document; its text where it is none."""
    try:
        return read_json(body)
    except Unreadable:
        return body.decode("utf-8", errors="replace")


def token(connection: Connection, url: str, form: Callable[[], Mapping[str, str]]) -> str:
    """The connection's access token, from OAuth 2.0's endpoint when there is none or it is about to end."""

    def renew() -> tuple[str, float]:
        value, seconds = tokens.lasting(tokens.ask(connection, url, form(), deadline=CALL))
        return value, seconds or AN_HOUR

    return tokens.held(connection, str(connection.updated_at), renew)


def forget_token(connection: Connection) -> None:
    tokens.forget(connection, str(connection.updated_at))
