"""Adyen's notification items to what they mean for an order's money (docs.adyen.com: webhook types). Pure.

`merchantReference` is ours where we asked for it, `originalReference` the payment it began with. A code nobody knows is
left and says so; one of ours with a success that is neither true nor false fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from integrations.channels.meaning import Act, Heard, HearOfMoney, Meaning, ignored
from integrations.documents import read_json
from integrations.failures import unparsable
from integrations.models import Connection
from integrations.payments.adyen import disputes
from integrations.payments.adyen.items import payment_of
from integrations.reading import Faults, Node
from orders.canonical import PaymentKind

VERSION = "adyen/2"
_BOOKS = "payouts and reports are settled from the statement, not from this notification"
_NO_MONEY = "no money moves with it"
# What it means when it succeeded; when it did not, what was asked for failed. What banks ask is in `disputes`.
_MEANS: dict[str, PaymentKind] = {
    "AUTHORISATION": "authorised",
    "CANCELLATION": "voided",
    "CAPTURE": "captured",
    "CAPTURE_FAILED": "capture_failed",
    "EXPIRE": "voided",
    "REFUND": "refunded",
    "REFUNDED_REVERSED": "refund_failed",
    "REFUND_FAILED": "refund_failed",
    "REFUND_WITH_DATA": "refunded",
    "TECHNICAL_CANCEL": "voided",
}
_UNDONE: set[PaymentKind] = {"capture_failed", "refund_failed"}  # says that something else failed: not so, nothing did
# A code nobody knows that has one of these in it is about money, so it is for a person.
_MOVING = re.compile("CHARGEBACK|DISPUTE|ARBITRATION|FRAUD|REFUND|CAPTURE|CANCEL|EXPIRE|REVERS")
_LEFT = {
    "AUTHORISATION_ADJUSTMENT": "amounts are adjusted at Adyen; what is captured counts",
    "AUTORESCUE": _NO_MONEY,
    "CANCEL_AUTORESCUE": _NO_MONEY,
    "DEACTIVATE_RECURRING": "what customers keep at Adyen is no matter of Backroom's",
    "DONATION": "donations are no money of an order's",
    "ISSUER_COMMENTS": "what the bank writes about its dispute is read at Adyen",
    "HANDLED_EXTERNALLY": "it was settled outside Adyen, where nobody here can see it",
    "MANUAL_REVIEW_ACCEPT": _NO_MONEY,
    "MANUAL_REVIEW_REJECT": _NO_MONEY,
    "ORDER_CLOSED": "each payment of an order comes by itself",
    "ORDER_OPENED": "each payment of an order comes by itself",
    "PAIDOUT_REVERSED": _BOOKS,
    "PAYOUT_DECLINE": _BOOKS,
    "PAYOUT_EXPIRE": _BOOKS,
    "PAYOUT_THIRDPARTY": _BOOKS,
    "PENDING": "the money is not there yet",
    "POSTPONED_REFUND": "the refund is on its way",
    "PROCESS_RETRY": "Adyen tries again by itself",
    "RECURRING_CONTRACT": "what customers keep at Adyen is no matter of Backroom's",
    "REPORT_AVAILABLE": _BOOKS,
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
    code, said = item.line("eventCode"), str(item.raw("success") or "").lower()
    if code not in _MEANS and code not in disputes.CODES and code not in {"CANCEL_OR_REFUND", "OFFER_CLOSED"}:
        return _left(item, code)
    success = item.at("success").explained(said, {"true", "false"}, "a success")
    if not success:
        return ignored("not understood")
    failed = success == "false"
    if code == "OFFER_CLOSED" and failed:
        return ignored("the customer may still pay")
    if code in disputes.CODES:
        return ignored("it did not come to be") if failed else disputes.item(item, code)
    kind = _kind(item, code, failed)
    if kind is None:
        return ignored("not understood")
    if failed and kind in _UNDONE:
        return ignored("it did not come to be")
    if kind == "authorised" and automatic:
        kind = "captured"
    payment = payment_of(item, "failed" if failed else kind)
    if payment is None:
        return ignored("not understood")
    why = item.text("reason") if failed or kind in {"failed", *_UNDONE} else ""
    ours = item.line("merchantReference")
    names = tuple(dict.fromkeys(name for name in (payment.ref, payment.parent_ref) if name))
    why = why or ("The customer did not pay in time" if code == "OFFER_CLOSED" else "")
    return Meaning(acts=(HearOfMoney((Heard(payment, names, ours, ours, why),)),))


def _left(item: Node, code: str) -> Meaning:
    if code not in _LEFT and _MOVING.search(code):
        item.at("eventCode").fault(f"is an event about money nobody here knows: {code}")
    return ignored(_LEFT.get(code) or f"{code or 'nothing'} is an event code nobody here knows")


def _kind(item: Node, code: str, failed: bool) -> PaymentKind | None:
    if code == "OFFER_CLOSED":
        return "failed"
    # What a failed one would have done doesn't matter.
    return _of_modification(item) if code == "CANCEL_OR_REFUND" and not failed else _MEANS.get(code, "failed")


def _of_modification(item: Node) -> PaymentKind | None:
    more = item.object("additionalData")
    action = str(more.raw("modification.action") or "") if more else ""
    kinds: dict[str, PaymentKind] = {"cancel": "voided", "refund": "refunded"}
    return kinds.get(item.at("additionalData").explained(action, kinds, "a modification"))
