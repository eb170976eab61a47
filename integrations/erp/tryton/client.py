"""Tryton's REST interface (8.2): models, buttons, and its way of writing decimals and dates in JSON.

Every call carries `X-Tryton-Context` with the company: without it costs are empty and stock actions fail. Creating
runs no on_change, so callers send every value. A refusal by a rule of Tryton's is 400 with a message for people.
"""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from core.errors import Permanent, TryLater
from integrations import http
from integrations.erp.calls import BUDGET, CALL, Refused
from integrations.http import FailedForGood
from integrations.models import Connection

MOMENT = ("year", "month", "day", "hour", "minute", "second", "microsecond")


class Rest:
    """One attempt's worth of calls to one database."""

    def __init__(self, connection: Connection):
        self.connection = connection
        settings = connection.settings
        address, database = settings.get("url"), settings.get("database")
        if not address or not database:
            raise Permanent("Its settings lack the url or the database.")
        self.base = f"{address.rstrip('/')}/{quote(database)}/rest/model"
        self.key = connection.secret("key")
        self.context = {"company": int(settings.get("company", 1))}
        self.stop_at = time.monotonic() + BUDGET

    def find(
        self, model: str, domain: Sequence[Any], fields: Sequence[str], *, limit: int = 100
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = read_values(self.raw(model, domain, fields, limit=limit))
        return found

    def raw(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Sequence[str],
        *,
        limit: int,
        context: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """The same in the order of their ids, and as Tryton writes them."""
        query = {"d": _encoded(domain), "s": str(limit), "o": _encoded([["id", "ASC"]])}
        found: list[dict[str, Any]] = self._call("GET", model, fields, None, context, **query)
        return found

    def read(self, model: str, key: int, fields: Sequence[str]) -> dict[str, Any] | None:
        found = self.find(model, [["id", "=", key]], fields, limit=1)
        return found[0] if found else None

    def create(self, model: str, values: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
        made: dict[str, Any] = read_values(self._call("POST", model, fields, values))
        return made

    def write(self, model: str, key: int, values: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
        made: dict[str, Any] = read_values(self._call("PUT", f"{model}/{key}", fields, values))
        return made

    def press(
        self, model: str, key: int, button: str, fields: Sequence[str], *, unwarned: bool = False
    ) -> dict[str, Any]:
        """A button, as a person would press it; answers the record as it is then. `unwarned` as Tryton's own queue
        does it: what would only ask a person whether they are sure is done."""
        context = {"_skip_warnings": True} if unwarned else None
        made: dict[str, Any] = read_values(self._call("POST", f"{model}/{key}/{button}", fields, {}, context))
        return made

    def delete(self, model: str, key: int) -> None:
        self._call("DELETE", f"{model}/{key}", ())

    def _call(
        self,
        method: str,
        path: str,
        fields: Sequence[str],
        body: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        **query: str,
    ) -> Any:
        left = self.stop_at - time.monotonic()
        if left <= 0:
            raise TryLater("Tryton is slow; the next attempt goes on from here.")
        pairs = [*query.items(), *(("f", field) for field in fields)]
        url = f"{self.base}/{path}?{urlencode(pairs)}" if pairs else f"{self.base}/{path}"
        asked = f"{method} {path}"
        content = json.dumps(body, default=write_value, separators=(",", ":")).encode() if body is not None else None
        headers = {
            "Authorization": f"bearer {self.key}",
            "X-Tryton-Context": _encoded({**self.context, **(context or {})}),
        }
        try:
            answer = http.request(
                self.connection, method, url, purpose=asked, headers=headers, content=content, deadline=CALL
            )
        except FailedForGood as refusal:
            if refusal.status == 423:  # a record changed under us
                raise TryLater("Tryton says the record changed meanwhile.", seconds=1) from None
            if refusal.status == 400:
                raise Refused(_message(refusal.body), asked=asked) from None
            raise
        return answer.json() if answer.body else None


def _encoded(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value, default=write_value, separators=(",", ":")).encode()).decode()


def _message(body: bytes) -> str:
    try:
        said = json.loads(body)
        words = ": ".join(filter(None, (said.get("message"), said.get("description"))))
    except (ValueError, AttributeError, TypeError):
        words = body.decode("utf-8", errors="replace")
    return " ".join(words.replace("\x00", "").split())[:1000] or "Tryton gave no reason."


def write_value(value: Any) -> Any:
    """What JSON has no form for, in Tryton's."""
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, datetime):
        return {"__class__": "datetime", **{part: getattr(value.astimezone(UTC), part) for part in MOMENT}}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    raise TypeError(f"{type(value).__name__} has no form in Tryton's JSON")


def moment(value: Mapping[str, Any]) -> datetime:
    """Tryton's moments are UTC and don't say so. ValueError or TypeError for what is none."""
    day = datetime(value["year"], value["month"], value["day"], value.get("hour", 0), tzinfo=UTC)
    rest = {part: value.get(part, 0) for part in MOMENT[4:]}
    return day.replace(**rest)


def read_values(value: Any) -> Any:
    """The same, back."""
    if isinstance(value, list):
        return [read_values(one) for one in value]
    if isinstance(value, dict):
        kind = value.get("__class__")
        if kind == "Decimal":
            return Decimal(value["decimal"])
        if kind == "datetime":
            return moment(value)
        if kind == "date":
            return date(value["year"], value["month"], value["day"])
        return {name: read_values(one) for name, one in value.items()}
    return value
