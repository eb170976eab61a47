"""What a channel calls our articles, taken from its own catalogue: so that nobody has to teach it code by code."""

from __future__ import annotations

from dataclasses import dataclass

from core import events
from core.subjects import Subject
from integrations.channels.meaning import LearnCodes
from integrations.models import Connection
from inventory import skus
from inventory.models import Item, ItemAlias
from orders.services.mapping import ALIAS_ADDED


@dataclass(frozen=True, slots=True)
class Learnt:
    """How many of the codes are new, and what is to be said of the others."""

    new: int
    words: str


def learn(act: LearnCodes, connection: Connection) -> Learnt:
    """Make each code an alias of the item its SKU names. What an alias says already stands, whoever said it.

    Lines that wait for one of these codes are mapped by their timer. Safe to repeat.
    """
    system = connection.channel.code if connection.channel else connection.code
    wanted = {skus.normalise(code): skus.normalise(sku) for code, sku in act.codes}
    items = {item.sku: item for item in Item.objects.filter(sku__in=set(wanted.values()))}
    aliases = ItemAlias.objects.filter(system=system, code__in=wanted)
    known = dict(aliases.values_list("code", "item__sku"))
    fresh = [
        ItemAlias(system=system, code=code, item=items[sku])
        for code, sku in sorted(wanted.items())
        if code not in known and sku in items
    ]
    ItemAlias.objects.bulk_create(fresh, ignore_conflicts=True)
    for alias in fresh:
        about = Subject("item", str(alias.item.pk), alias.item.sku)
        events.record(ALIAS_ADDED, about, actor=connection.actor, data={"system": system, "code": alias.code})
    others = sum(1 for code, sku in wanted.items() if code in known and known[code] != sku and sku in items)
    unknown = sum(1 for sku in wanted.values() if sku not in items)
    said = [
        (len(fresh), "learnt"),
        (others, "mean another item here"),
        (unknown, "have a SKU nobody knows"),
        (len(known) - others, "known already"),
    ]
    return Learnt(len(fresh), "codes: " + ", ".join(f"{count} {words}" for count, words in said if count))
