"""Business Central's API v2.0: OData v4 under one company, with a token of Microsoft Entra's.

Changing or deleting names the version it means (`If-Match`); another's change since then is 412 or 409. Errors are
`error.code` and `error.message`, whose end names a correlation id nobody needs to read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from core.errors import Permanent, TryLater
from integrations.erp.answers import Later, Table
from integrations.erp.calls import Calls, forget_token, said, token
from integrations.failures import FailureClass
from integrations.http import FailedForGood

SIGN_IN = "https://login.microsoftonline.com"
SCOPE = "https://api.businesscentral.dynamics.com/.default"
PAGES = 50
# Microsoft's table of codes goes by their beginnings: what is Internal_ is tried again, but for these, which are about
# the data; Application_ and BadRequest_ ask for other data.
ANSWERS = Table(
    "Business Central",
    {
        "Request_EntityChanged": Later(1),
        "Application_LockTimeout": Later(2),
        "Internal_": Later(2),
        "Internal_EntityWithSameKeyExists": FailureClass.DUPLICATE,
        "Internal_RecordNotFound": FailureClass.MISSING_REFERENCE,
        "Internal_InvalidTableRelation": FailureClass.MISSING_REFERENCE,
        "Internal_DataNotFoundFilter": FailureClass.MISSING_REFERENCE,
        "BadRequest_NotFound": FailureClass.MISSING_REFERENCE,
        "BadRequest_ResourceNotFound": FailureClass.MISSING_REFERENCE,
        "Application_FieldValidationException": FailureClass.MISSING_REFERENCE,
        "Application_StringExceededLength": FailureClass.TOO_LARGE,
        "Authorization_": FailureClass.AUTHENTICATION,
        "Authentication_": FailureClass.AUTHENTICATION,
    },
    words=((r"allowed posting dates|period is closed|fiscal year is closed", FailureClass.CONFLICT),),
    fields=(
        r"field '?([\w .\-/]+?)'? (?:of|in) (?:the )?table", r"([\w .\-/]+?) must have a value", r"property '(\w+)'",
    ),
)  # fmt: skip
_CORRELATION = re.compile(r"\s*CorrelationId:\s*[0-9a-fA-F-]+\.?\s*$")


class BusinessCentral(Calls):
    name = "Business Central"

    @property
    def _company(self) -> str:
        company = self.settings.get("company")
        if not company:
            raise Permanent("Its settings lack the company's id.")
        return f"api/v2.0/companies({company})"

    def headers(self, method: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token()}"}

    def renew(self, refusal: FailedForGood) -> bool:
        forget_token(self.connection)
        return refusal.status == 401

    def _token(self) -> str:
        address = f"{self.settings.get('sign_in', SIGN_IN)}/{self.settings.get('tenant')}/oauth2/v2.0/token"
        try:
            return token(self.connection, address, self._grant)
        except FailedForGood as refusal:
            if refusal.failure_class is not FailureClass.AUTHENTICATION:
                raise
            words = "Microsoft Entra refuses our client."
            raise FailedForGood(FailureClass.AUTHENTICATION, words, status=401, body=refusal.body) from None

    def _grant(self) -> dict[str, str]:
        form = {"grant_type": "client_credentials", "scope": SCOPE, "client_id": str(self.settings.get("client_id"))}
        return form | {"client_secret": self.connection.secret("client_secret")}

    def judge(self, refusal: FailedForGood, asked: str) -> Exception:
        if refusal.status in {409, 412}:
            return TryLater("Business Central says the record changed meanwhile.", seconds=1)
        body = said(refusal.body)
        error = body.get("error") if isinstance(body, dict) else None
        if not isinstance(error, dict):
            return refusal
        code, words = str(error.get("code", "")), _CORRELATION.sub("", str(error.get("message", "")))
        return ANSWERS.judge([code], words, asked)

    def find(self, entities: str, condition: str, *, expand: str = "") -> list[dict[str, Any]]:
        """Every entity of the company under a condition, over as many pages as there are."""
        query = {"$filter": condition, **({"$expand": expand} if expand else {})}
        answer = self.call("GET", f"{self._company}/{entities}", query=query).json()
        found = list(answer["value"])
        for _ in range(PAGES):
            following = answer.get("@odata.nextLink")
            if not following:
                return found
            if not str(following).startswith(f"{self.base}/"):
                raise Permanent("Business Central's next page is at another address.")
            answer = self.call("GET", str(following)).json()
            found += answer["value"]
        raise Permanent(f"Business Central has too many {entities} for {condition}.")

    def page(self, entities: str, condition: str, *, order: str, limit: int, expand: str = "") -> list[dict[str, Any]]:
        """The first so many entities in an order; the server may answer fewer at once, which is no end."""
        query = {"$orderby": order, "$top": str(limit)}
        query |= {"$filter": condition} if condition else {}
        query |= {"$expand": expand} if expand else {}
        answer = self.call("GET", f"{self._company}/{entities}", query=query).json()
        found = list(answer["value"])
        while len(found) < limit and (following := answer.get("@odata.nextLink")):
            if not str(following).startswith(f"{self.base}/"):
                raise Permanent("Business Central's next page is at another address.")
            answer = self.call("GET", str(following)).json()
            found += answer["value"]
        return found

    def create(self, entities: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self.call("POST", f"{self._company}/{entities}", body=values).json())

    def delete(self, entities: str, entity: Mapping[str, Any]) -> None:
        match = {"If-Match": str(entity["@odata.etag"])}
        self.call("DELETE", f"{self._company}/{entities}({entity['id']})", headers=match)

    def published(self, page: str, condition: str) -> list[dict[str, Any]]:
        """Rows of a page somebody published as a web service."""
        return list(self.call("GET", self._published(page), query={"$filter": condition}).json()["value"])

    def publish(self, page: str, values: Mapping[str, Any]) -> None:
        """Add a row to such a page. Refused as DUPLICATE where its key is taken."""
        self.call("POST", self._published(page), body=values)

    def _published(self, page: str) -> str:
        name = self.settings.get("company_name")
        if not name:
            raise Permanent("Its settings lack the company_name, which published pages are found under.")
        return f"ODataV4/Company('{quote(str(name))}')/{page}"

    def do(self, entities: str, key: str, action: str) -> None:
        """A bound action: what a person does with a button."""
        self.call("POST", f"{self._company}/{entities}({key})/Microsoft.NAV.{action}", body={})


def quoted(text: str) -> str:
    """A text in a condition of OData."""
    return "'" + text.replace("'", "''") + "'"


def any_of(field: str, values: Sequence[str]) -> str:
    return " or ".join(f"{field} eq {quoted(value)}" for value in values)
