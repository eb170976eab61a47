"""Odoo's models from outside: JSON-2 of Odoo 19 and later, or JSON-RPC's execute_kw for what is older.

Both take the same named arguments, so callers don't see which is spoken. Every call is one transaction of Odoo's: a
refusal undoes it whole. Errors of JSON-2 are an object with the exception's name and message under a fitting status;
JSON-RPC answers 200 with the same under `error.data`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import Permanent, TryLater
from integrations.erp.answers import Later, Table
from integrations.erp.calls import Calls, said
from integrations.failures import FailureClass
from integrations.http import FailedForGood

JSON2, JSON_RPC = "json2", "jsonrpc"
# Exceptions by their full name. Two transactions met: PostgreSQL let one of them go, and Odoo gave up repeating it. Its
# users' rules are all UserError or ValidationError, so words tell a locked period from a wrong value.
ANSWERS = Table(
    "Odoo",
    {
        "odoo.exceptions.AccessDenied": FailureClass.AUTHENTICATION,
        "odoo.exceptions.AccessError": FailureClass.AUTHENTICATION,
        "odoo.exceptions.MissingError": FailureClass.MISSING_REFERENCE,
        "odoo.exceptions.LockError": Later(2),
        "odoo.exceptions.ConcurrencyError": Later(2),
        "odoo.http.SessionExpired": Later(2),
        "psycopg2.OperationalError": Later(2),
        "psycopg2.errors.": Later(2),
        "psycopg2.errors.UniqueViolation": FailureClass.DUPLICATE,
        "psycopg2.errors.ForeignKeyViolation": FailureClass.MISSING_REFERENCE,
        "psycopg2.errors.NotNullViolation": FailureClass.BAD_VALUE,
        "psycopg2.errors.CheckViolation": FailureClass.BAD_VALUE,
    },
    words=(
        (r"lock date|prior to and inclusive|locked period", FailureClass.CONFLICT),
        (r"must be unique|already exists|already been used", FailureClass.DUPLICATE),
        (r"does not exist or has been deleted|no matching record", FailureClass.MISSING_REFERENCE),
        (r"must be in draft|already (posted|cancelled)|no items are available", FailureClass.CONFLICT),
    ),
    fields=(
        r"invalid field '?([\w.]+)", r"invalid fields?:? '([\w.]+)'", r"missing required (?:field|value).*'(\w+)'",
        r"Field: .*\((\w+)\)", r"null value in column \"(\w+)\"",
    ),
)  # fmt: skip


class Odoo(Calls):
    name = "Odoo"

    def headers(self, method: str) -> Mapping[str, str]:
        if self._older:
            return {}
        database = self.settings.get("database")
        named = {"X-Odoo-Database": str(database)} if database else {}
        return {"Authorization": f"bearer {self.connection.secret('key')}", **named}

    def judge(self, refusal: FailedForGood, asked: str) -> Exception:
        return _meaning(said(refusal.body), asked, refusal)

    def find(self, model: str, domain: Sequence[Any], fields: Sequence[str], **more: Any) -> list[dict[str, Any]]:
        found = self.do(model, "search_read", domain=list(domain), fields=list(fields), **{"limit": 100, **more})
        return list(found)

    def create(self, model: str, values: Mapping[str, Any], **more: Any) -> int:
        made = self.do(model, "create", vals_list=[dict(values)], **more)
        return int(made[0] if isinstance(made, list) else made)

    def write(self, model: str, key: int, values: Mapping[str, Any]) -> None:
        self.do(model, "write", [key], vals=dict(values))

    def do(self, model: str, method: str, ids: Sequence[int] | None = None, **named: Any) -> Any:
        """A public method of a model, on records where it is one of records."""
        if self._older:
            return self._execute(model, method, ids, named)
        body = {"ids": list(ids), **named} if ids is not None else named
        return self.call("POST", f"json/2/{model}/{method}", body=body).json()

    # --- Odoo 18 and older

    @property
    def _older(self) -> bool:
        return bool(self.settings.get("api", JSON2) == JSON_RPC)

    def _execute(self, model: str, method: str, ids: Sequence[int] | None, named: Mapping[str, Any]) -> Any:
        database, key = self.settings.get("database"), self.connection.secret("key")
        login = self.settings.get("login")
        if not database or not login:
            raise Permanent("Its settings lack the database or the login, which Odoo's older interface needs.")
        user = self._rpc("common", "login", [database, login, key], "login")
        if not user:
            raise FailedForGood(FailureClass.AUTHENTICATION, "Odoo refuses our credentials.", status=401)
        args = [list(ids)] if ids is not None else []
        return self._rpc("object", "execute_kw", [database, user, key, model, method, args, named], f"{model}.{method}")

    def _rpc(self, service: str, method: str, args: list[Any], asked: str) -> Any:
        params = {"service": service, "method": method, "args": args}
        answer = self.call("POST", "jsonrpc", body={"jsonrpc": "2.0", "method": "call", "params": params, "id": 1})
        body = answer.json()
        if not isinstance(body, dict):
            raise TryLater("Odoo's answer is no answer of JSON-RPC.")
        if "error" in body:
            data = body["error"].get("data") if isinstance(body["error"], dict) else None
            raise _meaning(data, asked, Permanent(f"Odoo answered: {body['error']}"[:300]))
        return body.get("result")


def _meaning(error: Any, asked: str, otherwise: Exception) -> Exception:
    """What an exception of Odoo's means; `otherwise` for an answer that isn't one."""
    if not isinstance(error, dict) or not error.get("name"):
        return otherwise
    name, message = str(error["name"]), str(error.get("message") or error["name"])
    if name.startswith("werkzeug.exceptions."):  # the address itself: no model, no method, no database
        return otherwise
    return ANSWERS.judge([name], message, asked)
