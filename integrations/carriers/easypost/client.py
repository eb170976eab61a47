"""EasyPost's REST interface, version 2: JSON, the key as the user name of Basic authentication, weights in ounces."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import Permanent, TryLater
from integrations import http
from integrations.carriers.port import Rejected
from integrations.failures import FailureClass
from integrations.http import Answer, FailedForGood
from integrations.models import Connection

ADDRESS = "https://api.easypost.com/v2"
CALL = 20.0  # seconds for one call: making a shipment asks every carrier for its rates
GRAMS_PER_OUNCE = Decimal("28.349523125")


class Refused(Rejected):
    """EasyPost said no by one of its own rules: its code and its words."""

    def __init__(self, code: str, message: str, *, status: int):
        super().__init__(FailureClass.BAD_VALUE, message)
        self.code = code
        self.message = message
        self.status = status


class Rest:
    def __init__(self, connection: Connection):
        self.connection = connection
        self.base = str(connection.settings.get("url") or ADDRESS).rstrip("/")
        key = connection.secret("key")
        if not key:
            raise Permanent("Its settings lack the API key.")
        self.headers = {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}

    def get(self, path: str) -> dict[str, Any]:
        return self._call("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._call("POST", path, body)

    def file(self, url: str) -> Answer:
        """A label as EasyPost keeps it: public by its unguessable address, so no key goes there."""
        return http.request(self.connection, "GET", url, purpose="GET label", headers={"Accept": "*/*"}, deadline=CALL)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        purpose = f"{method} {'/'.join(part for part in path.split('/') if '_' not in part)}"
        try:
            answer = http.request(
                self.connection, method, f"{self.base}/{path}", purpose=purpose, headers=self.headers,
                content=json.dumps(body, default=str, separators=(",", ":")).encode() if body is not None else None,
                deadline=CALL,
            )  # fmt: skip
        except FailedForGood as refusal:
            if refusal.status in {400, 402, 404, 409, 422}:
                raise _refused(refusal) from None
            raise
        found = answer.json()
        if not isinstance(found, dict):
            raise TryLater("EasyPost answered something that is no object.")
        return found


def _refused(refusal: FailedForGood) -> Refused:
    try:
        error = json.loads(refusal.body)["error"]
        code, message = str(error.get("code") or ""), error.get("message")
        details = [f"{e.get('field')}: {e.get('message')}" for e in error.get("errors") or () if isinstance(e, dict)]
    except (ValueError, KeyError, TypeError, AttributeError):
        code, message, details = "", "", []
    words = "; ".join([str(message) if message else "", *details[:5]]).strip("; ")
    return Refused(code, words[:400] or f"EasyPost answered {refusal.status}.", status=refusal.status)


def ounces(grams: int) -> float:
    """To the tenth of an ounce, upwards: a label for too little weight is not valid postage."""
    return float((Decimal(grams) / GRAMS_PER_OUNCE * 10).to_integral_value(rounding="ROUND_CEILING") / 10)
