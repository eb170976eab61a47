"""What a channel calls our articles, taken from its own catalogue: so that nobody has to teach it code by code."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import events
from core.actors import Actor
from core.subjects import Subject
from integrations.aliases import system_of
from integrations.channels.meaning import LearnCodes, Listed
from integrations.models import Connection, Listing
from inventory import skus
from inventory.events import ALIAS_ADDED
from inventory.models import Item, ItemAlias

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Learnt:
    """How many of the codes are new, and what is to be said of the others."""

    new: int
    words: str


def learn(act: LearnCodes, connection: Connection) -> Learnt:
    """Make each code an alias of the item its SKU names, and keep what the channel lists. What an alias says already
    stands, whoever said it; a SKU that is no item's is kept as missing, never guessed at.

    Lines that wait for one of these codes are mapped by their timer. Safe to repeat.
    """
    system = system_of(connection)
    listed = {skus.normalise(each.code): each for each in act.codes}
    wanted = {code: skus.normalise(each.sku) for code, each in listed.items()}
    items = {item.sku: item for item in Item.objects.filter(sku__in=set(wanted.values()) - {""})}
    known = dict(ItemAlias.objects.filter(system=system, code__in=wanted).values_list("code", "item__sku"))
    fresh = {code: items[sku] for code, sku in sorted(wanted.items()) if code not in known and sku in items}
    _add(system, fresh, connection.actor)
    _keep(connection, listed, wanted, known=known.keys() | fresh.keys())
    others = sum(1 for code, sku in wanted.items() if code in known and known[code] != sku and sku in items)
    unknown = [sku for code, sku in wanted.items() if code not in known and sku not in items]
    said = [
        (len(fresh), "learnt"),
        (others, "mean another item here"),
        (sum(map(bool, unknown)), "have a SKU nobody knows"),
        (len(unknown) - sum(map(bool, unknown)), "have no SKU"),
        (len(known) - others, "known already"),
    ]
    return Learnt(len(fresh), "codes: " + ", ".join(f"{count} {words}" for count, words in said if count))


def _add(system: str, fresh: dict[str, Item], actor: Actor) -> None:
    aliases = [ItemAlias(system=system, code=code, item=item) for code, item in fresh.items()]
    ItemAlias.objects.bulk_create(aliases, ignore_conflicts=True)
    for alias in aliases:
        about = Subject("item", str(alias.item.pk), alias.item.sku)
        events.record(ALIAS_ADDED, about, actor=actor, data={"system": system, "code": alias.code})


def _keep(connection: Connection, listed: dict[str, Listed], wanted: dict[str, str], *, known: Container[str]) -> None:
    """The rows in the order of their codes, so that two pages at once never wait for each other in a ring."""
    now = timezone.now()
    Listing.objects.bulk_create(
        [
            Listing(connection=connection, code=code, sku=wanted[code][:200], title=each.title[:200],
                    missing=code not in known, seen_at=now, gone_at=None)
            for code, each in sorted(listed.items())
        ],
        update_conflicts=True, unique_fields=["connection", "code"],
        update_fields=["sku", "title", "missing", "seen_at", "gone_at"],
    )  # fmt: skip


def still_listed(connection: Connection, listed: Iterable[str]) -> None:
    """The channel's catalogue has these codes now. Those nobody has read yet are kept when they are."""
    known = [skus.normalise(code) for code in listed]
    Listing.objects.filter(connection=connection, code__in=known).update(seen_at=timezone.now(), gone_at=None)


def gone(connection: Connection, *, since: datetime) -> int:
    """Mark what a walk through the whole catalogue, begun at `since`, didn't find; returns how many.

    A walk that found nothing we know marks nothing: a catalogue doesn't vanish, an answer may. What is found again
    later isn't gone any more, and aliases stay, because orders may still speak of it.
    """
    rows = Listing.objects.filter(connection=connection)
    if not rows.filter(seen_at__gte=since).exists():
        return 0
    return rows.filter(seen_at__lt=since, gone_at=None).update(gone_at=timezone.now())


# --- Those nobody knows


def missing(connection: Connection, text: str = "") -> QuerySet[Listing]:
    """What the channel lists that means no item of ours; `text` begins a code or a SKU."""
    rows = Listing.objects.filter(connection=connection, missing=True, gone_at=None)
    if text := skus.normalise(text):
        rows = rows.filter(code__istartswith=text) | rows.filter(sku__istartswith=text)
    return rows


def fit() -> int:
    """Make aliases of what was missing and whose SKU has become an item's since; returns how many."""
    with database.cursor() as cursor:
        cursor.execute(_FITTING, [AT_ONCE])
        found = cursor.fetchall()
    rows = Listing.objects.select_related("connection__channel").in_bulk([row[0] for row in found])
    fitting: dict[Connection, list[Listed]] = {}
    for row in rows.values():
        fitting.setdefault(row.connection, []).append(Listed(row.code, row.sku, row.title))
    made = 0
    for connection, listed in fitting.items():
        with transaction.atomic():
            made += learn(LearnCodes(tuple(listed)), connection).new
    return made


_FITTING = """
SELECT l.id FROM integrations_listing l JOIN inventory_item i ON i.sku = l.sku
WHERE l.missing ORDER BY l.id LIMIT %s
"""
