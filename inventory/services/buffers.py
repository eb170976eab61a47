"""Making, changing and retiring the rules that keep units back, and seeing first what that does to promises."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from inventory.availability import Rule, RuleBook
from inventory.events import RULE_CHANGED
from inventory.models import BufferRule, Measure, RuleKind, Stock
from inventory.services.availability import Available, Reckoning

LOOKED_AT, SHOWN = 200, 25  # stock rows a preview looks through, items it reckons
UNSAVED = 0  # the id of a rule that is only being tried


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as somebody wants it."""

    kind: str
    measure: str
    amount: Decimal
    channel: str = ""
    location_id: int | None = None
    item_id: int | None = None
    attribute_key: str = ""
    attribute_value: str = ""
    at_least: int = 0
    at_most: int | None = None
    note: str = ""

    def as_rule(self, rule_id: int = UNSAVED) -> Rule:
        attribute = (self.attribute_key, self.attribute_value) if self.attribute_key else None
        return Rule(
            rule_id, self.kind, self.measure, self.amount, self.channel, self.location_id, self.item_id, attribute,
            self.at_least, self.at_most,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule does at one place: the row before and after it."""

    before: Available
    after: Available


def save(draft: Draft, *, actor: Actor, rule_id: int | None = None, version: int | None = None) -> int:
    """Put a rule in force, or change one; returns its id.

    Raises Invalid naming every field that breaks a rule, Refusal("scope_taken") where another rule stands for the same
    kind, channel, place and goods, Refusal("changed_meanwhile") for a stale version.
    """
    check(draft)
    try:
        with transaction.atomic():
            if rule_id is None:
                pk = BufferRule.objects.create(**asdict(draft)).pk
            else:
                pk = rule_id
                _change(pk, version, **asdict(draft), active=True)
            _record(pk, "changed" if rule_id else "made", actor, asdict(draft))
    except IntegrityError as error:
        if "one_buffer_rule_per_scope" not in str(error):
            raise
        raise Refusal(
            "scope_taken", "Another rule says already what is kept back there. Change that one.", status=422
        ) from None
    return pk


def retire(rule_id: int, *, version: int | None, actor: Actor) -> None:
    """Take a rule out of force; it stays on record. Raises Refusal("changed_meanwhile") for a stale version."""
    with transaction.atomic():
        _change(rule_id, version, active=False)
        _record(rule_id, "retired", actor, {})


def preview(draft: Draft, *, location_ids: Collection[int], rule_id: int | None = None) -> list[Effect]:
    """What the rule would do to some of the goods it is about, at these places, read now. Changes nothing.

    Rows it changes come first, the most changed before the others.
    """
    check(draft)
    stock = Stock.objects.filter(location_id__in=location_ids, item__is_kit=False)
    if draft.location_id is not None:
        stock = stock.filter(location_id=draft.location_id)
    if draft.item_id is not None:
        stock = stock.filter(item_id=draft.item_id)
    elif draft.attribute_key:
        # Named by a person, so never part of a lookup's name.
        key, value = draft.attribute_key, draft.attribute_value
        held = Q(item__attributes__contains={key: value}) | Q(item__attributes__contains={key: [value]})
        stock = stock.filter(held)
    found = list(stock.order_by("-id").values_list("item_id", "location_id")[:LOOKED_AT])
    items = sorted(dict.fromkeys(item for item, _ in found))[:SHOWN]
    if not items:
        return []
    places = sorted({place for item, place in found if item in items})
    asked = Reckoning(items, draft.channel, places, None, None)
    before = {(row.item_id, row.location_id): row for row in asked.rows()}
    asked.try_rules(_with(asked.book, draft.as_rule(rule_id or UNSAVED)))
    effects = [Effect(before[row.item_id, row.location_id], row) for row in asked.rows()]
    return sorted(effects, key=lambda each: each.after.available - each.before.available)


def _with(book: RuleBook, rule: Rule) -> RuleBook:
    return RuleBook([*(each for each in book.rules if each.id != rule.id), rule], book.channel)


def check(draft: Draft) -> None:
    """Raises Invalid with everything that makes no sense, by field."""
    problems: list[Problem] = []

    def wrong(field: str, rule: str, message: str) -> None:
        problems.append(Problem(field, rule, message))

    if draft.kind not in RuleKind.values:
        wrong("kind", "choice", "Safety stock or a channel buffer.")
    if draft.measure not in Measure.values:
        wrong("measure", "choice", "Units, percent, or measured.")
    if draft.kind == RuleKind.SAFETY and draft.channel:
        wrong("channel", "not_here", "Safety stock is kept back from every channel.")
    if draft.measure == Measure.DERIVED and not (draft.kind == RuleKind.BUFFER and draft.channel):
        wrong("measure", "needs_channel", "Only the buffer of one channel can follow that channel's lag.")
    if draft.item_id is not None and draft.attribute_key:
        wrong("attribute_key", "either", "Name an item or an attribute, not both.")
    if bool(draft.attribute_key) != bool(draft.attribute_value):
        wrong("attribute_value", "pair", "An attribute has a name and a value.")
    most = 1_000_000 if draft.measure == Measure.UNITS else 100
    if not draft.amount.is_finite() or not 0 <= draft.amount <= most:
        wrong("amount", "range", f"From 0 to {most:,}.")
    elif draft.measure == Measure.UNITS and draft.amount != draft.amount.to_integral_value():
        wrong("amount", "whole", "Units are whole.")
    if draft.at_most is not None and draft.at_most < draft.at_least:
        wrong("at_most", "order", "The most can't be less than the least.")
    if problems:
        raise Invalid(problems, status=422)


def _change(rule_id: int, version: int | None, **fields: Any) -> None:
    mine = BufferRule.objects.filter(pk=rule_id, version=version or 0)
    if not mine.update(**fields, version=F("version") + 1, updated_at=Now()):
        raise Refusal("changed_meanwhile", "Somebody changed this rule meanwhile. Look at it again.", rule=rule_id)


def _record(rule_id: int, what: str, actor: Actor, fields: dict[str, Any]) -> None:
    data = {
        "what": what,
        **{name: str(value) if isinstance(value, Decimal) else value for name, value in fields.items()},
    }
    events.record(RULE_CHANGED, Subject("buffer_rule", str(rule_id), f"Rule {rule_id}"), actor=actor, data=data)
