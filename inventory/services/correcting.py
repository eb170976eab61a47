"""Making the books say what a source says, by compensating movements. Nothing in the ledger is ever changed."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import Refusal
from core.subjects import Subject
from inventory.events import DIFFERENCE_CORRECTED
from inventory.models import Stock, StockDifference, StockSource
from inventory.services import comparing, differences, movements
from inventory.services.comparing import Compared
from inventory.services.movements import Move
from inventory.snapshots import STATES, moves_of


@dataclass(frozen=True, slots=True)
class Fix:
    """What would make the books say what the source says, and whose word that is."""

    stock: Stock
    source: StockSource
    word: Compared
    moves: list[Move]


def plan(stock_id: int) -> Fix:
    """The compensating movements for one item and place, as it stands now. Changes nothing.

    Refusal("agrees") when there is nothing to correct, ("sources_disagree") when two sources want different things:
    then somebody has to count.
    """
    stock = Stock.objects.select_related("item", "location").filter(pk=stock_id).first()
    if stock is None:
        raise Refusal("unknown_place", "There is no such stock.", status=404)
    words = [word for word in comparing.of(stock.item_id, stock.location_id) if word.deltas]
    if not words:
        raise Refusal("agrees", "The books and the source agree by now; nothing is to be corrected.")
    sources = StockSource.objects.in_bulk({word.source_id for word in words})
    if len({tuple(sorted(word.deltas.items())) for word in words}) > 1:
        names = ", ".join(sorted(source.name for source in sources.values()))
        raise Refusal("sources_disagree", f"{names} disagree with each other. Have it counted.")
    word = max(words, key=lambda each: each.as_of)
    return Fix(stock, sources[word.source_id], word, _moves(word))


@transaction.atomic
def correct(stock_id: int, *, actor: Actor) -> Fix:
    """Post the compensating movements, as of the moment the source spoke of. A difference is corrected once.

    Locks what was reported, then stock. Raises what `plan` and `movements.post` raise.
    """
    stock = Stock.objects.filter(pk=stock_id).values_list("item_id", "location_id").first()
    reported = comparing.reported([stock] if stock else [])
    differences.settle(reported, why="Looked at again", actor=actor)
    fix = plan(stock_id)
    word = fix.word
    row = StockDifference.objects.open().get(
        source_id=word.source_id, item_id=word.item_id, location_id=word.location_id
    )
    movements.post(
        fix.moves,
        key=f"difference:{row.pk}",
        cause=Subject("snapshot", str(word.snapshot_id), f"SN-{word.snapshot_id}"),
        actor=actor,
        occurred_at=word.as_of,
        note=f"Corrected to what {fix.source.name} said",
    )
    differences.settle(reported, why=f"Corrected by {actor.label}", actor=actor)
    subject = Subject("stock", str(stock_id), f"{fix.stock.item.sku} @ {fix.stock.location.code}")
    told = {"source": fix.source.code, "snapshot": word.snapshot_id, "deltas": word.deltas}
    events.record(DIFFERENCE_CORRECTED, subject, actor=actor, data=told)
    return fix


def _moves(word: Compared) -> list[Move]:
    place = dict.fromkeys(STATES, word.location_id)
    return [
        Move(word.item_id, units, place.get(source), source, place.get(target), target)
        for source, target, units in moves_of(word.deltas)
    ]
