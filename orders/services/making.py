"""Kits as sourcing sees them: an article like any other, of which a node has as many as its parts make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from inventory.services import kits
from inventory.services.kits import Parts
from orders.sourcing import Node, Want

Recipes = Mapping[int, Parts]  # kit's item id -> its parts; empty where nothing wanted is a kit


def recipes(wanted: Sequence[Want], nodes: Sequence[Node]) -> Recipes:
    """The kits among what is wanted. A kit is never stocked, so nothing is asked where every item lies somewhere."""
    stocked = {item for node in nodes for item in node.free}
    nowhere = {want.item_id for want in wanted} - stocked
    return kits.components(nowhere) if nowhere else {}


def items(wanted: Sequence[Want], recipes: Recipes) -> set[int]:
    """What has to lie somewhere: the plain items wanted and the kits' parts."""
    plain = {want.item_id for want in wanted} - recipes.keys()
    return plain | {part for parts in recipes.values() for part, _ in parts}


def offer(wanted: Sequence[Want], recipes: Recipes, nodes: Sequence[Node], *, careful: bool) -> list[Node]:
    """The nodes, each offering the kits its parts make.

    A part may be wanted for itself and in kits at once. Each kit is first offered as if nobody else wanted its parts,
    which is right nearly always; where the stock then turns out not to be enough for all, `careful` takes what the
    plain lines and the kits before it may want off the shelf first, so that whatever is planned can be held.
    """
    units: Counter[int] = Counter()
    for want in wanted:
        units[want.item_id] += want.quantity
    offered = []
    for node in nodes:
        left = dict(node.free)
        if careful:
            for item in units.keys() - recipes.keys():
                left[item] = max(0, left.get(item, 0) - units[item])
        whole: dict[int, int] = {}
        for kit in sorted(units.keys() & recipes.keys()):
            whole[kit] = min(units[kit], kits.whole(recipes[kit], left))
            if careful:
                for part, each in recipes[kit]:
                    left[part] = left.get(part, 0) - whole[kit] * each
        offered.append(node._replace(free={**node.free, **{kit: n for kit, n in whole.items() if n}}))
    return offered
