"""Access tokens asked for with longer-lived credentials (OAuth 2), kept by each process while they are good."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from integrations import http
from integrations.failures import FailureClass
from integrations.models import Connection

EARLY = 60.0  # seconds before its end that a token is no longer used
_kept: dict[tuple[str, str], tuple[str, float]] = {}


def ask(connection: Connection, url: str, form: Mapping[str, str], *, client: tuple[str, str]) -> tuple[str, float]:
    """A new token and the seconds it is good for, from a token endpoint with the client's Basic credentials."""
    basic = base64.b64encode(":".join(client).encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    content = urlencode(form).encode()
    answer = http.request(connection, "POST", url, purpose="get access token", headers=headers, content=content).json()
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise http.FailedForNow(FailureClass.AUTHENTICATION, "The token endpoint answered without a token.")
    return answer["access_token"], float(answer.get("expires_in") or 0)


def call(
    connection: Connection,
    credentials: str,
    renew: Callable[[], tuple[str, float]],
    make: Callable[[str], http.Answer],
) -> http.Answer:
    """One call with the token these credentials get; a token refused before its time is renewed once."""
    key = (str(connection.pk), hashlib.sha256(credentials.encode()).hexdigest())
    token, until = _kept.get(key, ("", 0.0))
    fresh = time.monotonic() >= until
    if fresh:
        token = _renewed(key, renew)
    try:
        return make(token)
    except http.FailedForGood as error:
        if error.status != 401 or fresh:
            raise
    return make(_renewed(key, renew))


def _renewed(key: tuple[str, str], renew: Callable[[], tuple[str, float]]) -> str:
    token, seconds = renew()
    _kept[key] = (token, time.monotonic() + seconds - EARLY)
    return token


def listed(answer: Any, key: str) -> list[dict[str, Any]]:
    """The objects of a list in an answer."""
    found = answer.get(key) if isinstance(answer, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
