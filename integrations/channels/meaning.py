"""What a message turned out to mean, in Backroom's words. Translators build these; the inbox acts on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from inventory.masters import IncomingItem, IncomingPlace
from inventory.snapshots import IncomingSnapshot
from orders.canonical import IncomingOrder, IncomingPayment, IncomingRefund
from orders.notices import IncomingNotice
from orders.tracking import Scan
from returns.incoming import IncomingReturn


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """The order as its channel sees it now: new or changed, open or cancelled."""

    order: IncomingOrder


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """The channel cancelled an order and no longer says what was in it. One nobody knows yet is not waited for."""

    order_ref: str
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordRefund:
    """Money or units given back on an order that must be known."""

    refund: IncomingRefund


@dataclass(frozen=True, slots=True)
class TakeReturn:
    """A return as the channel sees it now. Its order must be known, unless the channel names none."""

    ret: IncomingReturn


@dataclass(frozen=True, slots=True)
class RecordPayments:
    """Money events of an order that must be known: by its own ref or, where that isn't said, by a payment of its."""

    order_ref: str
    payments: tuple[IncomingPayment, ...]
    of_payment: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """A provider's word on one money event. `names` are all it may be known by; `instruction` is our own reference,
    `order` the order's number, where it repeats them; `failure` why it did not come to be."""

    payment: IncomingPayment
    names: tuple[str, ...]
    instruction: str = ""
    order: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A provider's word on an inquiry, a dispute or a fraud warning: names and order as of `Heard`."""

    notice: IncomingNotice
    names: tuple[str, ...]
    order: str = ""


@dataclass(frozen=True, slots=True)
class HearOfMoney:
    """What a payment provider says happened, whoever asked for it, and what it wants to know."""

    events: tuple[Heard, ...] = ()
    asked: tuple[Asked, ...] = ()


@dataclass(frozen=True, slots=True)
class TakeSettlement:
    """The message's own bytes are a statement of this provider's: a payout with everything in it."""

    provider: str


@dataclass(frozen=True, slots=True)
class GoodsLine:
    """Units that came back from a customer, turned up, or are gone."""

    sku: str
    quantity: int
    kind: Literal["return", "found", "lost"]
    note: str = ""


@dataclass(frozen=True, slots=True)
class MoveGoods:
    """Goods moved at the channel's own place without an order to hang them on, once by `ref`.

    `store` names the place where it isn't the one the channel sells from.
    """

    ref: str
    at: datetime
    lines: tuple[GoodsLine, ...]
    store: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """What the sender calls an article, the SKU it names for it ("" for none), and its name there."""

    code: str
    sku: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class LearnCodes:
    """A part of the sender's catalogue: what it sells, by its own codes."""

    codes: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """What the sender believes about our stock. `statuses` is what its words mean while nobody has said otherwise."""

    snapshot: IncomingSnapshot
    statuses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ComingGoods:
    """What a ship notice says of goods that come to us: its number, the place as the sender calls it, and by when."""

    ref: str
    place: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """What a supplier or third party says of work it was asked to do, named by the request's uid.

    A partner that doesn't repeat the uid names the `work` by its number, and may name lines by the article's codes.
    Where it sends goods to us as well, `coming` is what it means when no such work was asked of it.
    """

    uid: str
    status: Literal["accepted", "rejected", "shipped"]
    partner_ref: str = ""
    sends_at: datetime | None = None
    reason: str = ""
    said: str = ""
    lines: tuple[tuple[str, int], ...] = ()  # (line ref, units) that left; none means all
    carrier: str = ""
    service: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    work: str = ""
    coming: ComingGoods | None = None


@dataclass(frozen=True, slots=True)
class AmendOrder:
    """A change stated against what was said of an order before: which order it is now depends on all of it.

    `orders(bodies)` reads the bodies of every other message about it, in any order, and makes the order or orders anew.
    """

    order_ref: str
    orders: Callable[[Sequence[bytes]], Sequence[IncomingOrder]]


@dataclass(frozen=True, slots=True)
class ClaimNumber:
    """The document's number at its sender, which that uses once: `says` is a digest of what the document says.

    The same number with the same contents is the same document again; with others it is refused.
    """

    number: str
    says: str


@dataclass(frozen=True, slots=True)
class JudgeDocument:
    """What a partner's system made of a document of ours, by the number we gave it."""

    number: int
    verdict: Literal["ACCEPTED", "ERRORS", "REFUSED"]
    words: str = ""


@dataclass(frozen=True, slots=True)
class FollowParcel:
    """What a carrier said of the parcel with this number, all it knows or only the latest.

    `alone` is a document of this parcel's only, where it came in a list: should nobody know the parcel yet, that waits
    and the rest of the list doesn't.
    """

    tracking_number: str
    scans: tuple[Scan, ...]
    alone: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingAccount:
    """A business customer as its master system describes it; None: it says nothing of that."""

    code: str
    name: str
    currency: str | None = None
    payment_terms: str | None = None
    credit_limit: Decimal | None = None
    on_stop: bool | None = None
    tax_id: str | None = None


@dataclass(frozen=True, slots=True)
class KeepMaster:
    """A record of the sender's master data as it stands in `version`. `ref` is the sender's own key of it, for ever;
    without a version the latest to arrive counts."""

    ref: str
    version: datetime | None
    record: IncomingItem | IncomingPlace | IncomingAccount


@dataclass(frozen=True, slots=True)
class SetAside:
    """An item of a list that can't be understood: it becomes a message of its own, which says why it is refused."""

    body: bytes


@dataclass(frozen=True, slots=True)
class AskFor:
    """The message only names what changed: the vendor's `fetch` brings the document itself, as a message of its own."""

    what: str
    ref: str


Act = (
    AskFor
    | CancelOrder
    | PlaceOrder
    | RecordRefund
    | RecordPayments
    | TakeReturn
    | MoveGoods
    | TakeSnapshot
    | AnswerRequest
    | FollowParcel
    | KeepMaster
    | LearnCodes
    | SetAside
    | AmendOrder
    | ClaimNumber
    | JudgeDocument
    | HearOfMoney
    | TakeSettlement
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What to do, or why nothing has to be done. Exactly one of the two is filled."""

    acts: tuple[Act, ...] = ()
    ignored: str = ""


def ignored(reason: str) -> Meaning:
    return Meaning(ignored=reason)
