"""What a wording of a policy would have said of the returns that were asked for lately. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from orders.carriage import time_zone
from returns import eligibility, terms
from returns.eligibility import Around, Goods
from returns.models import ReturnLine, ReturnRequest
from returns.rules import Policy

LATEST = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """One return: what was decided when it was asked for, and what this wording says."""

    number: str
    before: str
    before_rule: str
    verdict: str
    rule: str
    plan: str
    why: str

    @property
    def differs(self) -> bool:
        return (self.before, self.before_rule) != (self.verdict, self.rule)


def recent(policy: Policy, *, channel_id: int | None) -> list[Outcome]:
    """The latest returns of the policy's scope, the newest first; at the moment each was asked for."""
    rows = ReturnRequest.objects.select_related("order", "channel").prefetch_related("lines__item", "lines__order_line")
    if channel_id is not None:
        rows = rows.filter(channel=channel_id)
    return [_outcome(policy, rma) for rma in rows.order_by("-id")[:LATEST]]


def _outcome(policy: Policy, rma: ReturnRequest) -> Outcome:
    around = Around(
        now=rma.created_at,
        kind=rma.kind,
        proof=rma.proof,
        channel=rma.channel.code if rma.channel else "",
        country=str(rma.sent_from.get("country") or ""),
        standing=rma.standing,
        placed_at=rma.order.placed_at if rma.order else None,
        zone=time_zone(rma.channel.time_zone if rma.channel else "UTC"),
    )
    goods = [_goods(line) for line in rma.lines.all() if not line.unexpected]
    answer = eligibility.strictest([eligibility.judge(policy, each, around) for each in goods])
    agreed = terms.agree(policy, goods, around, wanted=rma.refund_to)
    return Outcome(rma.number, rma.verdict, rma.rule, answer.verdict, answer.rule, agreed.plan, answer.why)


def _goods(line: ReturnLine) -> Goods:
    """As it was asked for. That nothing comes back twice was settled then, so it isn't asked again."""
    bought = line.order_line
    whole = bought.unit_price * bought.ordered if bought else 0
    return Goods(
        quantity=line.quantity,
        sku=line.sku,
        attributes=line.item.attributes if line.item else {},
        left=line.quantity if bought else None,
        unit_value=line.unit_value,
        discount_percent=100 * bought.discount_total / whole if bought and whole else line.unit_value * 0,
        gift_card=bought.gift_card if bought else False,
        reason=line.reason,
        condition=line.condition,
        serial_tracked=line.item is not None and line.item.tracking == "SERIAL",
        serials=tuple(line.serials),
        sent_serials=frozenset(line.serials),
    )
