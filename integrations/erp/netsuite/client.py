"""NetSuite's REST record service and SuiteQL, as a machine: OAuth 2.0 client credentials with a signed assertion.

A record may be named by our own `externalId` (`eid:…`): PUT makes it or changes it, so repeating makes no second one.
Creating answers 204 with the record's address alone. Refusals are problem documents whose `o:errorDetails` hold
NetSuite's words and its code.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import jwt

from core.errors import Permanent
from integrations.erp.answers import Later, Table
from integrations.erp.calls import Calls, Refused, forget_token, said, token
from integrations.failures import FailureClass
from integrations.http import FailedForGood

RECORD, QUERY = "services/rest/record/v1", "services/rest/query/v1/suiteql"
TOKEN = "services/rest/auth/oauth2/v1/token"  # noqa: S105  (an address)
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTED_SECONDS = 300
PLACES = ("o:errorPath", "o:errorQueryParam", "o:errorHeader")
# `o:errorCode` of the error details. The path beside it is the field.
ANSWERS = Table(
    "NetSuite",
    {
        **dict.fromkeys(("RCRD_HAS_BEEN_CHANGED", "CONCURRENT_UPDATE", "RECORD_LOCKED", "UNEXPECTED_ERROR"), Later(2)),
        **dict.fromkeys(("CONCURRENCY_LIMIT_EXCEEDED", "SSS_REQUEST_LIMIT_EXCEEDED"), Later(10)),
        **dict.fromkeys(("SESSION_TIMED_OUT", "REQUEST_TIMEOUT", "SERVICE_UNAVAILABLE"), Later(10)),
        **dict.fromkeys(("INVALID_LOGIN", "INSUFFICIENT_PERMISSION", "PERMISSION_"), FailureClass.AUTHENTICATION),
        **dict.fromkeys(("NONEXISTENT_ID", "INVALID_KEY_OR_REF", "RCRD_DSNT_EXIST"), FailureClass.MISSING_REFERENCE),
        "DUP_": FailureClass.DUPLICATE,
        **dict.fromkeys(("TRAN_PERIOD_CLOSED", "TRAN_PRD_CLOSED", "CLOSED_TRAN_PRD"), FailureClass.CONFLICT),
        "INVALID_INITIALIZE_REF": FailureClass.CONFLICT,  # fulfilled or billed already
        "TRANS_UNBALNCD": FailureClass.BAD_VALUE,
    },
    words=(
        (r"period is (closed|locked)|closed period", FailureClass.CONFLICT),
        (r"invalid .*reference key|does not exist", FailureClass.MISSING_REFERENCE),
        (r"record has been changed", Later(2)),
        (r"already exists|must be unique", FailureClass.DUPLICATE),
    ),
    fields=(r"following field: (\w+)", r"invalid field (?:name )?'?(\w+)", r"please enter value\(s\) for:? ([\w ,]+)"),
)  # fmt: skip


class NetSuite(Calls):
    name = "NetSuite"

    def headers(self, method: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token()}"}

    def renew(self, refusal: FailedForGood) -> bool:
        forget_token(self.connection)
        return refusal.status == 401

    def _token(self) -> str:
        try:
            return token(self.connection, f"{self.base}/{TOKEN}", self._grant)
        except FailedForGood as refusal:
            if refusal.failure_class is not FailureClass.AUTHENTICATION:
                raise
            words = "NetSuite refuses our certificate."
            raise FailedForGood(FailureClass.AUTHENTICATION, words, status=401, body=refusal.body) from None

    def _grant(self) -> dict[str, str]:
        address, now = f"{self.base}/{TOKEN}", int(time.time())
        claims = {"iss": self.settings.get("client_id"), "scope": "rest_webservices", "aud": address}
        claims |= {"iat": now, "exp": now + ASSERTED_SECONDS, "jti": uuid4().hex}
        headers = {"kid": str(self.settings.get("certificate_id", ""))}
        algorithm = str(self.settings.get("algorithm", "PS256"))
        try:
            signed = jwt.encode(claims, self.connection.secret("private_key"), algorithm=algorithm, headers=headers)
        except (ValueError, TypeError, jwt.PyJWTError):
            raise FailedForGood(FailureClass.AUTHENTICATION, "Our private key can't sign.", status=401) from None
        return {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": signed}

    def judge(self, refusal: FailedForGood, asked: str) -> Exception:
        error = said(refusal.body)
        details = error.get("o:errorDetails") if isinstance(error, dict) else None
        if not isinstance(details, list) or not details:
            return refusal
        told = [each for each in details if isinstance(each, dict)]
        words = "; ".join(str(each.get("detail", "")) for each in told)
        codes = [str(each.get("o:errorCode", "")) for each in told]
        named = next((str(each[at]) for each in told for at in PLACES if each.get(at)), "")
        return ANSWERS.judge(codes, words, asked, named=named)

    def read(self, record: str, key: str, *, lines: bool = False) -> dict[str, Any] | None:
        """A record by its id or `eid:…`, with its lines where they are asked for; None where there is none."""
        query = {"expandSubResources": "true"} if lines else None
        try:
            return dict(self.call("GET", f"{RECORD}/{record}/{quote(key, safe=':')}", query=query).json())
        except FailedForGood as refusal:
            if refusal.status == 404:
                return None
            raise
        except Refused as no:
            if no.failure_class == FailureClass.MISSING_REFERENCE:
                return None
            raise

    def under(self, record: str, field: str, value: str) -> list[dict[str, Any]]:
        """Records whose field is that text; NetSuite answers their ids, and each is read."""
        answer = self.call("GET", f"{RECORD}/{record}", query={"q": f'{field} IS "{value}"', "limit": "100"}).json()
        found = (self.read(record, str(each["id"])) for each in answer.get("items", []))
        return [each for each in found if each is not None]

    def put(self, record: str, external_id: str, values: Mapping[str, Any], *, replace: str = "item") -> None:
        """Make it or make it so: every line (of the sublist `replace`) is replaced by the given ones."""
        self.call("PUT", f"{RECORD}/{record}/eid:{quote(external_id)}", query={"replace": replace}, body=values)

    def change(self, record: str, key: str, values: Mapping[str, Any]) -> None:
        self.call("PATCH", f"{RECORD}/{record}/{key}", body=values)

    def transform(self, record: str, key: str, into: str, values: Mapping[str, Any]) -> None:
        self.call("POST", f"{RECORD}/{record}/{key}/!transform/{into}", body=values)

    def query(self, text: str, *, limit: int = 1000) -> list[dict[str, Any]]:
        """The first so many rows of a query, at most a thousand."""
        query, prefer = {"limit": str(limit)}, {"Prefer": "transient"}
        answer = self.call("POST", QUERY, query=query, body={"q": text}, headers=prefer).json()
        return list(answer["items"])

    def ids(self, table: str, field: str, names: Iterable[str]) -> dict[str, str]:
        """Internal ids of a table's rows by one of its fields."""
        wanted = sorted(set(names))
        if not wanted:
            return {}
        listed = ", ".join("'" + name.replace("'", "''") + "'" for name in wanted)
        text = f"SELECT id, {field} AS name FROM {table} WHERE {field} IN ({listed})"  # noqa: S608  (quoted above)
        answer = self.call("POST", QUERY, query={"limit": "1000"}, body={"q": text}, headers={"Prefer": "transient"})
        found = answer.json()
        if found.get("hasMore"):
            raise Permanent(f"NetSuite has more than a thousand rows of {table} for {len(wanted)} names.")
        return {str(row["name"]): str(row["id"]) for row in found["items"]}
