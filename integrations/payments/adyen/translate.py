"""Adyen's notification items to what they mean for an order's money (docs.adyen.com: webhook types). Pure.

`merchantReference` is ours where we asked for it, `originalReference` the payment it began with. A code nobody knows is
left and says so; one of ours with a success that is neither true nor false fails.
"""

from __future__ import annotations

from collections.abc import Callable

from integrations.channels.meaning import Act, Heard, HearOfMoney, Meaning, ignored
from integrations.documents import read_json
from integrations.failures import unparsable
from integrations.models import Connection
from integrations.payments import minor
from integrations.payments.adyen.client import GATEWAY
from integrations.reading import Faults, Node, checked_payment
from orders.canonical import IncomingPayment, PaymentKind

VERSION = "adyen/1"
_BOOKS = "payouts and reports are settled from the statement, not from this notification"
_NO_MONEY = "no money moves with it"
# What it means when it succeeded; when it did not, what was asked for failed.
_MEANS: dict[str, PaymentKind] = {
    "AUTHORISATION": "authorised",
    "CANCELLATION": "voided",
    "CAPTURE": "captured",
    "CAPTURE_FAILED": "capture_failed",
    "CHARGEBACK": "chargeback",
    "CHARGEBACK_REVERSED": "reinstated",
    "EXPIRE": "voided",
    "NOTIFICATION_OF_CHARGEBACK": "disputed",
    "PREARBITRATION_LOST": "chargeback",
    "REFUND": "refunded",
    "REFUNDED_REVERSED": "refund_failed",
    "REFUND_FAILED": "refund_failed",
    "SECOND_CHARGEBACK": "chargeback",
    "TECHNICAL_CANCEL": "voided",
}
_LEFT = {
    "AUTHORISATION_ADJUSTMENT": "amounts are adjusted at Adyen; what is captured counts",
    "AUTORESCUE": _NO_MONEY,
    "CANCEL_AUTORESCUE": _NO_MONEY,
    "DISPUTE_DEFENSE_PERIOD_ENDED": _NO_MONEY,
    "DONATION": "donations are no money of an order's",
    "INFORMATION_SUPPLIED": _NO_MONEY,
    "ISSUER_COMMENTS": _NO_MONEY,
    "ISSUER_RESPONSE_TIMEFRAME_EXPIRED": _NO_MONEY,
    "MANUAL_REVIEW_ACCEPT": _NO_MONEY,
    "MANUAL_REVIEW_REJECT": _NO_MONEY,
    "NOTIFICATION_OF_FRAUD": _NO_MONEY,
    "OFFER_CLOSED": _NO_MONEY,
    "ORDER_CLOSED": "each payment of an order comes by itself",
    "ORDER_OPENED": "each payment of an order comes by itself",
    "PAIDOUT_REVERSED": _BOOKS,
    "PAYOUT_DECLINE": _BOOKS,
    "PAYOUT_EXPIRE": _BOOKS,
    "PAYOUT_THIRDPARTY": _BOOKS,
    "PENDING": "the money is not there yet",
    "POSTPONED_REFUND": "the refund is on its way",
    "PREARBITRATION_WON": "the money that came back stays",
    "RECURRING_CONTRACT": "what customers keep at Adyen is no matter of Backroom's",
    "REPORT_AVAILABLE": _BOOKS,
    "REQUEST_FOR_INFORMATION": "an inquiry: no money is withheld",
    "VOID_PENDING_REFUND": "the refund is on its way",
}


def understand(topic: str, body: bytes) -> Meaning:
    return _understand(body, automatic=False)


def as_settled(connection: Connection) -> Callable[[str, bytes], Meaning]:
    """Where the account captures by itself, an authorisation is money taken: no CAPTURE follows."""
    automatic = connection.settings.get("captures") == "automatic"
    return lambda topic, body: _understand(body, automatic=automatic)


def _understand(body: bytes, *, automatic: bool) -> Meaning:
    document = read_json(body)
    if not isinstance(document, dict) or "notificationItems" not in document:
        raise unparsable("notificationItems of Adyen's were expected")
    faults = Faults()
    found = []
    for row in Node(document, "", faults).items("notificationItems"):
        item = row.object("NotificationRequestItem")
        if item is None:
            row.fault("has no NotificationRequestItem")
        else:
            found.append(_item(item, automatic))
    faults.raise_if_any()
    acts: list[Act] = [act for each in found for act in each.acts]
    if acts:
        return Meaning(acts=tuple(acts))
    return ignored("; ".join(dict.fromkeys(each.ignored for each in found)) or "an empty notification")


def _item(item: Node, automatic: bool) -> Meaning:
    code, success = item.line("eventCode"), str(item.raw("success") or "").lower()
    kind = _of_modification(item) if code == "CANCEL_OR_REFUND" else _MEANS.get(code)
    if kind is None:
        return ignored(_LEFT.get(code) or f"{code or 'nothing'} is an event code nobody here knows")
    if not item.at("success").explained(success, {"true", "false"}, "a success"):
        return ignored("not understood")
    if kind == "authorised" and automatic:
        kind = "captured"
    amount = item.object("amount")
    units = amount.count("value") if amount else None
    currency = amount.currency("currency", needed=True) if amount else ""
    ref, at = item.line("pspReference"), item.moment("eventDate", needed=True)
    if units is None or not currency or not ref or at is None:
        item.fault("names no pspReference, amount or eventDate")
        return ignored("not understood")
    failed = success == "false"
    original, ours = item.line("originalReference"), item.line("merchantReference")
    if failed and kind in {"disputed", "chargeback", "reinstated", "capture_failed", "refund_failed"}:
        return ignored("it did not come to be")
    payment = IncomingPayment(
        ref=ref, kind="failed" if failed else kind, amount=minor.from_minor(units, currency, minor.ADYEN),
        currency=currency, at=at, gateway=GATEWAY, parent_ref=original,
    )  # fmt: skip
    why = item.text("reason") if failed or kind in {"refund_failed", "capture_failed"} else ""
    names = tuple(dict.fromkeys(name for name in (ref, original) if name))
    return Meaning(acts=(HearOfMoney((Heard(checked_payment(payment), names, ours, ours, why),)),))


def _of_modification(item: Node) -> PaymentKind | None:
    more = item.object("additionalData")
    action = str(more.raw("modification.action") or "") if more else ""
    kinds: dict[str, PaymentKind] = {"cancel": "voided", "refund": "refunded"}
    return kinds.get(item.at("additionalData").explained(action, kinds, "a modification"))
