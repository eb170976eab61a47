"""What ERP clients share: a budget for one attempt, JSON with exact numbers, tokens renewed once, refusals in words."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from core.errors import Permanent, TryLater
from integrations import http
from integrations.documents import read_json, write_json
from integrations.failures import FailureClass, Unreadable
from integrations.http import Answer, FailedForGood
from integrations.models import Connection

BUDGET = 20.0  # seconds after which no further call of one attempt is begun
CALL = 15.0
EARLY = 60.0  # a token is renewed this long before it ends


class Refused(Exception):
    """The ERP said no by one of its own rules; `asked` is the call without its figures."""

    def __init__(self, message: str, *, asked: str, failure_class: FailureClass = FailureClass.BAD_VALUE):
        super().__init__(message)
        self.message = " ".join(message.replace("\x00", "").split())[:1000] or "The ERP gave no reason."
        self.asked = asked
        self.failure_class = failure_class


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
            raise (refusal if refusal.status in {0, 401, 403} else self.judge(refusal, asked)) from None


def said(body: bytes) -> Any:
    """An error's body as a document; its text where it is none."""
    try:
        return read_json(body)
    except Unreadable:
        return body.decode("utf-8", errors="replace")


_tokens: dict[tuple[Any, ...], tuple[float, str]] = {}


def token(connection: Connection, ask: Callable[[], tuple[str, float]]) -> str:
    """The connection's access token, asked for when there is none or it is about to end; `ask` says for how long."""
    key = (connection.pk, connection.updated_at)
    kept = _tokens.get(key)
    if kept is not None and time.monotonic() < kept[0]:
        return kept[1]
    if len(_tokens) > 1000:
        _tokens.clear()
    value, seconds = ask()
    _tokens[key] = (time.monotonic() + max(0.0, seconds - EARLY), value)
    return value


def forget_token(connection: Connection) -> None:
    _tokens.pop((connection.pk, connection.updated_at), None)


def ask_for_token(connection: Connection, url: str, form: Mapping[str, str]) -> tuple[str, float]:
    """OAuth 2.0's token endpoint: the access token and for how many seconds it is good."""
    answer = http.request(
        connection,
        "POST",
        url,
        purpose="ask for an access token",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        content=urlencode(form).encode(),
        deadline=CALL,
    ).json()
    if not isinstance(answer, dict) or not answer.get("access_token"):
        raise TryLater("The token endpoint gave no access token.")
    return str(answer["access_token"]), float(answer.get("expires_in") or 3600)
