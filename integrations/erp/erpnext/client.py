"""ERPNext through Frappe's REST interface: documents under /api/resource, whitelisted methods under /api/method.

A document is a draft (docstatus 0), submitted (1) or cancelled (2); setting docstatus submits it. Refusals come as 417
with the exception in `exc_type` and the words for people, JSON within JSON, in `_server_messages`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from integrations.erp.answers import Later, Table
from integrations.erp.calls import Calls, said
from integrations.failures import FailureClass
from integrations.http import FailedForGood

# Exceptions by their name. Somebody changed or locked it between our reading and our writing: the next attempt reads
# again. The rules of its documents are ValidationError and what derives from it.
ANSWERS = Table(
    "ERPNext",
    {
        **dict.fromkeys(("TimestampMismatchError", "QueryTimeoutError", "QueryDeadlockError"), Later(2)),
        **dict.fromkeys(("DocumentLockedError", "InReadOnlyMode", "SessionStopped"), Later(10)),
        **dict.fromkeys(("RateLimitExceededError", "TooManyRequestsError", "TooManyWritesError"), Later(30)),
        **dict.fromkeys(("AuthenticationError", "PermissionError", "CSRFTokenError"), FailureClass.AUTHENTICATION),
        **dict.fromkeys(("LinkValidationError", "DoesNotExistError"), FailureClass.MISSING_REFERENCE),
        "FiscalYearError": FailureClass.MISSING_REFERENCE,
        **dict.fromkeys(("DuplicateEntryError", "UniqueValidationError"), FailureClass.DUPLICATE),
        **dict.fromkeys(("ClosedAccountingPeriod", "StockFreezeError"), FailureClass.CONFLICT),
        **dict.fromkeys(("UpdateAfterSubmitError", "CannotChangeConstantError"), FailureClass.CONFLICT),
        **dict.fromkeys(("PartyFrozen", "PartyDisabled", "LinkExistsError"), FailureClass.CONFLICT),
        "DataTooLongException": FailureClass.TOO_LARGE,
        "CharacterLengthExceededError": FailureClass.TOO_LARGE,
    },
    words=(
        (r"closed accounting period|not authorized to add or update entries before|is frozen", FailureClass.CONFLICT),
        (r"not in any active fiscal year", FailureClass.MISSING_REFERENCE),
        (r"submitted document|already (submitted|cancelled)|over limit by", FailureClass.CONFLICT),
        (r"could not find|does not exist|not found", FailureClass.MISSING_REFERENCE),
        (r"already exists|must be unique", FailureClass.DUPLICATE),
    ),
    fields=(
        r"^\[[^\]]+\]: ([\w, ]+)$", r"(Row #?\d+: [\w /]+?)(?::| is | must | cannot |,)",
        r"value missing for:? ([\w ]+)",
    ),
)  # fmt: skip
_TAG = re.compile(r"<[^>]*>")


class ErpNext(Calls):
    name = "ERPNext"

    def headers(self, method: str) -> Mapping[str, str]:
        return {"Authorization": f"token {self.connection.secret('key')}:{self.connection.secret('secret')}"}

    def judge(self, refusal: FailedForGood, asked: str) -> Exception:
        error = said(refusal.body)
        kind = str(error.get("exc_type") or "") if isinstance(error, dict) else ""
        if not kind:
            return refusal
        return ANSWERS.judge([kind], _words(error) or kind, asked)

    def find(
        self,
        doctype: str,
        filters: Sequence[Sequence[Any]],
        fields: Sequence[str],
        *,
        limit: int = 100,
        order: str = "creation asc",
        parent: str = "",
    ) -> list[dict[str, Any]]:
        """Rows under every filter; 0 as limit: all. A child table is asked for with the doctype it belongs to."""
        query = {"filters": json.dumps(list(filters)), "fields": json.dumps(list(fields))}
        query |= {"limit_page_length": str(limit), "order_by": order, **({"parent": parent} if parent else {})}
        return list(self.call("GET", f"api/resource/{quote(doctype)}", query=query).json()["data"])

    def read(self, doctype: str, name: str) -> dict[str, Any]:
        return dict(self.call("GET", _address(doctype, name)).json()["data"])

    def create(self, doctype: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self.call("POST", f"api/resource/{quote(doctype)}", body=values).json()["data"])

    def write(self, doctype: str, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self.call("PUT", _address(doctype, name), body=values).json()["data"])

    def delete(self, doctype: str, name: str) -> None:
        self.call("DELETE", _address(doctype, name))

    def ask(self, method: str, **named: Any) -> Any:
        return self.call("POST", f"api/method/{method}", body=named).json()["message"]


def _address(doctype: str, name: str) -> str:
    return f"api/resource/{quote(doctype)}/{quote(name, safe='')}"


def _words(error: Mapping[str, Any]) -> str:
    """What Frappe tells people: a list of JSON texts in a JSON text, with markup; else the exception's last line."""
    try:
        told = [json.loads(each) for each in json.loads(error.get("_server_messages") or "[]")]
        words = "; ".join(str(each.get("message", "")) if isinstance(each, dict) else str(each) for each in told)
    except (ValueError, TypeError):
        words = ""
    return _TAG.sub("", words) or str(error.get("exception") or "").rpartition(": ")[2]
