"""A return as it is asked for: resolved to what was bought, and judged. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from core.errors import Invalid, Problem, Refusal
from inventory.models import Item, Location
from orders.models import Channel, Order, OrderLine, PriceListEntry
from returns import eligibility, rules, terms
from returns.eligibility import Answer, Around, Goods
from returns.models import Condition, Proof, RefundTo, ReturnKind, ReturnReason
from returns.routing import Route
from returns.services import policies, routes, weighing
from returns.services.policies import Deciding
from returns.services.weighing import Wanted
from returns.standing import Stands
from returns.terms import Agreed

MOST_LINES = 200
LOOKED_AT = 100  # sales of an article that are looked at to know what it cost


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLine:
    """Units somebody wants to bring back: of a line of the order (its ref or id), or of an article by its code."""

    quantity: int
    line: str = ""
    sku: str = ""
    title: str = ""
    reason: str = ReturnReason.UNKNOWN
    reason_text: str = ""
    condition: str = ""
    serials: tuple[str, ...] = ()
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A return as somebody asks for it. `order_id` is empty where nothing shows an order (a blind return).

    `agreed_by_channel`: its buyer was told yes there. `promised_until`: the day the channel named to them.
    """

    lines: tuple[AskedLine, ...]
    kind: str = ReturnKind.SERVICE
    proof: str = Proof.ORDER
    order_id: int | None = None
    channel_id: int | None = None
    channel_ref: str = ""
    channel_number: str = ""
    store_id: int | None = None
    receipt_ref: str = ""
    refund_to: str = RefundTo.ORIGINAL
    currency: str = ""
    buyer_name: str = ""
    buyer_email: str = ""
    buyer_phone: str = ""
    sent_from: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    agreed_by_channel: bool = False
    promised_until: datetime | None = None
    asked_on: datetime | None = None
    uid: UUID | None = None  # of whoever asks: the same again is the same return


@dataclass(frozen=True, slots=True)
class Judged:
    """What would become of it: the verdict of every line and of all together, the terms, the way back."""

    asked: Asked
    order: Order | None
    channel: Channel | None
    wanted: tuple[Wanted, ...]
    goods: tuple[Goods, ...]
    answers: tuple[Answer, ...]
    whole: Answer
    agreed: Agreed
    route: Route
    policy: Deciding
    around: Around
    stands: Stands
    currency: str

    @property
    def worth(self) -> Decimal:
        return sum((goods.value for goods in self.goods), Decimal(0))

    @property
    def plan(self) -> str:
        """KEEP_IT also where the way back costs more than the goods bring again, if the policy lets it be kept."""
        return self.agreed.plan


def judge(asked: Asked, *, now: datetime | None = None) -> Judged:
    """What the policy in force says of this. Invalid names what can't be understood; a verdict is no refusal."""
    _check(asked)
    order = _order(asked)
    channel = order.channel if order else Channel.objects.filter(pk=asked.channel_id or 0).first()
    currency = order.currency if order else _currency(asked, channel)
    wanted = _resolve(asked, order, channel, currency)
    policy = policies.in_force(channel.pk if channel else None)
    around, stands = weighing.around(
        policy.policy,
        kind=asked.kind,
        proof=asked.proof,
        order=order,
        channel=channel,
        buyer_ref=order.buyer_ref if order else "",
        buyer_email=(order.buyer_email if order else "") or asked.buyer_email,
        country=str(asked.sent_from.get("country") or ""),
        agreed_by_channel=asked.agreed_by_channel,
        promised_until=asked.promised_until,
        now=now or asked.asked_on or timezone.now(),
    )
    goods = weighing.goods(wanted, order)
    answers = tuple(eligibility.judge(policy.policy, each, around) for each in goods)
    return Judged(
        asked, order, channel, tuple(wanted), tuple(goods), answers, eligibility.strictest(answers),
        terms.agree(policy.policy, goods, around, wanted=asked.refund_to),
        routes.route(policy.policy, wanted, goods, around, address=address_of(asked, order), now=now),
        policy, around, stands, currency,
    )  # fmt: skip


def address_of(asked: Asked, order: Order | None) -> Mapping[str, Any]:
    """Where the goods are now: what was said, else where the order went."""
    return asked.sent_from or ((order.ship_to if order else None) or {})


def _check(asked: Asked) -> None:
    problems = []
    if not asked.lines:
        problems.append(Problem("lines", "too_few", "What comes back?"))
    if len(asked.lines) > MOST_LINES:
        problems.append(Problem("lines", "too_many", f"At most {MOST_LINES} lines at a time."))
    if asked.order_id is None and asked.proof not in {Proof.NONE, Proof.GIFT, Proof.RECEIPT}:
        problems.append(Problem("order", "missing", "Of which order? Without one it has to be said what shows it."))
    if asked.proof == Proof.RECEIPT and asked.order_id is None and not asked.receipt_ref:
        problems.append(Problem("receipt_ref", "missing", "Which receipt?"))
    if asked.refund_to not in RefundTo.values:
        problems.append(Problem("refund_to", "choice", "Choose one of those offered."))
    for n, line in enumerate(asked.lines):
        if line.quantity < 1:
            problems.append(Problem(f"lines[{n}].quantity", "greater_than_equal", "At least one."))
        if line.reason not in ReturnReason.values:
            problems.append(Problem(f"lines[{n}].reason", "choice", "Choose one of those offered."))
        if line.condition and line.condition not in Condition.values:
            problems.append(Problem(f"lines[{n}].condition", "choice", "Choose one of those offered."))
        if len(set(line.serials)) != len(line.serials) or len(line.serials) > line.quantity:
            problems.append(Problem(f"lines[{n}].serials", "serials", "Each unit has one serial number of its own."))
    if problems:
        raise Invalid(problems, status=422)


def _order(asked: Asked) -> Order | None:
    if asked.order_id is None:
        return None
    order = Order.objects.select_related("channel").filter(pk=asked.order_id).first()
    if order is None:
        raise Refusal("not_found", "No such order.", status=404)
    return order


def _currency(asked: Asked, channel: Channel | None) -> str:
    return asked.currency or (channel.currency if channel else "") or rules.standard().routing.currency


def _resolve(asked: Asked, order: Order | None, channel: Channel | None, currency: str) -> list[Wanted]:
    lines = list(OrderLine.objects.filter(order=order).select_related("item").order_by("position")) if order else []
    skus = [line.sku for line in asked.lines if line.sku]
    ids = Item.objects.resolve(skus, system=channel.code if channel else "")
    items = Item.objects.in_bulk(list(ids.values()))
    found, problems = [], []
    for n, each in enumerate(asked.lines):
        item = items.get(ids.get(each.sku, 0))
        bought = _line(each, lines, item) if order else None
        if order and bought is None and asked.kind not in {ReturnKind.CHANNEL, ReturnKind.EDI}:
            problems.append(Problem(f"lines[{n}].line", "unknown", f"{order.number} has no such line."))
        if order is None and item is None and asked.kind not in {ReturnKind.CHANNEL, ReturnKind.EDI}:
            problems.append(Problem(f"lines[{n}].sku", "unknown", "Nobody knows this article."))
        if bought is not None:
            item = bought.item or item
        worth = weighing.unit_value(bought, order) if bought and order else _blind_value(item, channel, currency)
        found.append(
            Wanted(
                quantity=each.quantity,
                line=bought,
                item=item,
                sku=item.sku if item else (bought.sku if bought else each.sku),
                title=(bought.title if bought else "") or (item.name if item else each.title),
                reason=each.reason,
                condition=each.condition,
                serials=tuple(each.serials),
                unit_value=worth,
            )
        )
    if problems:
        raise Invalid(problems, status=422)
    return found


def _line(each: AskedLine, lines: Sequence[OrderLine], item: Item | None) -> OrderLine | None:
    """The order's line that is meant: by its ref or id, else the one of that article with the most units out."""
    if each.line:
        named = [line for line in lines if each.line == line.ref] or [
            line for line in lines if each.line == str(line.pk)
        ]
        if named:
            return named[0]
    if each.sku:
        same = [line for line in lines if (item and line.item_id == item.pk) or line.sku == each.sku]
        return max(same, key=lambda line: line.fulfilled - line.returned, default=None)
    return None


def _blind_value(item: Item | None, channel: Channel | None, currency: str) -> Decimal:
    """What one unit is refunded at where nothing shows what was paid: the least it was sold for of late."""
    if item is None:
        return Decimal(0)
    now = timezone.now()
    recent = OrderLine.objects.filter(item=item, order__currency=currency, ordered__gt=0).select_related("order")
    paid = [weighing.unit_value(line, line.order) for line in recent.order_by("-id")[:LOOKED_AT]]
    listed = PriceListEntry.objects.filter(sku=item.sku, currency=currency, valid_from__lte=now)
    listed = listed.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=now))
    if channel is not None:
        listed = listed.filter(channel=channel)
    return min([*paid, *listed.values_list("price", flat=True)], default=Decimal(0))


def store_channel(store: Location) -> Channel | None:
    """The channel a store sells by, whose rules and currency its counter takes."""
    return Channel.objects.filter(sells_from=store, active=True).order_by("pk").first()
