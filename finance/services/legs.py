# ruff: noqa: S608 (the pieces put together are constants of this page)
"""A matched payout taken apart: whose share of it is whose, and what each is in its own books' currency.

A leg is what one entity books in one currency, as debits by part; what its parts don't balance is its receivable. Who
has the bank account books the whole payout. What of it other entities' orders earned it owes them: each books its own
orders, fees and write-offs against that. Where the books have the money in another currency than it was paid in, it
passes an account between the two, in both currencies; what it is worth less or more than it was is the exchange's.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from finance.book_audit import COIN
from finance.documents import rounded
from finance.models import Entity, MatchStatus, Settlement
from finance.services import entities, rates

ZERO = Decimal(0)
PARTS = ("payout", "fees", "other", "written_off")
Parts = dict[str, Decimal]
Leg = tuple[Entity, str]
MOST_RATES = 200


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str
    on: date


@dataclass(slots=True)
class Legs:
    """`exchange` is what of the matched orders' money the exchange made, in the payout's currency; `rates` are those
    that were asked for, with None for what nobody stated."""

    owner: Entity
    payout: Settlement
    day: date
    legs: dict[Leg, Parts] = field(default_factory=dict)
    exchange: Decimal = ZERO
    rates: list[dict[str, Any]] = field(default_factory=list)

    def add(self, entity: Entity, currency: str, part: str, amount: Decimal) -> None:
        parts = self.legs.setdefault((entity, currency), dict.fromkeys(PARTS, ZERO))
        parts[part] = parts.get(part, ZERO) + amount

    @property
    def unrated(self) -> bool:
        return any(each["rate"] is None for each in self.rates)


def of(payout: Settlement, owner: Entity, day: date) -> Legs:
    """What everybody books of the payout as it is matched, and has reached the bank, by now."""
    found = Legs(owner, payout, day)
    own: dict[str, Decimal] = {
        "payout": payout.payout, "fees": -payout.fees, "other": -payout.other, "written_off": -payout.written_off,
    }  # fmt: skip
    for part, amount in own.items():
        found.add(owner, payout.currency, part, amount)
    _between_currencies(found)
    shared = _shares(found)
    if others := sorted({each.entity for each in shared} - {owner}, key=lambda each: each.pk):
        _between_entities(found, others, shared)
    for each in shared:
        _exchanged(found, each)
    _at_the_bank(found)
    return found


# --- Whose ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Share:
    """What was settled of an entity's orders, in the payout's currency and as their books have it."""

    entity: Entity
    settled: Decimal
    given_up: Decimal
    books: Money


def _shares(found: Legs) -> list[_Share]:
    rows = _asked(_SHARES, found.payout)
    whose = {channel: entities.of_channel(channel) for channel, *_ in rows}
    sums: dict[tuple[Entity, str, date], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO, ZERO])
    for channel, currency, on, *amounts in rows:
        key = (whose[channel], currency, on or found.day)
        sums[key] = [a + b for a, b in zip(sums[key], amounts, strict=True)]
    return [
        _Share(entity, settled, given_up, Money(books, currency, on))
        for (entity, currency, on), (settled, given_up, books) in sorted(
            sums.items(), key=lambda each: (each[0][0].pk, *each[0][1:])
        )
    ]


def _between_entities(found: Legs, others: list[Entity], shared: list[_Share]) -> None:
    """What the others earned is theirs, less what was kept of it; whoever was paid owes it to them."""
    kept: dict[Entity, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for channel, fees, other in _asked(_KEPT, found.payout):
        if channel is not None:
            entity = entities.of_channel(channel)
            kept[entity] = [kept[entity][0] + fees, kept[entity][1] + other]
    currency = found.payout.currency
    for entity in others:
        fees, other = kept[entity]
        given_up = sum((each.given_up for each in shared if each.entity == entity), ZERO)
        due = sum((each.settled for each in shared if each.entity == entity), fees + other + given_up)
        for part, amount in (("fees", fees), ("other", other), ("written_off", given_up)):
            found.add(entity, currency, part, -amount)
            found.add(found.owner, currency, part, amount)
        found.add(entity, currency, f"intercompany:{found.owner.code}", due)
        found.add(found.owner, currency, f"intercompany:{entity.code}", -due)


# --- In which currency ---------------------------------------------------------------------------------------------


def _exchanged(found: Legs, share: _Share) -> None:
    """The orders' money as their books have it, where that is another amount or another currency."""
    paid = Money(share.settled, found.payout.currency, found.day)
    if share.books.currency == paid.currency:
        gain = share.settled - share.books.amount
        found.add(share.entity, paid.currency, "exchange", -gain)
        found.exchange += gain
        return
    found.add(share.entity, paid.currency, "conversion", -paid.amount)
    found.add(share.entity, share.books.currency, "conversion", share.books.amount)
    gain = _gain(found, share.entity, share.books, paid)
    back = _rate(found, share.entity.currency, paid.currency, found.day)
    found.exchange += rounded(gain * (back or ZERO), paid.currency)


def _between_currencies(found: Legs) -> None:
    """What the provider turned into another currency isn't lost: it is on its way to that currency's balance.

    What the exchange made of it is booked where it arrived.
    """
    if not found.payout.other:
        return
    ((amount, came),) = _asked(_CONVERTED, found.payout)
    found.add(found.owner, found.payout.currency, "other", amount)
    found.add(found.owner, found.payout.currency, "conversion", -amount)
    for day, given, currency, got in _asked(_PAIRED, found.payout) if came else ():
        _gain(found, found.owner, Money(given, currency, day), Money(got, found.payout.currency, day))


def _at_the_bank(found: Legs) -> None:
    """What arrived in the account's own currency, for what of the payout."""
    payout = found.payout
    lines = payout.bank_lines.filter(status=MatchStatus.CONFIRMED).exclude(currency=payout.currency)
    for line in lines.order_by("pk"):
        gave = Money(line.original_amount, payout.currency, found.day)
        got = Money(line.amount, line.currency, line.booked_on)
        found.add(found.owner, gave.currency, "payout", -gave.amount)
        found.add(found.owner, gave.currency, "conversion", gave.amount)
        found.add(found.owner, got.currency, "payout", got.amount)
        found.add(found.owner, got.currency, "conversion", -got.amount)
        _gain(found, found.owner, gave, got)


def _gain(found: Legs, entity: Entity, gave: Money, got: Money) -> Decimal:
    """What an exchange made, in the entity's own currency; nothing is said while a rate is missing."""
    worth = []
    for each in (gave, got):
        rate = _rate(found, each.currency, entity.currency, each.on)
        worth.append(None if rate is None else each.amount * rate)
    if worth[0] is None or worth[1] is None:
        return ZERO
    gain = rounded(worth[1] - worth[0], entity.currency)
    found.add(entity, entity.currency, "conversion", gain)
    found.add(entity, entity.currency, "exchange", -gain)
    return gain


def _rate(found: Legs, given: str, wanted: str, on: date) -> Decimal | None:
    rate = rates.rate(given, wanted, on)
    if given != wanted:
        said = {"given": given, "wanted": wanted, "on": on.isoformat(), "rate": None if rate is None else str(rate)}
        if said not in found.rates and len(found.rates) < MOST_RATES:
            found.rates.append(said)
    return rate


def _asked(sql: str, payout: Settlement) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"id": payout.pk, "currency": payout.currency})
        return cursor.fetchall()


# What is a payment's in the buyer's currency is the order's at its own rate, half to even, as its ledger has it.
_COINS = f"s.booked * o.total / t.total / ({COIN.format(currency='o.currency')})"
_ROUNDED = f"""
CASE WHEN mod(abs({_COINS}), 1) = 0.5 THEN 2 * round({_COINS} / 2) ELSE round({_COINS}) END
    * ({COIN.format(currency="o.currency")})
"""
# An entry in the payout's own currency is the same money, whatever else its group was matched with. One in a currency
# that the ledger can't count is taken as it was paid.
_SHARES = f"""
SELECT channel_id, currency, on_day, sum(settled), sum(given_up), sum(coalesce(books, settled))
FROM (
    SELECT o.channel_id, s.amount - s.written_off AS settled, s.written_off AS given_up, b.books,
        CASE WHEN b.books IS NULL THEN %(currency)s ELSE o.currency END AS currency,
        CASE WHEN b.books IS NULL OR o.currency = %(currency)s THEN NULL ELSE coalesce((
            SELECT min(d.booked_on) FROM finance_posting d
            WHERE d.order_id = o.id AND d.kind = 'SALES_ORDER' AND d.status NOT IN ('REVERSED', 'DECLINED')
        ), o.placed_at::date) END AS on_day
    FROM finance_settlementline l
    JOIN finance_matchside s ON s.line_id = l.id AND s.live
    JOIN orders_order o ON o.id = s.order_id
    LEFT JOIN orders_payment p ON p.id = s.payment_id
    LEFT JOIN finance_charge c ON c.id = s.charge_id
    CROSS JOIN LATERAL (
        SELECT coalesce(p.currency, c.currency, o.currency) AS entry,
            o.figures -> 'presentment' ->> 'currency' AS seen,
            nullif((o.figures -> 'presentment' ->> 'total')::numeric, 0) AS total
    ) t
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN t.entry = o.currency AND o.currency = %(currency)s THEN s.amount - s.written_off
            WHEN t.entry = o.currency THEN s.booked
            WHEN t.entry = t.seen AND o.total <> 0 AND t.total IS NOT NULL THEN {_ROUNDED}
        END AS books
    ) b
    WHERE l.settlement_id = %(id)s
) each_side
GROUP BY channel_id, currency, on_day
"""
# A line's fee is its first order's, as the ledger has it; a fee of a line of its own is the order's that it names.
_KEPT = """
WITH sided AS (
    SELECT DISTINCT ON (l.id) l.id, l.order_ref, o.channel_id FROM finance_settlementline l
    JOIN finance_matchside s ON s.line_id = l.id AND s.live
    JOIN orders_order o ON o.id = s.order_id
    WHERE l.settlement_id = %(id)s ORDER BY l.id, s.id
), named AS (
    SELECT order_ref, min(channel_id) AS channel_id FROM sided WHERE order_ref <> '' GROUP BY order_ref
    HAVING count(DISTINCT channel_id) = 1
)
SELECT coalesce(d.channel_id, n.channel_id),
    sum(CASE WHEN l.kind IN ('', 'payout', 'ignored') THEN 0 WHEN l.kind = 'fee' THEN l.gross - l.fee ELSE -l.fee END),
    sum(CASE WHEN l.kind IN ('tax_withheld', 'adjustment', 'reserve', 'transfer') THEN l.gross ELSE 0 END)
FROM finance_settlementline l LEFT JOIN sided d ON d.id = l.id LEFT JOIN named n ON n.order_ref = l.order_ref
WHERE l.settlement_id = %(id)s GROUP BY 1
"""
_CONVERTED = """
SELECT coalesce(sum(gross), 0), coalesce(bool_or(gross > 0), false)
FROM finance_settlementline WHERE settlement_id = %(id)s AND kind = 'conversion'
"""
# One conversion is two lines of one moment and one transaction, in two payouts of the account: one gives, one gets.
# Where several share a moment and none names its transaction, which was which isn't guessed.
_PAIRED = """
WITH both_ways AS (
    SELECT l.settlement_id, s.currency, l.gross, l.at, l.line_ref FROM finance_settlement own
    JOIN finance_settlement s ON s.provider = own.provider AND s.account = own.account
        AND s.starts_at <= own.ends_at AND s.ends_at >= own.starts_at
    JOIN finance_settlementline l ON l.settlement_id = s.id AND l.kind = 'conversion' AND l.at IS NOT NULL
    WHERE own.id = %(id)s
), pairs AS (
    SELECT at, line_ref, min(gross) AS given, max(gross) AS got,
        min(currency) FILTER (WHERE gross < 0) AS currency, min(settlement_id) FILTER (WHERE gross > 0) AS settlement_id
    FROM both_ways GROUP BY at, line_ref
    HAVING count(*) = 2 AND min(gross) < 0 AND max(gross) > 0 AND count(DISTINCT currency) = 2
)
SELECT at::date, -sum(given), currency, sum(got) FROM pairs WHERE settlement_id = %(id)s
GROUP BY at::date, currency ORDER BY at::date, currency
"""
