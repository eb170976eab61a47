"""eBay's Platform Notifications, the SOAP messages of its older Trading API: which of them name an order. Pure.

They bring transactions in the form of GetItemTransactions or orders in that of GetOrders; either way only the order's
id is taken, and the order itself is asked for, in the form everything else is read in. Their signature is part of the
message and proves little, so what they say is never believed beyond that.
Source: developer.ebay.com, Platform Notifications Guide and NotificationEventTypeCodeType.
"""

from __future__ import annotations

from xml.etree import ElementTree

from integrations.channels.meaning import AskFor, Meaning, ignored
from integrations.documents import BOM
from integrations.failures import FailureClass, Fault, Unreadable, unparsable
from orders.canonical import clean

_ORDERS = {
    "AuctionCheckoutComplete", "BuyerCancelRequested", "CheckoutBuyerRequestsTotal", "EndOfAuction",
    "FixedPriceTransaction", "ItemMarkedAsDispatched", "ItemMarkedAsPaid", "ItemMarkedPaid", "ItemMarkedShipped",
    "ItemSold", "ItemReadyForPickup", "PaymentReminder",
}  # fmt: skip
_LISTING = "the range is kept in Backroom"
_MESSAGES = "messages of buyers are answered at eBay"
_OFFERS = "bids and offers are dealt with at eBay; what is sold brings its order"
_DISPUTES = "disputes are settled at eBay; the money comes with the settlement"
_ACCOUNT = "it concerns the account at eBay, no order"
# By how the event's name begins; the first that fits counts.
_NOT_TAKEN = (
    ("Item", _LISTING), ("UnsoldItem", _LISTING), ("Listing", _LISTING), ("Product", _LISTING),
    ("AskSellerQuestion", _MESSAGES), ("MyMessages", _MESSAGES), ("M2M", _MESSAGES), ("Contact", _MESSAGES),
    ("Feedback", "feedback is kept at eBay"),
    ("BestOffer", _OFFERS), ("CounterOffer", _OFFERS), ("Bid", _OFFERS), ("OutBid", _OFFERS), ("SecondChance", _OFFERS),
    ("Watch", _OFFERS),
    ("Return", "returns asked for at eBay are followed there; their refund comes with the order"),
    ("EBP", _DISPUTES), ("INR", _DISPUTES), ("OrderInquiry", _DISPUTES), ("BuyerResponseDispute", _DISPUTES),
    ("SellerOpenedDispute", _DISPUTES), ("SellerRespondedToDispute", _DISPUTES), ("SellerClosedDispute", _DISPUTES),
    ("ThirdPartyCartCheckout", _ACCOUNT), ("Token", _ACCOUNT), ("Account", _ACCOUNT), ("Credit", _ACCOUNT),
    ("User", _ACCOUNT),
)  # fmt: skip


def understood(body: bytes) -> Meaning | None:
    """What a Platform Notification asks for; None for what is no XML. Raises Unreadable."""
    content = body.removeprefix(BOM).lstrip()
    if not content.startswith(b"<"):
        return None
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise unparsable("XML that declares a document type: eBay sends none, and nobody else's is read")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314  (no entities: refused above)
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # the latter two: an encoding nobody knows
        raise unparsable(f"no whole XML document: {error}") from None
    event = next(iter(_said(root, "NotificationEventName")), "")
    if not event:
        raise unparsable("XML without a NotificationEventName: it is no Platform Notification of eBay's")
    if event not in _ORDERS:
        reason = next((reason for start, reason in _NOT_TAKEN if event.startswith(start)), "")
        if not reason:
            words = f"is a notification Backroom has no word for: {event[:60]!r}"
            raise Unreadable(FailureClass.BAD_VALUE, Fault("NotificationEventName", words))
        return ignored(reason)
    refs = _said(root, "ExtendedOrderID") or _said(root, "OrderID")
    if not refs:
        return ignored("it names no order yet: the order comes by itself once the buyer has checked out")
    return Meaning(acts=tuple(AskFor("order", ref) for ref in refs))


def _said(root: ElementTree.Element, name: str) -> list[str]:
    """What every element of this name says, whatever its namespace, each once."""
    found = (clean(each.text)[:120] for each in root.iter() if each.tag.rpartition("}")[2] == name)
    return list(dict.fromkeys(each for each in found if each))
