"""How a customer stands with us: what they bought and brought back, gathered for the pure rules."""

from __future__ import annotations

from django.db.models import Count, F, Q, Sum

from exceptions.models import Case
from orders.models import Channel, Order, OrderLine, OrderStatus
from returns import standing
from returns.models import Dimension, ReturnLine, ReturnSignal, ReturnStatus, SignalKind
from returns.rules import StandingRules, standard
from returns.standing import History, Stands

MOST_ORDERS = 500  # of one customer that are looked at: enough to know them
FLAGS = ("returns.serial_returner", "returns.receipt_abuse")  # cases of a person's that make somebody watched


def of(
    buyer_ref: str, buyer_email: str, channel: Channel | None = None, *, rules: StandingRules | None = None
) -> Stands:
    """A customer's standing. Nobody in particular is NEW. A fixed number of queries."""
    known = customer(buyer_ref, buyer_email, channel)
    if known is None:
        return Stands(standing.NEW, "Nobody knows who it is.")
    return standing.stands(history(known, key(buyer_ref, buyer_email, channel)), rules or standard().standing)


def customer(buyer_ref: str, buyer_email: str, channel: Channel | None) -> Q | None:
    """Which orders (and, by the same fields, returns) are this person's. A ref is only one within its channel."""
    found = Q()
    if buyer_email:
        found |= Q(buyer_email__in={buyer_email.strip(), buyer_email.strip().lower()})
    if buyer_ref and channel is not None:
        found |= Q(buyer_ref=buyer_ref, channel=channel)
    return found or None


def key(buyer_ref: str, buyer_email: str, channel: Channel | None) -> str:
    """One name for a customer, as signals know them: the e-mail address, else the channel's own reference."""
    return buyer_email.strip().lower() or (f"{channel.pk}:{buyer_ref}" if buyer_ref and channel else "")


def history(known: Q, name: str) -> History:
    orders = list(
        Order.objects.filter(known, test=False)
        .exclude(status=OrderStatus.CANCELLED)
        .order_by("-id")
        .values_list("pk", flat=True)[:MOST_ORDERS]
    )
    lines = OrderLine.objects.filter(order__in=orders).aggregate(
        orders=Count("order", distinct=True, filter=Q(fulfilled__gt=0)), bought=Sum("fulfilled")
    )
    back = (
        ReturnLine.objects.filter(request__order__in=orders)
        .exclude(request__status=ReturnStatus.DECLINED)
        .aggregate(units=Sum(F("received") + F("kept")), rejected=Sum("rejected"))
    )
    flagged = bool(name) and _watched(name)
    return History(
        orders=lines["orders"] or 0,
        bought=lines["bought"] or 0,
        returned=back["units"] or 0,
        rejected=back["rejected"] or 0,
        flagged=flagged,
    )


def _watched(name: str) -> bool:
    """Whether a case about how they return things stands: of a signal that does, until a person decided about it."""
    signals = ReturnSignal.objects.standing().filter(
        dimension=Dimension.CUSTOMER, kind__in=(SignalKind.RETURNER, SignalKind.RECEIPT), key=name
    )
    uids = [str(pk) for pk in signals.values_list("pk", flat=True)]
    return bool(uids) and Case.objects.filter(
        reason__in=FLAGS, subject_kind="return_signal", subject_uid__in=uids, status__in=("OPEN", "WAITING")
    ).exists()  # fmt: skip
