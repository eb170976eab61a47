"""The rules that hold orders: which are in force, and changing them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from orders import events as facts
from orders import holding
from orders.holding import STANDARD, Rule, Trigger
from orders.models import Blocks, HoldRule, HoldType, Order

log = structlog.get_logger(__name__)
RESERVED = frozenset({"new", "form", "try", "prices"})  # pages beside the rules' own
_LOCK = 7_301_204  # one change of the rules at a time, so that stamps are in commit order
_kept: tuple[int, dict[str, Rule]] = (0, {rule.code: rule for rule in STANDARD})


def current(stamp: int) -> dict[str, Rule]:
    """The rules in force by code, kept per process; `stamp` is the newest the caller's statement saw."""
    global _kept  # noqa: PLW0603  (one cache per process)
    kept = _kept
    if kept[0] != stamp:
        rules = {rule.code: rule for rule in STANDARD}
        rows = list(HoldRule.objects.all()) if stamp else []
        for row in rows:
            rules.pop(row.code, None)
            if row.active and (rule := rule_of(row)) is not None:
                rules[row.code] = rule
        _kept = kept = (max((row.stamp for row in rows), default=0), rules)
    return kept[1]


def newest_stamp() -> int:
    return HoldRule.objects.aggregate(newest=Max("stamp"))["newest"] or 0


def chosen_by_people() -> list[tuple[str, str]]:
    """Code and name of the reasons a person may choose from."""
    rules = current(newest_stamp()).values()
    return sorted((rule.code, rule.name) for rule in rules if rule.trigger == Trigger.PERSON)


def rule_of(row: HoldRule) -> Rule | None:
    """The row as a rule; None where its tests can't be read (by an older release), which must not stop intake."""
    tests, problems = holding.read_tests(row.tests)
    if problems:
        log.error("hold_rule.unreadable", rule=row.code, problem=problems[0].message)
        return None
    return Rule(row.code, row.name, row.kind, Trigger(row.trigger), tests, row.blocks, row.minutes, row.then)


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as a person or the API writes it, unchecked."""

    code: str
    name: str
    kind: str
    trigger: str
    tests: list[Any] = field(default_factory=list)
    blocks: str = Blocks.RELEASE
    minutes: int = 240
    then: str = ""
    active: bool = True
    note: str = ""


def check(draft: Draft, others: dict[str, Rule]) -> Rule:
    """The draft as a rule; Invalid names everything wrong with it, a loop of holds that follow each other included."""
    tests, problems = holding.read_tests(draft.tests)
    for name, chosen, known in (
        ("kind", draft.kind, HoldType.values),
        ("trigger", draft.trigger, list(Trigger)),
        ("blocks", draft.blocks, Blocks.values),
    ):
        if chosen not in known:
            problems.append(Problem(name, "choice", "Choose one of those offered."))
    if (
        not draft.code
        or not draft.code.replace("-", "").isalnum()
        or not draft.code.isascii()
        or len(draft.code) > 40
        or draft.code in RESERVED
    ):
        problems.append(Problem("code", "code", "Letters, digits and hyphens, at most 40."))
    if not draft.name:
        problems.append(Problem("name", "required", "What is it called?"))
    if problems:
        raise Invalid(problems, status=422)
    rule = Rule(
        draft.code, draft.name, draft.kind, Trigger(draft.trigger), tests, draft.blocks, draft.minutes, draft.then
    )
    problems += holding.problems(rule)
    problems += _next_problems(rule, {**others, rule.code: rule})
    if problems:
        raise Invalid(problems, status=422)
    return rule


def _next_problems(rule: Rule, rules: dict[str, Rule]) -> list[Problem]:
    if not rule.then:
        return []
    if rule.then not in rules:
        return [Problem("then", "unknown", "There is no such rule in force.")]
    if around := holding.loop(rules, rule.code):
        return [Problem("then", "loop", f"That is a loop: {' → '.join(around)}. An order would never get out of it.")]
    if rules[rule.then].trigger != Trigger.RULE:
        return [Problem("then", "trigger", "Only a rule that is raised after another hold can follow.")]
    return []


@transaction.atomic
def save(draft: Draft, *, actor: Actor, version: int | None = None, new: bool = False) -> HoldRule:
    """Make a rule or change the one of this code. Orders that come in from now on are judged by it; standing holds when
    they are looked at again.

    One change at a time. Invalid names what is wrong; Refusal("stale") when `version` isn't the rule's any more.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    row = HoldRule.objects.select_for_update().filter(code=draft.code).first()
    if row is not None and new:
        raise Invalid([Problem("code", "taken", "There is a rule of this code already.")], status=422)
    if row is not None and version is not None and version != row.version:
        raise Refusal("stale", "Somebody changed this rule meanwhile.", version=row.version, sent=version)
    stamp = newest_stamp()
    others = {code: rule for code, rule in current(stamp).items() if code != draft.code}
    rule = check(draft, others)
    _nobody_loops_through(draft, others)
    row = row or HoldRule(code=draft.code, version=0)
    row.name, row.kind, row.trigger, row.blocks = rule.name[:120], rule.kind, rule.trigger.value, rule.blocks
    row.tests = [test.model_dump(mode="json") for test in rule.tests]
    row.minutes, row.then, row.active, row.note = rule.minutes, rule.then, draft.active, draft.note[:300]
    row.version += 1
    row.stamp = max(stamp + 1, time.time_ns() // 1000)
    row.updated_at, row.updated_by = timezone.now(), actor.label[:200]
    row.save()
    events.record(
        facts.HOLD_RULE_CHANGED,
        Subject("hold_rule", str(row.pk), row.code),
        actor=actor,
        data={"rule": row.code, "version": row.version, "active": row.active},
    )
    return row


def _nobody_loops_through(draft: Draft, others: dict[str, Rule]) -> None:
    """A rule others point to must stay one that follows, so that no pointer leads nowhere."""
    waiting = [rule.name for rule in others.values() if rule.then == draft.code]
    if waiting and (draft.trigger != Trigger.RULE or not draft.active):
        words = f"“{waiting[0]}” is followed by this one. Change that first."
        raise Invalid([Problem("trigger" if draft.active else "active", "in_use", words)], status=422)


def try_out(draft: Draft, orders: Sequence[Order]) -> list[tuple[Order, str]]:
    """Which of these orders the rule would have held, each with why. Changes nothing."""
    from orders.services import hold_facts, holds

    others = {code: rule for code, rule in current(newest_stamp()).items() if code != draft.code}
    rule = check(draft, others)
    found = []
    for order in orders:
        about = hold_facts.about(order, list(order.lines.all()), holds.PREDICATES)
        findings = rule.find(about)
        if findings is not None:
            found.append((order, " ".join(each.why for each in findings)))
    return found
