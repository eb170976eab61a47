"""Adyen's Checkout API: payments and their modifications (docs.adyen.com: captures, cancels, refunds, idempotency).

A modification is taken with status "received" and judged later: its webhook says whether it came to be. There is no
list to look in, so what was sent is repeated under its Idempotency-Key, which Adyen answers with the first answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from core.errors import Permanent, TryLater
from integrations import http
from integrations.http import FailedForGood
from integrations.models import Connection
from integrations.payments import minor
from integrations.payments.port import Outcome, Rejected, Wanted

ADDRESS = "https://checkout-test.adyen.com/v71"
GATEWAY = "adyen"
PATHS = {"CAPTURE": "captures", "VOID": "cancels", "REFUND": "refunds"}
PASSING = {"704", "702"}  # the key's first request is still under way


class Adyen:
    def __init__(self, connection: Connection):
        self.connection = connection
        self.base = str(connection.settings.get("url") or ADDRESS).rstrip("/")
        self.merchant = str(connection.settings.get("merchant_account") or "")
        key = connection.secret("key")
        if not key or not self.merchant:
            raise Permanent("Its settings lack the API key or the merchant account.")
        self.headers = {"X-API-Key": key}

    def carry(self, wanted: Wanted) -> Outcome:
        if wanted.kind == "AUTHORISE":
            return self._authorise(wanted)
        # Modifications name the payment they began with, whatever was made of it since.
        payment = wanted.parent if wanted.parent and wanted.kind == "REFUND" else wanted.tender
        body: dict[str, Any] = {"merchantAccount": self.merchant, "reference": wanted.uid}
        if wanted.kind != "VOID":
            body["amount"] = self._amount(wanted)
        answer = self._post(f"payments/{quote(payment)}/{PATHS[wanted.kind]}", body, wanted.key)
        if answer.get("status") != "received":
            raise TryLater(f"Adyen says {answer.get('status')!r} of a modification, which nobody here knows.")
        return Outcome(str(answer["pspReference"]), False, gateway=GATEWAY)

    def find(self, wanted: Wanted, ref: str) -> Outcome | None:
        return None

    def ping(self) -> str:
        self._post("paymentMethods", {"merchantAccount": self.merchant}, "")
        return f"Adyen answers for {self.merchant}."

    def _authorise(self, wanted: Wanted) -> Outcome:
        stored = wanted.source.get("storedPaymentMethodId")
        if not stored:
            raise Rejected("no_payment_method", "Nobody knows a stored payment method of this customer's at Adyen.")
        body = {
            "merchantAccount": self.merchant, "reference": wanted.uid, "amount": self._amount(wanted),
            "paymentMethod": {"type": "scheme", "storedPaymentMethodId": stored},
            "shopperReference": wanted.source.get("shopperReference"), "shopperInteraction": "ContAuth",
            "recurringProcessingModel": "UnscheduledCardOnFile",
        }  # fmt: skip
        answer = self._post("payments", body, wanted.key)
        result, ref = str(answer.get("resultCode") or ""), str(answer.get("pspReference") or "")
        if result in {"Refused", "Error", "Cancelled"}:
            raise Rejected(
                str(answer.get("refusalReasonCode") or result), f"Adyen: {answer.get('refusalReason')}", ref=ref
            )
        if result != "Authorised":
            return Outcome(ref, False, gateway=GATEWAY)
        return Outcome(ref, True, datetime.now(UTC), wanted.amount, GATEWAY)

    def _amount(self, wanted: Wanted) -> dict[str, Any]:
        try:
            value = minor.to_minor(wanted.amount, wanted.currency, minor.ADYEN)
        except ValueError as error:
            raise Rejected("amount", str(error)) from error
        return {"value": value, "currency": wanted.currency}

    def _post(self, path: str, body: Mapping[str, Any], key: str) -> dict[str, Any]:
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        try:
            answer = http.request(
                self.connection, "POST", f"{self.base}/{path}", purpose=f"POST {path.rsplit('/', 1)[-1]}",
                headers=headers,
                json=body,
            )  # fmt: skip
        except FailedForGood as refusal:
            raise _refused(refusal) from None
        found = answer.json()
        if not isinstance(found, dict):
            raise TryLater("Adyen answered something that is no object.")
        return found


def _refused(refusal: FailedForGood) -> Exception:
    try:
        error = json.loads(refusal.body)
        code, message = str(error.get("errorCode") or ""), str(error.get("message") or error.get("title") or "")
    except (ValueError, TypeError, AttributeError):
        return refusal
    if refusal.status in {401, 403}:
        return refusal
    if refusal.status == 409 or code in PASSING:
        return TryLater(f"Adyen: {message}"[:300], seconds=5)
    return Rejected(code or str(refusal.status), f"Adyen: {message}"[:400])
