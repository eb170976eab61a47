"""What a connection's words and codes mean: looked up, said, forgotten, each step a version of its mapping.

Codes of articles and places are kept with the stock, under the channel's code, because stock, orders and sources look
them up there; statuses, ways to pay, taxes and carriers are words of one connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.events import Fact
from core.subjects import Subject
from integrations import reading
from integrations.channels.meaning import MoveGoods, PlaceOrder
from integrations.failures import FailureClass, Fault, Unreadable, Wanted
from integrations.models import Alias, AliasChange, AliasKind, Connection, InboundMessage, Listing
from integrations.models.aliases import SAID
from inventory import skus
from inventory.events import ALIAS_ADDED, ALIAS_REMOVED, LOCATION_ALIAS_ADDED, LOCATION_ALIAS_REMOVED
from inventory.models import Item, ItemAlias, Location, LocationAlias
from orders.canonical import IncomingOrder, IncomingPayment

LONGEST = 200
LIKE_AT_MOST = 10_000


def system_of(connection: Connection) -> str:
    """Under which its codes of articles and places are kept."""
    return connection.channel.code if connection.channel else connection.code


def version_of(connection: Connection, vendor_version: str) -> str:
    """What a message was read by: the vendor's translator, and the connection's own mapping once it has one."""
    return f"{vendor_version}+{connection.mapping_version}" if connection.mapping_version else vendor_version


# --- Looked up


@contextmanager
def reading_by(connection: Connection) -> Iterator[None]:
    """Within it, translators find what this connection's words mean."""
    with reading.using(_words_of(connection)):
        yield


def _words_of(connection: Connection) -> Mapping[tuple[str, str], str]:
    if not connection.mapping_version:
        return {}
    look_up = _words.__wrapped__ if _trying.get() else _words
    return look_up(connection.pk, connection.mapping_version)


_trying: ContextVar[bool] = ContextVar("trying", default=False)


@contextmanager
def trying() -> Iterator[None]:
    """Within it nothing is remembered: what is said there is taken back, and its version will be another one's."""
    token = _trying.set(True)
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        _trying.reset(token)


@lru_cache(maxsize=512)
def _words(connection_id: UUID, version: int) -> Mapping[tuple[str, str], str]:
    rows = Alias.objects.filter(connection_id=connection_id).values_list("kind", "code", "means")
    return {(kind, reading.word_key(code)): means for kind, code, means in rows}


def outward(connection: Connection, kind: AliasKind, setting: str) -> dict[str, str]:
    """Our words in theirs, from the settings and what was said on screen (which counts)."""
    told = connection.settings.get(setting) or {}
    rows = Alias.objects.filter(connection=connection, kind=kind).values_list("code", "means")
    return {**(told if isinstance(told, dict) else {}), **dict(rows)}


def placed(act: PlaceOrder, connection: Connection) -> PlaceOrder:
    """The order with our own names of its place and of the ways it was paid.

    A sale of a till whose place nobody knows can't leave any books: Unreadable asks for the alias.
    """
    order = act.order
    code = order.pickup_location_code
    if code and (ours := place(code, connection)) != code:
        order = replace(order, pickup_location_code=ours)
    elif code and _must_be_known(connection, order) and not Location.objects.filter(code=code).exists():
        raise _unknown("pickup_location_code", AliasKind.LOCATION, code, f"no place of ours is called {code}")
    named = paid(order.payments, connection)
    return PlaceOrder(replace(order, payments=named) if named != order.payments else order)


def _must_be_known(connection: Connection, order: IncomingOrder) -> bool:
    channel = connection.channel
    left = any(line.fulfilled_elsewhere for line in order.lines)
    return channel is not None and channel.kind == "POS" and channel.sells_from_id is None and left


def paid(payments: tuple[IncomingPayment, ...], connection: Connection) -> tuple[IncomingPayment, ...]:
    """With our names for the ways to pay."""
    words = _words_of(connection)
    named = {said: meant for (kind, said), meant in words.items() if kind == AliasKind.PAYMENT}
    if not named:
        return payments
    return tuple(replace(each, gateway=named.get(reading.word_key(each.gateway), each.gateway)) for each in payments)


def moved(act: MoveGoods, connection: Connection) -> MoveGoods:
    return replace(act, store=place(act.store, connection)) if act.store else act


def place(code: str, connection: Connection) -> str:
    """Our code of a place of theirs; theirs where nobody said."""
    aliases = LocationAlias.objects.filter(system=system_of(connection), code=skus.normalise(code))
    return aliases.values_list("location__code", flat=True).first() or code


def _unknown(path: str, kind: AliasKind, code: str, words: str) -> Unreadable:
    return Unreadable(FailureClass.MISSING_REFERENCE, Fault(path, words, Wanted(kind.value, code)))


# --- Said and forgotten


@transaction.atomic
def say(connection_id: UUID, kind: str, code: str, means: str, *, actor: Actor) -> int:
    """Say what a word or code means (an empty `means` forgets it); returns the mapping's version. Safe to repeat.

    Locks the connection. Invalid for what nobody knows here: no such item, place, word.
    """
    connection = Connection.objects.select_for_update(no_key=True, of=("self",)).select_related("channel").get(
        pk=connection_id
    )  # fmt: skip
    known = _kind(kind)
    code, means = skus.normalise(code)[: LONGEST + 1], " ".join(means.split())
    wrong = [
        Problem(name, "length", f"Between 1 and {LONGEST} characters.")
        for name, text in (("code", code), ("means", means or "-"))
        if not 0 < len(text) <= LONGEST
    ]
    if wrong:
        raise Invalid(wrong, status=422)
    before = meant(connection, known, code)
    if before == means:
        return connection.mapping_version
    _keep(connection, known, code, means, actor)
    return _note(connection, known, code, before, meant(connection, known, code), actor.label)


def meant(connection: Connection, kind: AliasKind, code: str) -> str:
    """What it means now: an item's SKU, a place's code, a word; "" where nobody said."""
    system = system_of(connection)
    if kind == AliasKind.ITEM:
        found = ItemAlias.objects.filter(system=system, code=code).values_list("item__sku", flat=True).first()
    elif kind == AliasKind.LOCATION:
        found = LocationAlias.objects.filter(system=system, code=code).values_list("location__code", flat=True).first()
    else:
        rows = Alias.objects.filter(connection=connection, kind=kind, code=code)
        found = rows.values_list("means", flat=True).first()
    return found or ""


def _keep(connection: Connection, kind: AliasKind, code: str, means: str, actor: Actor) -> None:
    if kind == AliasKind.ITEM:
        _keep_item(connection, code, means, actor)
    elif kind == AliasKind.LOCATION:
        _keep_place(connection, code, means, actor)
    elif means:
        Alias.objects.update_or_create(connection=connection, kind=kind, code=code, defaults={"means": means})
    else:
        Alias.objects.filter(connection=connection, kind=kind, code=code).delete()


def _keep_item(connection: Connection, code: str, means: str, actor: Actor) -> None:
    system = system_of(connection)
    told = {"system": system, "code": code}
    old = ItemAlias.objects.select_related("item").filter(system=system, code=code).first()
    if old is not None:
        old.delete()
        events.record(ALIAS_REMOVED, Subject("item", str(old.item_id), old.item.sku), actor=actor, data=told)
    if means:
        item = Item.objects.filter(sku=skus.normalise(means)).first()
        if item is None:
            raise Invalid([Problem("means", "unknown", f"No item has the SKU {means[:60]}.")], status=422)
        ItemAlias.objects.create(system=system, code=code, item=item)
        events.record(ALIAS_ADDED, Subject("item", str(item.pk), item.sku), actor=actor, data=told)
    _relist(connection, code, means)


def _relist(connection: Connection, code: str, means: str) -> None:
    """What its catalogue lists under this code has an item now, or none any more."""
    Listing.objects.filter(connection=connection, code=code).update(missing=not means)


def _keep_place(connection: Connection, code: str, means: str, actor: Actor) -> None:
    system = system_of(connection)
    told = {"system": system, "code": code}
    old = LocationAlias.objects.select_related("location").filter(system=system, code=code).first()
    if old is not None:
        old.delete()
        about = Subject("location", str(old.location_id), old.location.code)
        events.record(LOCATION_ALIAS_REMOVED, about, actor=actor, data=told)
    if means:
        location = Location.objects.filter(code=means).first()
        if location is None:
            raise Invalid([Problem("means", "unknown", f"No place has the code {means[:60]}.")], status=422)
        LocationAlias.objects.create(system=system, code=code, location=location)
        about = Subject("location", str(location.pk), location.code)
        events.record(LOCATION_ALIAS_ADDED, about, actor=actor, data=told)


def note(connection: Connection, kind: AliasKind, code: str, before: str, after: str, label: str) -> int:
    """The next version of the mapping; the caller holds the connection's lock."""
    return _note(connection, kind, code, before, after, label)


def _note(connection: Connection, kind: AliasKind, code: str, before: str, after: str, label: str) -> int:
    version = connection.mapping_version + 1
    AliasChange.objects.create(
        connection=connection, version=version, kind=kind, code=code, before=before, after=after,
        actor_label=label[:200],
    )  # fmt: skip
    Connection.objects.filter(pk=connection.pk).update(mapping_version=F("mapping_version") + 1)
    connection.mapping_version = version
    return version


def note_elsewhere(event: Fact) -> None:
    """An alias of an article or place was said or forgotten somewhere else: the versions of whom it concerns move on.

    What `say` wrote down already is left: the newest step for the code says the same. Idempotent.
    """
    system, code = str(event.data.get("system", "")), str(event.data.get("code", ""))
    kind = AliasKind.LOCATION if event.subject.kind == "location" else AliasKind.ITEM
    rows = Connection.objects.select_related("channel").exclude(kind=Connection.Kind.WEBHOOK)
    for pk in [each.pk for each in rows.filter(channel__code=system) | rows.filter(channel=None, code=system)]:
        with transaction.atomic():
            locked = Connection.objects.select_for_update(no_key=True, of=("self",)).select_related("channel")
            connection = locked.get(pk=pk)
            last = connection.alias_changes.filter(kind=kind, code=code).order_by("-version").first()
            now = meant(connection, kind, code)
            if kind == AliasKind.ITEM:
                _relist(connection, code, now)
            if (last.after if last else "") != now:
                _note(connection, kind, code, last.after if last else "", now, event.actor.label)


def _kind(kind: str) -> AliasKind:
    if kind not in SAID:
        raise Invalid([Problem("kind", "choice", "Choose what kind of word it is.")], status=422)
    return AliasKind(kind)


# --- Listed


@dataclass(frozen=True, slots=True)
class Said:
    """One alias as a list shows it."""

    id: int
    code: str
    means: str
    about: str = ""


def listed(connection: Connection, kind: str, text: str = "") -> QuerySet:
    """The aliases of one kind as rows with id, code, means and about; `text` begins a code or is what it means."""
    known, system = _kind(kind), system_of(connection)
    if known == AliasKind.ITEM:
        rows = ItemAlias.objects.filter(system=system).annotate(means=F("item__sku"), about=F("item__name"))
    elif known == AliasKind.LOCATION:
        rows = LocationAlias.objects.filter(system=system).annotate(
            means=F("location__code"), about=F("location__name")
        )
    else:
        rows = Alias.objects.filter(connection=connection, kind=known)
    if text := skus.normalise(text):
        rows = rows.filter(code__istartswith=text) | rows.filter(**{_MEANS[known]: text})
    return rows


_MEANS = {AliasKind.ITEM: "item__sku", AliasKind.LOCATION: "location__code"} | dict.fromkeys(
    (AliasKind.STATUS, AliasKind.PAYMENT, AliasKind.TAX, AliasKind.CARRIER), "means"
)


# --- What failed for want of one


def wanted(message: InboundMessage) -> list[Wanted]:
    """What this failed message asks to be said, each once."""
    found = [
        Wanted(each["kind"], each.get("code", ""), tuple(each.get("choices", ())))
        for each in message.faults
        if isinstance(each, dict) and each.get("kind") in AliasKind.values and each.get("code")
    ]
    return list(dict.fromkeys(found))


def failed_for(connection_id: UUID, want: Wanted) -> QuerySet[InboundMessage]:
    """The connection's failed messages that ask for this very word."""
    return InboundMessage.objects.filter(
        status=InboundMessage.Status.FAILED,
        connection_id=connection_id,
        faults__contains=[{"kind": want.kind, "code": want.code}],
    )


def expect(count: int, expected: str) -> None:
    """Refusal("count_changed") where it is not as many as the person saw."""
    if not (expected.isascii() and expected.isdigit() and len(expected) < 10):
        raise Refusal("bad_count", "Say how many messages you saw.", status=400)
    if count != int(expected):
        words = f"{count} messages failed for want of it by now, not {expected}. Look again before you start."
        raise Refusal("count_changed", words, count=count)


def needs(connection_id: UUID, kind: str, code: str, message_id: int) -> Wanted:
    """What the message asks for under this kind and code. Refusal("not_wanted") where it doesn't (any more)."""
    message = InboundMessage.objects.defer("body", "headers").get(pk=message_id, connection_id=connection_id)
    for want in wanted(message):
        if (want.kind, want.code) == (kind, code):
            return want
    raise Refusal("not_wanted", "This message doesn't ask for that any more.", status=409)
