"""Cases of replacements that go ahead of their goods, and of which no money is held."""

from __future__ import annotations

from django.db import connection
from django.utils.timezone import localtime

from core.actors import Actor
from core.formats import money
from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Action, Cell, Column, Evidence, Impact, Opening, Param, Reason, Row
from returns.models import Exchange, ExchangeStatus
from returns.reasons import shared
from returns.services import advance, exchange_ends, exchange_holds

EXCHANGE = "returns.exchange_return"
# The latest hold was refused; or it is over, or should have been taken, and the exchange still stands open. Or it was
# settled with a rest that nobody paid and nobody is paying.
_STANDING = """
SELECT made.request_id FROM returns_exchange made
JOIN returns_returnrequest rma ON rma.id = made.request_id
JOIN orders_order o ON o.id = rma.order_id
LEFT JOIN LATERAL (
    SELECT i.status, i.provider_ref FROM orders_paymentinstruction i
    WHERE i.order_id = rma.order_id AND i.kind = 'AUTHORISE' AND i.cause LIKE 'exchange:' || made.id || ':hold%%'
    ORDER BY i.id DESC LIMIT 1
) hold ON true
LEFT JOIN LATERAL (
    SELECT coalesce(p.expires_at, p.at + make_interval(days => coalesce(way.holds_days, 7))) AS ends
    FROM orders_payment p
    LEFT JOIN LATERAL (
        SELECT holds_days FROM orders_paymentroute
        WHERE channel_id = o.channel_id AND gateway IN (p.gateway, '') ORDER BY gateway DESC LIMIT 1
    ) way ON true
    WHERE p.order_id = rma.order_id AND p.kind = 'authorised' AND p.provider_ref = hold.provider_ref LIMIT 1
) held ON true
WHERE made.status = 'HELD' AND (
        hold.status IN ('FAILED', 'CANCELLED') OR held.ends < now() OR made.due_at < now() - interval '1 hour'
    ) (one)
UNION
SELECT made.request_id FROM returns_exchange made
WHERE made.status = 'SETTLED' AND made.advance (one) AND made.worth > made.credit + coalesce((
        SELECT sum(p.amount) FROM orders_payment p WHERE p.order_id = made.order_id AND p.kind = 'captured'
            AND NOT (p.gateway = 'exchange' AND p.provider_ref = 'exchange:' || made.id)
    ), 0) AND NOT EXISTS (
        SELECT FROM orders_paymentinstruction i WHERE i.cause = 'exchange:' || made.id || ':short'
            AND i.status IN ('WANTED', 'SENT', 'DONE')
    )
"""


def _fetch(uid: str | None) -> list[str]:
    narrowed = "" if uid is None else "AND made.request_id = %(uid)s"
    with connection.cursor() as cursor:
        cursor.execute(
            _STANDING.replace("(one)", narrowed) + " ORDER BY 1 LIMIT %(most)s",
            {"uid": uid and int(uid), "most": shared.SWEPT},
        )
        return [str(row[0]) for row in cursor.fetchall()]


def _of(uid: str) -> Exchange | None:
    rows = Exchange.objects.filter(request_id=int(uid)).select_related("order", "request__order__channel")
    return rows.exclude(status=ExchangeStatus.CANCELLED).order_by("-pk").first()


def _evidence(uid: str) -> list[Evidence]:
    made = _of(uid)
    if made is None:
        return []
    tried = [
        Row(
            (money(row.amount, row.currency), row.get_status_display(), row.failure or "–",
             f"{localtime(row.updated_at):%d %b %H:%M}"),
            hot=row.status in {"FAILED", "CANCELLED"},
        )
        for row in exchange_holds.asked(made)
    ]  # fmt: skip
    left = exchange_ends.has_left(made)
    facts = [
        Row(("Goes out", Cell(made.order.number, Subject("order", str(made.order_id), made.order.number)))),
        Row(("Worth", money(made.worth, made.currency))),
        Row(("Not paid yet", money(exchange_ends.unpaid(made), made.currency)), hot=True),
        Row(("Was it sent?", "Yes: it can only be charged" if left else "No: it waits"), hot=left),
        Row(("Goods due", f"{localtime(made.due_at):%d %b %H:%M}" if made.due_at else "–")),
    ]
    columns = (Column("Held", numeric=True), "What became of it", "What was said", "When")
    return [
        Evidence("The replacement", ("", ""), facts),
        Evidence("What was to be held on the payment", columns, tried, empty="Nothing was asked for."),
    ]


def _impact(uid: str) -> Impact | None:
    made = _of(uid)
    if made is None:
        return None
    left = exchange_ends.unpaid(made)
    return Impact(sum(int(each["quantity"]) for each in made.lines), left or None, made.currency if left else "")


def _describe(uid: str) -> Opening | None:
    return shared.opening(uid, "No money is held for what replaces it.")


def _sent(uid: str) -> bool:
    made = _of(uid)
    return made is not None and made.status == ExchangeStatus.HELD and exchange_ends.has_left(made)


def _waits(uid: str) -> bool:
    made = _of(uid)
    return made is not None and made.status == ExchangeStatus.HELD and not exchange_ends.has_left(made)


def _goes_on(uid: str) -> bool:
    made = _of(uid)
    return made is not None and made.status == ExchangeStatus.HELD


def _pk(uid: str) -> int:
    made = _of(uid)
    return made.pk if made else 0


def _again(uid: str, *, actor: Actor) -> str:
    row = advance.hold_again(_pk(uid), actor=actor)
    return f"{row.amount} {row.currency} is asked for once more."


def _charge(uid: str, *, actor: Actor) -> str:
    made = advance.charge_now(_pk(uid), actor=actor)
    return "It is charged." if made.status == ExchangeStatus.CHARGED else "It is charged as soon as it is held."


def _wait(uid: str, *, actor: Actor, days: int | None = None) -> str:
    made = advance.wait(_pk(uid), days=min(max(days or advance.WAIT_DAYS, 1), 90), actor=actor)
    if made.due_at is None:
        return "It is sent when the goods are back."
    return f"Its goods are due {localtime(made.due_at):%d %b}."


def _cancel(uid: str, *, actor: Actor) -> str:
    made = advance.call_off(_pk(uid), actor=actor)
    return f"{made.order.number} is called off; what is accepted is refunded."


REASONS = (
    Reason(
        code=advance.NOT_HELD,
        title="A replacement has no money held for it",
        queue="returns",
        subject_kind="return",
        icon="repeat",
        severity=reasons.HIGH,
        acknowledge_minutes=60,
        resolve_minutes=8 * 60,
        description="It was to leave ahead of its goods, and the payment could not be held, or the hold is over.",
        clears="The money is held, charged or paid, the goods are accepted, or the exchange is called off.",
        predicate=lambda uid: bool(_fetch(uid)),
        evidence=_evidence,
        context=shared.context,
        impact=_impact,
        standing=lambda: _fetch(None),
        describe=_describe,
        actions=(
            Action(
                code="again", title="Hold it again", permission=EXCHANGE, run=_again, rehearsed=True, primary=True,
                offered=_goes_on, lasting="The customer's bank is asked once more; a hold is let go when goods come.",
            ),
            Action(
                code="charge", title="Charge it", detail="What was sent is paid now, or as soon as it can be held.",
                permission=EXCHANGE, run=_charge, rehearsed=True, offered=_sent,
                lasting="Money is taken; it goes back when the goods come after all.",
            ),
            Action(
                code="wait", title="Wait for the goods", permission=EXCHANGE, run=_wait, rehearsed=True,
                detail="What was sent has more time; what was not is sent when they are back.", offered=_goes_on,
                params=(Param("days", "Days", kind="number", required=False, hint="14 where nothing is said"),),
                lasting="The customer is given more time.",
            ),
            Action(
                code="cancel", title="Call the exchange off", permission=EXCHANGE, run=_cancel, rehearsed=True,
                offered=_waits, lasting="The new order is cancelled; what is accepted is refunded.",
            ),
        ),
    ),
)  # fmt: skip
