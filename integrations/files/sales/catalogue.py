"""Articles a sales file names and nobody knows, made only where somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterable

from core.errors import Invalid
from integrations.failures import Unreadable
from integrations.files.sales import reading, translate
from integrations.files.sales.cutting import Piece
from integrations.files.sales.mapping import GIFT_CARD, SalesMapping
from integrations.files.sales.reading import ADJUSTMENT, RETURN, SALE
from integrations.models import Connection
from inventory import skus
from inventory.models import Item

MOST_REMEMBERED = 200_000


class Known(set[str]):
    """SKUs seen to exist, so that each is looked up once. Forgotten as a whole when there are too many."""

    def learn(self, codes: set[str]) -> None:
        if len(self) + len(codes) > MOST_REMEMBERED:
            self.clear()
        self.update(codes)


def make_missing(pieces: Iterable[Piece], mapping: SalesMapping, connection: Connection, known: Known) -> None:
    """Make the items these invoices need. An unreadable invoice or SKU makes none; its message says why."""
    titles: dict[str, str] = {}
    for piece in pieces:
        try:
            invoice = reading.read(piece.body, mapping)
        except Unreadable:
            continue
        for row in invoice.of(SALE, RETURN, ADJUSTMENT):
            if row.means != GIFT_CARD:
                titles.setdefault(translate.sku_of(row, mapping), row.title)
    wanted = titles.keys() - known
    if not wanted:
        return
    channel = connection.channel
    missing = wanted - Item.objects.resolve(wanted, system=channel.code if channel else "").keys()
    Item.objects.bulk_create(
        [Item(sku=sku, name=(titles[sku] or sku)[:200]) for sku in sorted(missing) if _may_be(sku)],
        ignore_conflicts=True,
    )
    known.learn(wanted)


def _may_be(sku: str) -> bool:
    try:
        return skus.clean(sku) == sku
    except Invalid:
        return False
