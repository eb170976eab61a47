"""Access tokens asked for with longer-lived credentials (OAuth 2), kept by each process while they are good."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlencode

from django.db import transaction

from integrations import http
from integrations.failures import FailureClass
from integrations.models import Connection

EARLY = 60.0  # seconds before its end that a token is no longer used
REFRESH = "refresh_token"
MOST = 1_000
_kept: dict[tuple[str, str], tuple[str, float]] = {}


def ask(
    connection: Connection,
    url: str,
    form: Mapping[str, str],
    *,
    client: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    deadline: float = http.DEADLINE,
) -> dict[str, Any]:
    """What a token endpoint grants for this form, with the client's Basic credentials where it asks for such.

    A refused grant (OAuth answers it with 400) is a failure of authentication, for a person.
    """
    sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    if client:
        sent["Authorization"] = f"Basic {base64.b64encode(':'.join(client).encode()).decode()}"
    content = urlencode(form).encode()
    try:
        answer = http.request(
            connection, "POST", url, purpose="get access token", headers=sent, content=content, deadline=deadline
        )
    except http.FailedForGood as refused:
        raise _refused(refused) from None
    return granted(answer.json())


def granted(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise http.FailedForNow(FailureClass.AUTHENTICATION, "The token endpoint answered without a token.")
    return answer


def lasting(answer: Mapping[str, Any]) -> tuple[str, float]:
    """The token and for how many seconds it is good."""
    return str(answer["access_token"]), float(answer.get("expires_in") or 0)


def rotated(connection: Connection, ask_with: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """A grant for the connection's refresh token, where each grant may bring the next refresh token: that is kept.

    Somebody else may have used it up a moment ago; then theirs is used.
    """
    used = connection.secret(REFRESH)
    try:
        answer = ask_with(used)
    except http.FailedForGood:
        newer = connection.secret(REFRESH)
        if newer == used:
            raise
        used, answer = newer, ask_with(newer)
    following = answer.get(REFRESH)
    if isinstance(following, str) and following and following != used:
        with transaction.atomic():
            connection.keep_secret(REFRESH, following, retire_others=True)
    return answer


def call(
    connection: Connection,
    credentials: str,
    renew: Callable[[], tuple[str, float]],
    make: Callable[[str], http.Answer],
    *,
    ended: Collection[int] = (401,),
) -> http.Answer:
    """One call with the token these credentials get; a token refused before its time is renewed once.

    `ended` are the statuses with which the other side may mean that a token's time is over.
    """
    fresh = not _good(_key(connection, credentials))
    try:
        return make(held(connection, credentials, renew))
    except http.FailedForGood as error:
        if error.status not in ended or fresh:
            raise
    forget(connection, credentials)
    return make(held(connection, credentials, renew))


def held(connection: Connection, credentials: str, renew: Callable[[], tuple[str, float]]) -> str:
    """The token these credentials get: kept, or asked for when there is none or it is about to end.

    `renew` gives it and for how many seconds it is good. `credentials` are whatever changes when they do.
    """
    key = _key(connection, credentials)
    if not _good(key):
        if len(_kept) > MOST:
            _kept.clear()
        token, seconds = renew()
        _kept[key] = (token, time.monotonic() + max(0.0, seconds - EARLY))
        return token
    return _kept[key][0]


def forget(connection: Connection, credentials: str) -> None:
    """The other side said that this token's time is over."""
    _kept.pop(_key(connection, credentials), None)


def needed(connection: Connection, settings: Collection[str], secrets: Collection[str]) -> tuple[str, ...]:
    """The connection's settings, then secrets, of these names; one that lacks is a failure of authentication."""
    found = [str(connection.settings.get(name) or "") for name in settings]
    found += [connection.secret(name) for name in secrets]
    lacking = [name for name, value in zip([*settings, *secrets], found, strict=True) if not value]
    if lacking:
        words = f"{connection.name} is not set up for calls: it lacks {', '.join(lacking)}."
        raise http.FailedForGood(FailureClass.AUTHENTICATION, words)
    return tuple(found)


def listed(answer: Any, key: str) -> list[dict[str, Any]]:
    """The objects of a list in an answer."""
    found = answer.get(key) if isinstance(answer, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _key(connection: Connection, credentials: str) -> tuple[str, str]:
    return str(connection.pk), hashlib.sha256(credentials.encode()).hexdigest()


def _good(key: tuple[str, str]) -> bool:
    return key in _kept and time.monotonic() < _kept[key][1]


def _refused(refused: http.FailedForGood) -> http.FailedForGood:
    if refused.status != 400:
        return refused
    words = f"The other side grants no access token: {refused.body[:200].decode('utf-8', errors='replace')}"
    return http.FailedForGood(FailureClass.AUTHENTICATION, words, status=400, body=refused.body)
