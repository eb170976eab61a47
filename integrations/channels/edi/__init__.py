"""EDI: X12 and EDIFACT, orders and stock in, what became of them out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from integrations.channels.edi import acknowledging, selling, translate
from integrations.channels.edi.terms import terms_of
from integrations.channels.meaning import Meaning
from integrations.channels.standard import webhooks
from integrations.channels.vendor import Feed, Vendor
from integrations.models import Connection


def _as_settled(connection: Connection) -> Callable[[str, bytes], Meaning]:
    return partial(translate.understand, terms=terms_of(connection))


EDI = Vendor(
    name="edi",
    title="X12 and EDIFACT",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=webhooks.verify,
    delivery=webhooks.delivery,
    as_settled=_as_settled,
    tell_shipment=selling.tell_shipment,
    tell_change=selling.tell_change,
    set_levels=selling.set_levels,
    can_be_called=selling.can_be_called,
    # Feeds that bring nothing: they answer what has come.
    feeds=(
        Feed("acknowledgements", "Acknowledgements (997, CONTRL)", timedelta(minutes=1), acknowledging.acknowledge),
        Feed("order_answers", "Answers to orders (855, ORDRSP)", timedelta(minutes=1), selling.acknowledge_orders),
    ),
)
