"""Stripe's API: payment intents, their capture and cancellation, refunds (docs.stripe.com/api).

Forms in, JSON out. Every POST carries an Idempotency-Key; what was sent before is looked for by our reference in the
metadata of its object. A capture is known by the intent's own metadata, as it has no object of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from core.errors import Permanent, TryLater
from integrations import http
from integrations.http import FailedForGood
from integrations.models import Connection
from integrations.payments import minor
from integrations.payments.port import Outcome, Rejected, Wanted

ADDRESS = "https://api.stripe.com"
VERSION = "2026-06-24.dahlia"
GATEWAY = "stripe"
MARK = "backroom"  # our reference among an object's metadata
PAGE = 100
PAGES = 20  # of one list that is looked through
PENDING = {"pending", "requires_action"}


class Stripe:
    def __init__(self, connection: Connection):
        self.connection = connection
        self.base = str(connection.settings.get("url") or ADDRESS).rstrip("/")
        key = connection.secret("key")
        if not key:
            raise Permanent("Its settings lack the API key.")
        self.headers = {
            "Authorization": f"Bearer {key}",
            "Stripe-Version": str(connection.settings.get("api_version") or VERSION),
        }

    # --- The port

    def carry(self, wanted: Wanted) -> Outcome:
        do = {"AUTHORISE": self._authorise, "CAPTURE": self._capture, "VOID": self._void, "REFUND": self._refund}
        return do[wanted.kind](wanted)

    def find(self, wanted: Wanted, ref: str) -> Outcome | None:
        if wanted.kind == "REFUND":
            found = self._get(f"refunds/{quote(ref)}") if ref else self._marked_refund(wanted)
            return self._refunded(found) if found else None
        if wanted.kind == "AUTHORISE":
            intent = self._marked_intent(wanted)
            return self._authorised(intent) if intent else None
        intent = self._intent(wanted)
        if wanted.kind == "VOID":
            return self._voided(intent) if intent["status"] == "canceled" else None
        if (intent.get("metadata") or {}).get(MARK) != wanted.uid:
            return None
        return self._captured(intent, wanted)

    def ping(self) -> str:
        account = self._get("account")
        return f"Stripe answers as {account.get('id')}."

    # --- Each kind

    def _refund(self, wanted: Wanted) -> Outcome:
        made = self._post(
            "refunds",
            {
                "charge" if wanted.tender.startswith(("ch_", "py_")) else "payment_intent": _tender(wanted),
                "amount": self._minor(wanted),
                f"metadata[{MARK}]": wanted.uid,
                "metadata[order]": wanted.order,
            },
            wanted.key,
        )
        return self._refunded(made)

    def _refunded(self, refund: Mapping[str, Any]) -> Outcome:
        status, ref = str(refund.get("status") or ""), str(refund["id"])
        if status in {"failed", "canceled"}:
            raise Rejected(str(refund.get("failure_reason") or status), f"Stripe: the refund {status}.", ref=ref)
        if status not in {"succeeded", *PENDING}:
            raise TryLater(f"Stripe says a refund is {status!r}, which nobody here knows.")
        currency = str(refund["currency"]).upper()
        return Outcome(
            ref=ref,
            settled=status == "succeeded",
            at=_at(refund.get("created")),
            amount=minor.from_minor(int(refund["amount"]), currency, minor.STRIPE),
            gateway=GATEWAY,
            parent=str(refund.get("charge") or refund.get("payment_intent") or ""),
        )

    def _capture(self, wanted: Wanted) -> Outcome:
        intent = self._intent(wanted)
        charge = _charge(intent)
        amount = self._minor(wanted)
        form: dict[str, Any] = {"amount_to_capture": amount, f"metadata[{MARK}]": wanted.uid}
        several = ((charge.get("payment_method_details") or {}).get("card") or {}).get("multicapture") or {}
        if several.get("status") == "available" and amount < int(intent.get("amount_capturable") or 0):
            form["final_capture"] = "false"
        # What was captured before this one, so that a second try can tell its own from the others'.
        form["metadata[backroom_before]"] = int(charge.get("amount_captured") or 0)
        return self._captured(self._post(f"payment_intents/{intent['id']}/capture", form, wanted.key), wanted)

    def _captured(self, intent: Mapping[str, Any], wanted: Wanted) -> Outcome:
        charge = _charge(intent) if isinstance(intent.get("latest_charge"), dict) else self._charge_of(intent)
        currency = str(charge["currency"]).upper()
        before = int((intent.get("metadata") or {}).get("backroom_before") or 0)
        total = int(charge["amount_captured"])
        taken = total - before
        left = int(charge["amount"]) - total
        return Outcome(
            ref=capture_ref(str(charge["id"]), before, total),
            settled=True,
            amount=minor.from_minor(taken, currency, minor.STRIPE),
            gateway=GATEWAY,
            parent=wanted.tender,
            released=minor.from_minor(left, currency, minor.STRIPE)
            if left and intent["status"] == "succeeded" and not int(intent.get("amount_capturable") or 0)
            else None,
        )

    def _void(self, wanted: Wanted) -> Outcome:
        intent = self._intent(wanted)
        if intent["status"] != "canceled":
            intent = self._post(f"payment_intents/{intent['id']}/cancel", {}, wanted.key)
        return self._voided(intent)

    def _voided(self, intent: Mapping[str, Any]) -> Outcome:
        return Outcome(str(intent["id"]), True, _at(intent.get("canceled_at")), gateway=GATEWAY)

    def _authorise(self, wanted: Wanted) -> Outcome:
        source = dict(wanted.source)
        if not source.get("payment_method"):
            paid = self._intent(wanted)
            source = {"customer": paid.get("customer"), "payment_method": paid.get("payment_method")}
        if not source.get("payment_method"):
            raise Rejected("no_payment_method", "Stripe keeps no payment method of this order's to authorise on.")
        form = {
            "amount": self._minor(wanted), "currency": wanted.currency.lower(), "capture_method": "manual",
            "confirm": "true", "off_session": "true", "payment_method": source["payment_method"],
            "customer": source.get("customer"), f"metadata[{MARK}]": wanted.uid, "metadata[order]": wanted.order,
            "expand[]": "latest_charge",
        }  # fmt: skip
        return self._authorised(self._post("payment_intents", form, wanted.key))

    def _authorised(self, intent: Mapping[str, Any]) -> Outcome:
        status = str(intent.get("status") or "")
        if status != "requires_capture":
            words = (intent.get("last_payment_error") or {}).get("message") or f"the payment is {status}"
            raise Rejected(status, f"Stripe: {words}.", ref=str(intent["id"]))
        charge = _charge(intent) if isinstance(intent.get("latest_charge"), dict) else self._charge_of(intent)
        currency = str(intent["currency"]).upper()
        return Outcome(
            ref=str(charge["id"]),
            settled=True,
            at=_at(charge.get("created")),
            amount=minor.from_minor(int(intent["amount_capturable"]), currency, minor.STRIPE),
            gateway=GATEWAY,
            parent=str(intent["id"]),
            expires_at=_at(((charge.get("payment_method_details") or {}).get("card") or {}).get("capture_before")),
        )

    def page_of(self, what: str, query: Mapping[str, Any]) -> dict[str, Any]:
        """One page of a list of Stripe's."""
        found = self._get(what, query)
        if not isinstance(found.get("data"), list):
            raise TryLater("Stripe answered something that is no list.")
        return found

    # --- Looking

    def _intent(self, wanted: Wanted) -> dict[str, Any]:
        """The payment intent behind the tender, with its charge."""
        ref = next((each for each in (wanted.tender, wanted.parent) if each.startswith("pi_")), "")
        if not ref:
            ref = str(self._get(f"charges/{quote(_tender(wanted))}").get("payment_intent") or "")
        if not ref:
            raise Rejected("no_payment_intent", f"Stripe knows no payment intent of {wanted.tender}.")
        return self._get(f"payment_intents/{quote(ref)}", {"expand[]": "latest_charge"})

    def _charge_of(self, intent: Mapping[str, Any]) -> dict[str, Any]:
        return self._get(f"charges/{quote(str(intent['latest_charge']))}")

    def _marked_refund(self, wanted: Wanted) -> dict[str, Any] | None:
        by = "charge" if wanted.tender.startswith(("ch_", "py_")) else "payment_intent"
        return self._marked("refunds", {by: _tender(wanted)}, wanted.uid)

    def _marked_intent(self, wanted: Wanted) -> dict[str, Any] | None:
        customer = wanted.source.get("customer") or self._intent(wanted).get("customer")
        return self._marked("payment_intents", {"customer": customer} if customer else {}, wanted.uid)

    def _marked(self, what: str, query: Mapping[str, Any], uid: str) -> dict[str, Any] | None:
        for each in self._pages(what, query):
            if (each.get("metadata") or {}).get(MARK) == uid:
                return each
        return None

    def _pages(self, what: str, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        after: dict[str, Any] = {}
        for _page in range(PAGES):
            page = self._get(what, {**query, "limit": PAGE, **after})
            rows = page.get("data") or []
            yield from rows
            if not page.get("has_more") or not rows:
                return
            after = {"starting_after": rows[-1]["id"]}
        raise TryLater(f"Stripe lists more than {PAGES * PAGE} {what}: too many to look through.")

    # --- Calling

    def _minor(self, wanted: Wanted) -> int:
        try:
            return minor.to_minor(wanted.amount, wanted.currency, minor.STRIPE)
        except ValueError as error:
            raise Rejected("amount", str(error)) from error

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        tail = "?" + urlencode({k: v for k, v in (query or {}).items() if v is not None}) if query else ""
        return self._call("GET", f"{path}{tail}", None, {})

    def _post(self, path: str, form: Mapping[str, Any], key: str) -> dict[str, Any]:
        content = urlencode({name: value for name, value in form.items() if value is not None}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": key}
        return self._call("POST", path, content, headers)

    def _call(self, method: str, path: str, content: bytes | None, more: Mapping[str, str]) -> dict[str, Any]:
        words = "/".join(part for part in path.split("?", maxsplit=1)[0].split("/") if not _is_id(part))
        try:
            answer = http.request(
                self.connection, method, f"{self.base}/v1/{path}", purpose=f"{method} {words}",
                headers={**self.headers, **more}, content=content,
            )  # fmt: skip
        except FailedForGood as refusal:
            raise _refused(refusal) from None
        found = answer.json()
        if not isinstance(found, dict):
            raise TryLater("Stripe answered something that is no object.")
        return found


def capture_ref(charge: str, before: int, total: int) -> str:
    """The first capture of a charge goes by the charge's own key; a further one by what was captured with it."""
    return charge if not before else f"{charge}:{total}"


def _refused(refusal: FailedForGood) -> Exception:
    """What Stripe's error means: a decline or a mistake is for good; a key in use, or a lock, passes."""
    try:
        error = json.loads(refusal.body)["error"]
        kind, code = str(error.get("type") or ""), str(error.get("decline_code") or error.get("code") or "")
        message = str(error.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return refusal
    if refusal.status in {401, 403}:
        return refusal
    if refusal.status == 409 or code in {"lock_timeout", "idempotency_key_in_use"}:
        return TryLater(f"Stripe: {message}"[:300], seconds=5)
    return Rejected(code or kind, f"Stripe: {message}"[:400])


def _charge(intent: Mapping[str, Any]) -> dict[str, Any]:
    found = intent.get("latest_charge")
    if not isinstance(found, dict):
        raise Rejected("no_charge", f"Stripe's payment {intent.get('id')} has no charge.")
    return found


def _tender(wanted: Wanted) -> str:
    """A further capture's own key begins with its charge's."""
    return wanted.tender.split(":")[0]


def _at(epoch: Any) -> datetime | None:
    return datetime.fromtimestamp(epoch, UTC) if isinstance(epoch, int) else None


def _is_id(part: str) -> bool:
    return part.startswith(("pi_", "ch_", "re_", "py_"))
