"""A Stripe account for tests and the demo: payment intents, charges, refunds, disputes, and events of all of them.

It answers as documented: bearer keys, forms in and JSON out, `error` with type, code and message, lists in pages, one
effect for each Idempotency-Key (whose first answer is repeated, failures of the server included; another body is an
error), captures within what is held, refunds within what was captured. Events are kept in `events`, signed by `sent`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import threading
import time
from collections import Counter
from typing import Any

try:
    from config.devstack.local_server import LocalServer
    from config.devstack.rest_server import Handler
    from config.devstack.stripe_payouts import Payouts
except ImportError:  # run as a script, from beside it
    from local_server import LocalServer  # type: ignore[import-not-found, no-redef]
    from rest_server import Handler  # type: ignore[import-not-found, no-redef]
    from stripe_payouts import Payouts  # type: ignore[import-not-found, no-redef]

DAY = 86_400


class Refused(Exception):
    def __init__(self, status: int, kind: str, message: str, code: str = "", **more: Any):
        super().__init__(message)
        error = {"type": kind, "message": message, **({"code": code} if code else {}), **more}
        self.status, self.body = status, {"error": error}


class Account:
    def __init__(self, key: str):
        self.key = key
        self.lock = threading.RLock()
        self.faults: Counter[str] = Counter()
        self.intents: dict[str, dict[str, Any]] = {}
        self.charges: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, tuple[Any, int, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.payouts = Payouts(self)
        self.refund_status = "succeeded"
        self.several_captures = False
        self.declines: str = ""
        self._ids = itertools.count(1)

    def is_write(self, method: str, path: str) -> bool:
        return method == "POST"

    # --- As a customer pays

    def pay(self, amount: int, currency: str, *, captured: bool = True, customer: str = "cus_1", **marks: str) -> str:
        """A payment made in the shop; answers its charge."""
        with self.lock:
            form = {"amount": amount, "currency": currency.lower(), "customer": customer, "payment_method": "pm_1"}
            intent = self._intent(form | {"capture_method": "automatic" if captured else "manual"}, marks)
            return str(intent["latest_charge"])

    def dispute(
        self, charge: str, amount: int, kind: str = "charge.dispute.created", status: str = "needs_response"
    ) -> None:
        it = self.charges[charge]
        self._tell(kind, {
            "id": f"dp_{charge[3:]}", "object": "dispute", "charge": charge, "payment_intent": it["payment_intent"],
            "amount": amount, "currency": it["currency"], "status": status, "reason": "fraudulent",
        })  # fmt: skip

    # --- Answers

    def answer(
        self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]
    ) -> tuple[int, Any] | tuple[int, Any, dict[str, str]]:
        if headers.get("authorization") != f"Bearer {self.key}":
            return 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided."}}
        with self.lock:
            key = headers.get("idempotency-key", "") if method == "POST" else ""
            asked = [path, body or {}]
            if key and key in self.keys:
                first, status, said = self.keys[key]
                if first != asked:
                    words = "Keys for idempotent requests can only be used with the same parameters."
                    return 400, {"error": {"type": "idempotency_error", "message": words}}
                return status, said, {"Idempotent-Replayed": "true"}
            try:
                if self.faults["stored_500"] > 0 and method == "POST":
                    self.faults["stored_500"] -= 1
                    status, said = 500, {"error": {"type": "api_error", "message": "Something went wrong."}}
                else:
                    status, said = 200, self._route(method, path, query, body or {})
            except Refused as no:
                status, said = no.status, no.body
            if key:
                self.keys[key] = (asked, status, json.loads(json.dumps(said)))
            return status, said

    def _route(self, method: str, path: str, query: dict[str, str], form: dict[str, Any]) -> Any:
        match (method, *path.removeprefix("/v1/").split("/")):
            case ("GET", "account"):
                return {"id": "acct_1", "object": "account"}
            case ("GET", "payment_intents"):
                return self._list(self.intents, query, "customer")
            case ("GET", "payment_intents", ref):
                return self._expanded(_known(self.intents, ref, "payment_intent"), query)
            case ("POST", "payment_intents"):
                return self._expanded(self._intent(form, _marks(form)), {"expand[]": form.get("expand[]", "")})
            case ("POST", "payment_intents", ref, "capture"):
                return self._capture(_known(self.intents, ref, "payment_intent"), form)
            case ("POST", "payment_intents", ref, "cancel"):
                return self._cancel(_known(self.intents, ref, "payment_intent"))
            case ("GET", "charges", ref):
                return _known(self.charges, ref, "charge")
            case ("GET", "refunds" | "payouts" | "balance_transactions" as what):
                return self._listed(what, query)
            case ("GET", "refunds", ref):
                return _known(self.refunds, ref, "refund")
            case ("POST", "refunds"):
                return self._refund(form)
        raise Refused(404, "invalid_request_error", f"Unrecognized request URL ({method}: {path}).")

    def _listed(self, what: str, query: dict[str, str]) -> dict[str, Any]:
        if what == "balance_transactions":
            return self.payouts.expanded(self._list(self.payouts.moved, query, "payout"), query)
        if what == "payouts":
            since = int(query.get("created[gte]") or 0)
            return self._list({k: row for k, row in self.payouts.rows.items() if row["created"] >= since}, query)
        return self._list(self.refunds, query, "charge", "payment_intent")

    # --- What it does

    def _intent(self, form: dict[str, Any], marks: dict[str, str]) -> dict[str, Any]:
        amount, currency = int(form["amount"]), str(form["currency"])
        intent = {
            "id": self._new("pi"), "object": "payment_intent", "amount": amount, "currency": currency,
            "customer": form.get("customer"), "payment_method": form.get("payment_method"), "metadata": marks,
            "status": "requires_capture", "amount_capturable": amount, "canceled_at": None, "latest_charge": None,
        }  # fmt: skip
        self.intents[str(intent["id"])] = intent
        if self.declines:
            raise Refused(402, "card_error", "Your card was declined.", "card_declined", decline_code=self.declines)
        now = int(time.time())
        several = {"status": "available" if self.several_captures else "unavailable"}
        charge = {
            "id": self._new("ch"), "object": "charge", "amount": amount, "amount_captured": 0, "amount_refunded": 0,
            "currency": currency, "captured": False, "created": now, "payment_intent": intent["id"], "metadata": marks,
            "payment_method_details": {
                "type": "card", "card": {"capture_before": now + 7 * DAY, "multicapture": several},
            },
        }  # fmt: skip
        self.charges[str(charge["id"])] = charge
        intent["latest_charge"] = charge["id"]
        if form.get("capture_method") != "manual":
            charge |= {"captured": True, "amount_captured": amount}
            intent |= {"status": "succeeded", "amount_capturable": 0}
        self._tell("charge.succeeded", charge)
        return intent

    def _capture(self, intent: dict[str, Any], form: dict[str, Any]) -> dict[str, Any]:
        amount = int(form.get("amount_to_capture") or intent["amount_capturable"])
        if intent["status"] != "requires_capture":
            words = f"This PaymentIntent could not be captured because it has a status of {intent['status']}."
            raise Refused(400, "invalid_request_error", words, "payment_intent_unexpected_state")
        if amount > intent["amount_capturable"]:
            words = "The amount to capture is greater than what can be captured."
            raise Refused(400, "invalid_request_error", words, "amount_too_large")
        charge = self.charges[intent["latest_charge"]]
        was = {"amount_captured": charge["amount_captured"], "captured": charge["captured"]}
        more = form.get("final_capture") == "false"
        if more and not self.several_captures:
            raise Refused(400, "invalid_request_error", "This payment does not support several captures.")
        charge |= {"captured": True, "amount_captured": charge["amount_captured"] + amount}
        intent["metadata"] = {**intent["metadata"], **_marks(form)}
        intent["amount_capturable"] = intent["amount_capturable"] - amount if more else 0
        intent["status"] = "requires_capture" if intent["amount_capturable"] else "succeeded"
        first = not was["captured"]
        self._tell(
            "charge.captured" if first else "charge.updated",
            charge,
            was if first else {"amount_captured": was["amount_captured"]},
        )
        return intent | {"latest_charge": intent["latest_charge"]}

    def _cancel(self, intent: dict[str, Any]) -> dict[str, Any]:
        if intent["status"] != "requires_capture":
            words = f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}."
            raise Refused(400, "invalid_request_error", words, "payment_intent_unexpected_state")
        intent |= {"status": "canceled", "amount_capturable": 0, "canceled_at": int(time.time())}
        self._tell("payment_intent.canceled", intent)
        return intent

    def _refund(self, form: dict[str, Any]) -> dict[str, Any]:
        ref = (
            form.get("charge")
            or _known(self.intents, str(form.get("payment_intent")), "payment_intent")["latest_charge"]
        )
        charge = _known(self.charges, str(ref), "charge")
        left = charge["amount_captured"] - charge["amount_refunded"]
        amount = int(form.get("amount") or left)
        if left == 0:
            words = f"Charge {charge['id']} has already been refunded."
            raise Refused(400, "invalid_request_error", words, "charge_already_refunded")
        if amount > left:
            words = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            raise Refused(400, "invalid_request_error", words, "amount_too_large")
        refund = {
            "id": self._new("re"), "object": "refund", "amount": amount, "currency": charge["currency"],
            "charge": charge["id"], "payment_intent": charge["payment_intent"], "created": int(time.time()),
            "status": self.refund_status, "metadata": _marks(form),
        }  # fmt: skip
        charge["amount_refunded"] += amount
        self.refunds[refund["id"]] = refund
        self._tell("refund.created", refund)
        return refund

    def settle_refund(self, ref: str, status: str, reason: str = "") -> None:
        """A refund that was on its way gets there, or comes back."""
        refund = self.refunds[ref]
        refund |= {"status": status} | ({"failure_reason": reason} if reason else {})
        if status == "failed":
            self.charges[refund["charge"]]["amount_refunded"] -= refund["amount"]
        self._tell("refund.failed" if status == "failed" else "refund.updated", refund)

    # --- The pieces

    def _list(self, rows: dict[str, dict[str, Any]], query: dict[str, str], *fields: str) -> dict[str, Any]:
        """The latest first, a page at a time."""
        found = [row for row in reversed(rows.values()) if all(row.get(f) == query[f] for f in fields if f in query)]
        if after := query.get("starting_after"):
            found = found[next(n for n, row in enumerate(found) if row["id"] == after) + 1 :]
        limit = min(int(query.get("limit") or 10), 100)
        return {"object": "list", "data": found[:limit], "has_more": len(found) > limit}

    def _expanded(self, intent: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        if query.get("expand[]") != "latest_charge" or not intent["latest_charge"]:
            return intent
        return intent | {"latest_charge": self.charges[intent["latest_charge"]]}

    def _tell(self, kind: str, it: dict[str, Any], before: dict[str, Any] | None = None) -> None:
        data: dict[str, Any] = {"object": json.loads(json.dumps(it))}
        if before is not None:
            data["previous_attributes"] = before
        self.events.append({
            "id": self._new("evt"), "object": "event", "type": kind, "created": int(time.time()), "livemode": False,
            "api_version": "2026-06-24.dahlia", "data": data,
        })  # fmt: skip

    def _new(self, prefix: str) -> str:
        return f"{prefix}_{next(self._ids):024d}"


def _marks(form: dict[str, Any]) -> dict[str, str]:
    return {found[1]: str(value) for name, value in form.items() if (found := re.fullmatch(r"metadata\[(\w+)\]", name))}


def _known(rows: dict[str, dict[str, Any]], ref: str, what: str) -> dict[str, Any]:
    if ref not in rows:
        raise Refused(404, "invalid_request_error", f"No such {what}: '{ref}'", "resource_missing", param="id")
    return rows[ref]


class Server(LocalServer):
    """The account on a free port of this machine, in a thread; `with Server("sk_test_…") as stripe: …`."""

    def __init__(self, key: str, port: int = 0):
        self.account = Account(key)
        super().__init__(Handler, port, shop=self.account)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A payment account that speaks Stripe's API.")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args(arguments)
    Server(os.environ["STRIPE_KEY"], options.port).http.serve_forever()


if __name__ == "__main__":
    main()
