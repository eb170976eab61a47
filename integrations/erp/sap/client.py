"""SAP S/4HANA's OData v2 services: a session with a CSRF token for what changes anything, ETags, errors with details.

The token is fetched with the session's cookies and both are sent with every change; a 403 that says the token is
required fetches another. Amounts are texts, and moments are /Date(…)/.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core.errors import Permanent, TryLater
from integrations.erp.answers import Later, Table
from integrations.erp.calls import Calls, forget_token, said, token
from integrations.failures import FailureClass
from integrations.http import Answer, FailedForGood

SALES, DELIVERIES = "sap/opu/odata/sap/API_SALES_ORDER_SRV", "sap/opu/odata/sap/API_OUTBOUND_DELIVERY_SRV;v=0002"
BILLING, CREDIT = "sap/opu/odata/sap/API_BILLING_DOCUMENT_SRV", "sap/opu/odata/sap/API_CREDIT_MEMO_REQUEST_SRV"
MATERIALS = "sap/opu/odata/sap/API_MATERIAL_DOCUMENT_SRV"
PRODUCTS = "sap/opu/odata/sap/API_PRODUCT_SRV"
PLANTS, CUSTOMERS = "sap/opu/odata/sap/API_PLANT_SRV", "sap/opu/odata/sap/API_BUSINESS_PARTNER"
STOCK = "sap/opu/odata/sap/API_MATERIAL_STOCK_SRV"
PAGES = 50
# Message class and number. V1/042 and its like: somebody has the document open; SAP locks while a person edits. The
# gateway's own 021 is a method nobody implemented, which no time heals.
ANSWERS = Table(
    "SAP",
    {
        **dict.fromkeys(("V1/042", "VL/046", "MC/601", "MC/602", "M3/024", "M3/682", "M3/897"), Later(5)),
        **dict.fromkeys(("V1/302", "V1/161", "VP/199", "M3/305", "M3/351"), FailureClass.MISSING_REFERENCE),
        "/IWBEP/CM_MGW_RT/020": FailureClass.MISSING_REFERENCE,
        "/IWBEP/CM_MGW_RT/021": FailureClass.BAD_VALUE,
        "/IWBEP/CM_MGW_RT/028": FailureClass.TOO_LARGE,
        **dict.fromkeys(("M7/053", "F5/201"), FailureClass.CONFLICT),  # the posting period is closed
        **dict.fromkeys(("VL/248", "VL/367", "VL/609"), FailureClass.CONFLICT),  # delivered already, blocked, issued
    },
    words=(
        (r"(is|are) (currently )?(being processed|locked) by", Later(5)),
        (r"posting period .* not open|posting only possible in periods", FailureClass.CONFLICT),
        (r"no authori[sz]ation|not authori[sz]ed", FailureClass.AUTHENTICATION),
        (r"does not exist|is not defined|not found", FailureClass.MISSING_REFERENCE),
        (r"already exists", FailureClass.DUPLICATE),
    ),
    fields=(r"property '(\w+)'", r"field (\w+)"),
)
_COOKIE = re.compile(r"(?:^|,\s*)([A-Za-z0-9_.-]+=[^;,\s]+)")


class Sap(Calls):
    name = "SAP"

    def __init__(self, connection: Any):
        super().__init__(connection)
        self.csrf: dict[str, str] = {}

    def headers(self, method: str) -> Mapping[str, str]:
        return {"Authorization": self._authorised(), **(self.csrf if method != "GET" else {})}

    def _authorised(self) -> str:
        if self.settings.get("token_url"):
            return f"Bearer {token(self.connection, str(self.settings['token_url']), self._grant)}"
        pair = f"{self.settings.get('user', '')}:{self.connection.secret('password')}"
        return f"Basic {b64encode(pair.encode()).decode()}"

    def _grant(self) -> dict[str, str]:
        form = {"grant_type": "client_credentials", "client_id": str(self.settings.get("client_id"))}
        return form | {"client_secret": self.connection.secret("client_secret")}

    def renew(self, refusal: FailedForGood) -> bool:
        if refusal.status == 403:  # the session or its token has ended, or we never were allowed
            ended, self.csrf = bool(self.csrf), {}
            return ended and self._fetched()
        forget_token(self.connection)
        return bool(self.settings.get("token_url"))

    def _fetched(self) -> bool:
        """A token and the session it belongs to. Every service of one system takes the same."""
        answer = self.call("GET", f"{SALES}/", headers={"X-CSRF-Token": "Fetch"})
        found = answer.headers.get("x-csrf-token", "")
        if not found:
            answer.json()  # a gateway's page says nothing of SAP
            raise Permanent("SAP gave no CSRF token.")
        cookies = "; ".join(_COOKIE.findall(answer.headers.get("set-cookie", "")))
        self.csrf = {"X-CSRF-Token": found, **({"Cookie": cookies} if cookies else {})}
        return True

    def judge(self, refusal: FailedForGood, asked: str) -> Exception:
        if refusal.status in {412, 428}:
            return TryLater("SAP says the document changed meanwhile.", seconds=1)
        body = said(refusal.body)
        error = body.get("error") if isinstance(body, dict) else None
        if not isinstance(error, dict):
            return refusal
        details = (error.get("innererror") or {}).get("errordetails") or []
        told = error.get("message")
        first = str(told.get("value", "")) if isinstance(told, dict) else str(told or "")
        every = [first, *(str(each.get("message", "")) for each in details if each.get("severity") == "error")]
        words, code = "; ".join(dict.fromkeys(filter(None, every))), str(error.get("code", ""))
        codes = [code, *(str(each.get("code", "")) for each in details)]
        named = next((str(each[at]) for each in details for at in ("propertyref", "target") if each.get(at)), "")
        return ANSWERS.judge(codes, words, asked, named=named.rpartition("/")[2])

    def find(self, service: str, entities: str, condition: str, **more: str) -> list[dict[str, Any]]:
        """Every entity under a condition, over as many pages as there are."""
        query = {"$filter": condition, "$format": "json", **more}
        found = self.call("GET", f"{service}/{entities}", query=query).json()["d"]
        rows = list(found["results"])
        for _ in range(PAGES):
            following = found.get("__next")
            if not following:
                return rows
            if not str(following).startswith(f"{self.base}/"):
                raise Permanent("SAP's next page is at another address.")
            found = self.call("GET", str(following)).json()["d"]
            rows += found["results"]
        raise Permanent(f"SAP has too many {entities} for {condition}.")

    def page(
        self, service: str, entities: str, condition: str, *, order: str, limit: int, **more: str
    ) -> list[dict[str, Any]]:
        """The first so many entities in an order; the server may answer fewer at once, which is no end."""
        query = {"$orderby": order, "$top": str(limit), "$format": "json", **more}
        if condition:
            query["$filter"] = condition
        found = self.call("GET", f"{service}/{entities}", query=query).json()["d"]
        rows = list(found["results"])
        while len(rows) < limit and (following := found.get("__next")):
            if not str(following).startswith(f"{self.base}/"):
                raise Permanent("SAP's next page is at another address.")
            found = self.call("GET", str(following)).json()["d"]
            rows += found["results"]
        return rows

    def change(self, method: str, path: str, body: Any = None, *, etag: str = "") -> Answer:
        """A call that changes something, under the session's token and, where it means one version, its ETag."""
        if not self.csrf:
            self._fetched()
        return self.call(method, path, body=body, headers={"If-Match": etag} if etag else None)


def day(text: str) -> str:
    """A day in OData v2's words."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return f"/Date({int(moment.timestamp() * 1000)})/"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
