"""An Adyen merchant account for tests and the demo: payments, captures, cancels and refunds of the Checkout API.

It answers as documented: an API key in X-API-Key, modifications taken with status "received" and judged afterwards by
notifications in `notifications`, one effect for each Idempotency-Key, errors with status, errorCode and message.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import threading
from collections import Counter
from datetime import UTC, datetime
from typing import Any

try:
    from config.devstack.local_server import LocalServer
    from config.devstack.rest_server import Handler
except ImportError:  # run as a script, from beside it
    from local_server import LocalServer  # type: ignore[import-not-found, no-redef]
    from rest_server import Handler  # type: ignore[import-not-found, no-redef]


class Account:
    def __init__(self, key: str, merchant: str):
        self.key, self.merchant = key, merchant
        self.lock = threading.RLock()
        self.faults: Counter[str] = Counter()
        self.payments: dict[str, dict[str, Any]] = {}
        self.modifications: list[dict[str, Any]] = []
        self.keys: dict[str, tuple[Any, int, Any]] = {}
        self.notifications: list[dict[str, Any]] = []
        self.refuses = ""  # why the next payment is refused
        self._ids = itertools.count(1)

    def is_write(self, method: str, path: str) -> bool:
        return method == "POST"

    def pay(self, value: int, currency: str, reference: str) -> str:
        """A payment made in the shop; answers its pspReference."""
        with self.lock:
            return str(self._payment({"amount": {"value": value, "currency": currency}, "reference": reference}))

    def answer(
        self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]
    ) -> tuple[int, Any]:
        if headers.get("x-api-key") != self.key:
            return 401, _error(401, "000", "HTTP Status Response - Unauthorized", "security")
        body = body or {}
        if body.get("merchantAccount") != self.merchant:
            return 403, _error(403, "901", "Invalid Merchant Account", "security")
        with self.lock:
            key, asked = headers.get("idempotency-key", ""), [path, body]
            if key and key in self.keys:
                first, status, said = self.keys[key]
                return (status, said) if first == asked else (422, _error(422, "704", "request already processed"))
            status, said = self._route(path.removeprefix("/v71/").removeprefix("/").split("/"), body)
            if key and status < 500:
                self.keys[key] = (asked, status, said)
            return status, said

    def _route(self, path: list[str], body: dict[str, Any]) -> tuple[int, Any]:
        match path:
            case ["paymentMethods"]:
                return 200, {"paymentMethods": [{"type": "scheme", "name": "Cards"}]}
            case ["payments"]:
                if self.refuses:
                    return 200, {
                        "pspReference": self._psp(),
                        "resultCode": "Refused",
                        "refusalReason": self.refuses,
                        "refusalReasonCode": "2",
                    }
                return 200, {"pspReference": self._payment(body), "resultCode": "Authorised"}
            case ["payments", ref, "captures" | "cancels" | "refunds" as verb]:
                return self._modify(ref, verb, body)
        return 404, _error(404, "404", "Not found")

    def _payment(self, body: dict[str, Any]) -> str:
        ref, amount = self._psp(), body["amount"]
        self.payments[ref] = {"held": amount["value"], "captured": 0, "refunded": 0, "currency": amount["currency"]}
        self._notify("AUTHORISATION", ref, amount, str(body.get("reference") or ""))
        return ref

    def _modify(self, ref: str, verb: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Taken as it is; whether there is enough is said by the notification."""
        if ref not in self.payments:
            return 422, _error(422, "167", "Original pspReference required for this operation")
        it = self.payments[ref]
        amount = body.get("amount") or {"value": it["held"], "currency": it["currency"]}  # a cancel is of all of it
        if verb != "cancels" and amount["currency"] != it["currency"]:
            return 422, _error(422, "137", "Invalid amount specified")
        psp = self._psp()
        self.modifications.append({"pspReference": psp, "verb": verb, "payment": ref, **body})
        good, why = True, ""
        if verb == "captures":
            good = it["captured"] + amount["value"] <= it["held"]
            why = "Insufficient balance on payment"
            it["captured"] += amount["value"] if good else 0
        elif verb == "refunds":
            good = it["refunded"] + amount["value"] <= it["captured"]
            why = "Insufficient balance on payment"
            it["refunded"] += amount["value"] if good else 0
        else:
            good, why = not it["captured"], "Transaction is already captured"
            it["held"] = it["held"] if not good else 0
        code = {"captures": "CAPTURE", "refunds": "REFUND", "cancels": "CANCELLATION"}[verb]
        self._notify(
            code, psp, amount, str(body.get("reference") or ""), original=ref, success=good, reason="" if good else why
        )
        return 201, {
            "merchantAccount": self.merchant, "paymentPspReference": ref, "reference": body.get("reference"),
            "pspReference": psp, "status": "received", **({"amount": body["amount"]} if "amount" in body else {}),
        }  # fmt: skip

    def tell(
        self, code: str, ref: str, value: int, *, original: str = "", success: bool = True, reason: str = ""
    ) -> None:
        """Something happened there: a chargeback, a refund that came back, an authorisation that ran out."""
        payment = self.payments.get(original or ref) or {"currency": "EUR"}
        amount = {"value": value, "currency": payment["currency"]}
        self._notify(code, ref, amount, "", original=original, success=success, reason=reason)

    def _notify(
        self, code: str, ref: str, amount: dict[str, Any], reference: str, *, original: str = "", success: bool = True,
        reason: str = "",
    ) -> None:  # fmt: skip
        item = {
            "eventCode": code, "success": str(success).lower(), "pspReference": ref, "amount": dict(amount),
            "merchantAccountCode": self.merchant, "merchantReference": reference, "originalReference": original,
            "eventDate": datetime.now(UTC).replace(microsecond=0).isoformat(), "reason": reason, "additionalData": {},
        }  # fmt: skip
        item = {name: value for name, value in item.items() if value != "" or name == "merchantReference"}
        self.notifications.append(item)

    def _psp(self) -> str:
        return f"{8_836_000_000_000_000 + next(self._ids)}"


def wrapped(*items: dict[str, Any]) -> bytes:
    """Items as they are sent."""
    rows = [{"NotificationRequestItem": item} for item in items]
    return json.dumps({"live": "false", "notificationItems": rows}).encode()


def _error(status: int, code: str, message: str, kind: str = "validation") -> dict[str, Any]:
    return {"status": status, "errorCode": code, "message": message, "errorType": kind}


class Server(LocalServer):
    """The account on a free port of this machine, in a thread; `with Server("AQE…", "Harrowvale") as adyen: …`."""

    def __init__(self, key: str, merchant: str, port: int = 0):
        self.account = Account(key, merchant)
        super().__init__(Handler, port, shop=self.account)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A payment account that speaks Adyen's Checkout API.")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args(arguments)
    Server(os.environ["ADYEN_KEY"], os.environ.get("ADYEN_MERCHANT", "Harrowvale"), options.port).http.serve_forever()


if __name__ == "__main__":
    main()
