"""What buyers are told by EDI: that their order is taken, what left and what it costs, and what there is to buy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from core.errors import Permanent
from integrations import outgoing
from integrations.channels.edi import edifact_written, x12_written
from integrations.channels.edi.billing import bill
from integrations.channels.edi.sent import Sent, items_of, lines_of, of_shipment, said_by_buyer
from integrations.channels.edi.terms import terms_of
from integrations.channels.edi.writing import Line, Style, edifact, style_of, x12
from integrations.channels.news import ChangeMemory, ChangeNews, ShipmentNews
from integrations.channels.vendor import Page
from integrations.models import Connection, InboundMessage, OutgoingDocument
from integrations.outgoing import Written
from inventory.services.figures import Level
from inventory.services.publishing import Outcome
from orders.models import Order

LATEST, AT_ONCE = timedelta(days=14), 50
ALL = ("997", "855", "856", "810", "846", "865", "940")
NAMES = {"DESADV": "856", "INVOIC": "810", "ORDRSP": "855", "INVRPT": "846", "CONTRL": "997"}


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("send_url"))


def wants(connection: Connection, kind: str) -> bool:
    """Whether the partner takes this document: all of them, or those its settings name in X12's or EDIFACT's words."""
    said = connection.settings.get("send", ALL)
    return kind in {NAMES.get(str(each), str(each)) for each in said}


def tell_shipment(connection: Connection, news: ShipmentNews) -> str:
    """Ship notice and invoice of a shipment, each made once however often it is told. Returns their numbers."""
    style = style_of(connection)
    order, sent = of_shipment(connection, news)
    told = []
    if wants(connection, "856"):
        notice = x12_written.ship_notice if style.is_x12 else edifact_written.despatch_advice
        kind = "856" if style.is_x12 else "DESADV"
        told.append(post(connection, style, kind, sent.reference, order.channel_ref, lambda: (notice(sent), {})))
    if wants(connection, "810"):
        kind = "810" if style.is_x12 else "INVOIC"
        told.append(
            post(connection, style, kind, sent.reference, order.channel_ref, lambda: _billed(style, order, sent))
        )
    return ", ".join(f"{each.kind} {each.number}" for each in told) or "nothing: its settings ask for none"


def _billed(style: Style, order: Order, sent: Sent) -> tuple[list[Line], dict[str, Any]]:
    """The invoice's segments, after whatever was billed of the order before. Under the lock of the numbers."""
    items, whole = items_of(order)
    before: dict[str, int] = {}
    connection_invoices = OutgoingDocument.objects.filter(
        connection__channel=order.channel, reference=order.channel_ref, kind__in=("810", "INVOIC")
    )
    for facts in connection_invoices.values_list("facts", flat=True):
        for ref, units in facts.get("units", {}).items():
            before[ref] = before.get(ref, 0) + units
    now = {line.ref: line.units for line in sent.lines}
    made = bill(items, whole, before, now)
    write = x12_written.invoice if style.is_x12 else edifact_written.invoice
    return write(sent, made), {"units": now, "total": str(made.total)}


def post(
    connection: Connection,
    style: Style,
    kind: str,
    about: str,
    reference: str,
    write: Callable[[], tuple[Sequence[Line], dict[str, Any]]],
) -> OutgoingDocument:
    """Make the document once under its own number, and send it unless it was. Safe to repeat."""

    def written(number: int) -> Written:
        lines, facts = write()
        wrap = x12 if style.is_x12 else edifact
        return Written(wrap(style, number, kind, lines, timezone.now()), facts)

    document = outgoing.prepare(connection, key=f"{kind}:{about}", kind=kind, reference=reference, write=written)
    outgoing.send(document, content_type=style.content_type, code_page=style.code_page)
    return document


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> Sequence[Outcome]:
    """846 or INVRPT: what may be sold. The partner's system says nothing of single articles, so all were told."""
    style = style_of(connection)
    kind, write = ("846", x12_written.inventory) if style.is_x12 else ("INVRPT", edifact_written.inventory)
    if not wants(connection, "846"):
        raise Permanent(f"{connection.name} takes no {kind}, by which stock is told.")
    today = timezone.localdate(timezone=terms_of(connection).zone)
    post(connection, style, kind, key, key, lambda: (write(key[:30], today, levels), {}))
    return [Outcome(level.item_id, level.ref or (level.codes[0] if level.codes else "")) for level in levels]


def acknowledge_orders(connection: Connection, cursor: str) -> Page:
    """855 or ORDRSP for every order that was taken on since and has none yet. A feed that brings nothing. Safe to
    repeat."""
    if not wants(connection, "855"):
        return Page((), cursor)
    since = timezone.now() - LATEST
    came = InboundMessage.objects.filter(connection=connection, result_kind="order", received_at__gte=since)
    told = OutgoingDocument.objects.filter(connection=connection, kind=_answers(connection)).values("reference")
    orders = Order.objects.filter(pk__in=[int(uid) for uid in came.values_list("result_uid", flat=True).distinct()])
    for order in orders.exclude(status="RECEIVED").exclude(channel_ref__in=told).order_by("pk")[:AT_ONCE]:
        _acknowledge(connection, order)
    return Page((), cursor)


def _answers(connection: Connection) -> str:
    return "855" if style_of(connection).is_x12 else "ORDRSP"


def _acknowledge(connection: Connection, order: Order) -> None:
    terms, said, style = terms_of(connection), said_by_buyer(order, connection), style_of(connection)
    stands = {line.ref: line for line in order.lines.all()}
    units = {ref: line.ordered for ref, line in stands.items()}
    placed, today = timezone.localdate(order.placed_at, terms.zone), timezone.localdate(timezone=terms.zone)
    answer = x12_written.acknowledgement if style.is_x12 else edifact_written.order_response

    def write() -> tuple[list[Line], dict[str, Any]]:
        lines = [
            (line, at.allocated + at.fulfilled, at.backordered + at.open)
            for line in lines_of(order, units, said, terms)
            if (at := stands[line.ref])
        ]
        return answer(order.po_number or order.channel_ref, placed, order.number, today, lines), {}

    post(connection, style, _answers(connection), order.channel_ref, order.channel_ref, write)


def tell_change(connection: Connection, news: ChangeNews, memory: ChangeMemory) -> str:
    """865, or an ORDRSP that changes: what now stands of each line. Made once for each change of ours."""
    style = style_of(connection)
    kind, asked = ("865", "865") if style.is_x12 else ("ORDRSP", "855")
    if not wants(connection, asked):
        raise Permanent(f"{connection.name} takes no {kind} of changes: tell them by hand.")
    if news.kinds - {"cancel", "quantity", "remove_line"}:
        raise Permanent("By EDI a partner is told of units taken off an order only: tell the rest by hand.")
    order = Order.objects.get(channel=connection.channel, channel_ref=news.order_ref)
    terms, said = terms_of(connection), said_by_buyer(order, connection)
    wanted = {each.ref: each.units for each in news.wanted}
    everything = {line.ref: line.ordered for line in order.lines.all()}
    placed, today = timezone.localdate(order.placed_at, terms.zone), timezone.localdate(timezone=terms.zone)
    po = order.po_number or order.channel_ref
    lines = [(line, wanted.get(line.ref, 0)) for line in lines_of(order, everything, said, terms)]

    def write() -> tuple[list[Line], dict[str, Any]]:
        if style.is_x12:
            return x12_written.order_change(po, placed, order.number, news.reference, today, lines), {}
        stands = [(line, units, 0) for line, units in lines]
        return edifact_written.order_response(po, placed, order.number, today, stands), {}

    made = post(connection, style, kind, f"change:{news.reference}", order.channel_ref, write)
    return f"It is told as {made.kind} {made.number}."
