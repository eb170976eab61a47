"""Asking Lightspeed: X-Series by version, R-Series by the time of change.

X-Series: the settings `series` ("X") and `api` (https://<shop>.retail.lightspeed.app), the secret `token`.
R-Series: `series` ("R"), `api` (https://api.lightspeedapp.com), `account`, `client_id`, the secrets `client_secret` and
`refresh_token`. A refresh may bring a new refresh token: it takes the old one's place before the call goes on.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from core.errors import Permanent
from integrations import http, tokens
from integrations.channels.vendor import Document, Feed, Page
from integrations.documents import write_json
from integrations.failures import FailureClass
from integrations.models import Connection

AT_ONCE = 100
LOOKS_BACK = timedelta(minutes=10)  # tills that were offline send late
FIRST = timedelta(days=2)
_RELATIONS = '["SaleLines","SaleLines.Item","SalePayments","SalePayments.PaymentType","Customer"]'


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("api"))


def changed_sales(connection: Connection, cursor: str) -> Page:
    if connection.settings.get("series") == "R":
        return _changed(connection, cursor, "Sale", "saleID", "sale", {"load_relations": _RELATIONS})
    return _by_version(connection, cursor, "sales", lambda each: _document("sale", each))


def changed_codes(connection: Connection, cursor: str) -> Page:
    if connection.settings.get("series") == "R":
        return _changed(connection, cursor, "Item", "itemID", "item", {})
    return _by_version(connection, cursor, "products", lambda each: _document("product", each))


FEEDS = (
    Feed("sales", "Changed sales", timedelta(minutes=5), changed_sales),
    Feed("codes", "Codes of articles", timedelta(hours=1), changed_codes),
)


def _by_version(connection: Connection, cursor: str, what: str, document: Callable[[dict[str, Any]], Document]) -> Page:
    """X-Series counts every change of a shop: what comes after a version is new, and nothing is missed."""
    query = {"page_size": AT_ONCE, "after": cursor or "0"}
    path = f"/api/2.0/{what}?{urlencode(query)}"
    answer = call(connection, path, purpose=f"read changed {what}")
    listed = tokens.listed(answer, "data")
    version = answer.get("version") if isinstance(answer.get("version"), dict) else {}
    onward = str((version or {}).get("max") or cursor or "0")
    return Page(tuple(document(each) for each in listed), onward, more=bool(listed) and onward != cursor)


def _document(kind: str, each: dict[str, Any]) -> Document:
    version = each.get("version") or each.get("updated_at")
    return Document(f"{kind}:{each.get('id')}@{version}", kind, write_json(each))


def _changed(connection: Connection, cursor: str, many: str, key: str, kind: str, more: dict[str, str]) -> Page:
    """R-Series by the time of change; its answer names the next page. The cursor is a moment or that address."""
    account = connection.settings.get("account")
    if cursor.startswith("{"):
        kept = jsonlib.loads(cursor)
        began, path = kept["began"], kept["path"]
    else:
        began = datetime.now(UTC).isoformat()
        since = cursor or (datetime.now(UTC) - FIRST).isoformat()
        query = {"timeStamp": f">,{since}", "sort": "timeStamp", "limit": str(AT_ONCE), **more}
        path = f"/API/V3/Account/{account}/{many}.json?{urlencode(query)}"
    answer = call(connection, path, purpose=f"read changed {kind}s")
    found = answer.get(many)
    listed = [found] if isinstance(found, dict) else tokens.listed(answer, many)
    documents = tuple(
        Document(f"{kind}:{each.get(key)}@{each.get('timeStamp')}", kind, write_json({many: each})) for each in listed
    )
    attributes = answer.get("@attributes")
    onward = str((attributes or {}).get("next") or "") if isinstance(attributes, dict) else ""
    if onward:
        base = str(connection.settings.get("api") or "").rstrip("/")
        return Page(documents, jsonlib.dumps({"began": began, "path": onward.removeprefix(base)}), more=True)
    return Page(documents, (datetime.fromisoformat(began) - LOOKS_BACK).isoformat())


def call(connection: Connection, path: str, *, purpose: str, method: str = "GET", json: Any = None) -> dict[str, Any]:
    base = str(connection.settings.get("api") or "").rstrip("/")
    if not base or not path.startswith("/"):
        words = f"{connection.name} is asked at its setting api only, not at {path[:80]}."
        raise http.FailedForGood(FailureClass.BAD_VALUE, words)

    def make(token: str) -> http.Answer:
        headers = {"Authorization": f"Bearer {token}"}
        return http.request(connection, method, base + path, purpose=purpose, headers=headers, json=json)

    fixed, refresh = connection.secret("token"), connection.secret("refresh_token")
    if fixed:
        answer = make(fixed)
    elif refresh:
        answer = tokens.call(connection, connection.secret("client_secret"), lambda: _renew(connection, base), make)
    else:
        raise http.FailedForGood(FailureClass.AUTHENTICATION, f"{connection.name} has no token to call with.")
    found = answer.json()
    if not isinstance(found, dict):
        raise Permanent("The answer is no object.")
    return found


def _renew(connection: Connection, base: str) -> tuple[str, float]:
    refresh = connection.secret("refresh_token")
    asked = {
        "client_id": connection.settings.get("client_id"),
        "client_secret": connection.secret("client_secret"),
        "grant_type": "refresh_token",
        "refresh_token": refresh,
    }
    url = str(connection.settings.get("token_url") or "https://cloud.lightspeedapp.com/auth/oauth/token")
    answer = http.request(connection, "POST", url, purpose="get access token", json=asked).json()
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise http.FailedForNow(FailureClass.AUTHENTICATION, "The token endpoint answered without a token.")
    if (fresh := answer.get("refresh_token")) and fresh != refresh:
        connection.keep_secret("refresh_token", str(fresh), retire_others=True)
    return answer["access_token"], float(answer.get("expires_in") or 0)
