"""EDI: X12 and EDIFACT, orders and stock in, what became of them out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from integrations.channels import stock_documents
from integrations.channels.edi import translate
from integrations.channels.edi.terms import terms_of
from integrations.channels.meaning import Meaning
from integrations.channels.vendor import Vendor, never_signed
from integrations.models import Connection


def _as_settled(connection: Connection) -> Callable[[str, bytes], Meaning]:
    return partial(translate.understand, terms=terms_of(connection))


EDI = Vendor(
    name="edi",
    title="X12 and EDIFACT",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=never_signed,
    delivery=stock_documents.delivery,
    as_settled=_as_settled,
)
