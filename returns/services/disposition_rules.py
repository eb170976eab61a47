"""Versions of the disposition rules: drafted, tried out against what was really seen, put live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from returns import disposing
from returns import events as facts
from returns.disposing import Rule, Unit
from returns.models import DispositionRule, DispositionRules, Inspection, RulesStatus
from returns.services.dispositions import worth

MOST_RULES, TRIED = 200, 500


@dataclass(frozen=True, slots=True)
class Trial:
    """What a version would have proposed for the last inspections, beside what the live one says now."""

    seen: int
    differ: int
    silent: int
    moves: list[tuple[str, str, int]]  # (now, then, units)


def draft(*, actor: Actor) -> DispositionRules:
    """The one draft: the open one, else a copy of what decides now."""
    with transaction.atomic():
        known = DispositionRules.objects.select_for_update().filter(status=RulesStatus.DRAFT).first()
        if known is not None:
            return known
        number = (DispositionRules.objects.aggregate(last=Max("number"))["last"] or 0) + 1
        made = DispositionRules.objects.create(number=number, created_by=actor.label[:200])
        _write(made, _live())
        return made


def word(version_id: int, rules: Sequence[Rule], *, note: str = "", version: int | None = None, actor: Actor) -> None:
    """Replace a draft's rules. Invalid (422) names each that can't stand; Refusal("not_a_draft"), ("stale")."""
    if len(rules) > MOST_RULES:
        raise Invalid([Problem("rules", "too_long", f"At most {MOST_RULES} rules.")], status=422)
    if found := disposing.problems(rules):
        raise Invalid([Problem(f"rules[{n}].{name}", "rule", words) for n, name, words in found], status=422)
    with transaction.atomic():
        known = _locked(version_id)
        if known.status != RulesStatus.DRAFT:
            raise Refusal("not_a_draft", f"{known} is {known.get_status_display().lower()}: draft a new one.")
        if version is not None and version != known.version:
            raise Refusal("stale", "Somebody changed this draft meanwhile.", version=known.version)
        known.rules.all().delete()
        _write(known, rules)
        known.note, known.version, known.updated_at = note[:300], known.version + 1, timezone.now()
        known.save(update_fields=["note", "version", "updated_at"])


def launch(version_id: int, *, version: int | None = None, actor: Actor) -> DispositionRules:
    """Put a draft live; what was live is retired. Safe to repeat. Refusal("no_rules"), ("not_a_draft"), ("stale")."""
    with transaction.atomic():
        live = DispositionRules.objects.select_for_update().filter(status=RulesStatus.LIVE).first()
        known = _locked(version_id)
        if known.status == RulesStatus.LIVE:
            return known
        if known.status != RulesStatus.DRAFT:
            raise Refusal("not_a_draft", f"{known} is retired.")
        if version is not None and version != known.version:
            raise Refusal("stale", "Somebody changed this draft meanwhile.", version=known.version)
        if not known.rules.exists():
            raise Refusal("no_rules", "It has no rules yet.", status=422)
        now = timezone.now()
        if live is not None:
            live.move(RulesStatus.RETIRED, retired_at=now)
        known.move(RulesStatus.LIVE, live_at=now, launched_by=actor.label[:200])
        words = [rule.pure.words for rule in known.rules.order_by("number")]
        data = {"version": known.number, "before": live.number if live else None, "rules": words}
        events.record(
            facts.RULES_LAUNCHED, Subject("disposition_rules", str(known.pk), str(known)), actor=actor, data=data
        )
        return known


def try_out(version_id: int) -> Trial:
    """What the version would propose for the last inspections. Three queries; changes nothing."""
    wanted = [rule.pure for rule in DispositionRule.objects.filter(version=version_id).order_by("number")]
    live = _live()
    seen = Inspection.objects.exclude(grade="").select_related("line__item").order_by("-id")[:TRIED]
    moves: Counter[tuple[str, str]] = Counter()
    differ = silent = total = 0
    for each in seen:
        category = disposing.category_of(each.line.item.attributes if each.line.item else None)
        unit = Unit(category, each.grade, worth(each.line))
        now, then = disposing.choose(live, unit), disposing.choose(wanted, unit)
        total += each.quantity
        silent += 0 if then else each.quantity
        if (now and now.disposition) != (then and then.disposition):
            differ += each.quantity
            moves[_words(now), _words(then)] += each.quantity
    return Trial(total, differ, silent, [(now, then, units) for (now, then), units in moves.most_common(10)])


def parse(rows: Sequence[dict[str, str]]) -> list[Rule]:
    """Rules as a form or the API sends them; empty rows are dropped. Invalid names what is no amount."""
    rules: list[Rule] = []
    problems: list[Problem] = []
    for row in rows:
        if not row.get("disposition") and not any(row.get(name) for name in ("category", "grade", "at_least", "below")):
            continue
        amounts: dict[str, Decimal | None] = {}
        for name in ("at_least", "below"):
            try:
                amounts[name] = _amount(row.get(name, ""))
            except InvalidOperation:
                amounts[name] = None
                problems.append(Problem(f"rules[{len(rules)}].{name}", "amount", "An amount such as 20.00."))
        category = " ".join((row.get("category") or "").replace("\0", "").split())[:80]
        rules.append(Rule(row.get("disposition") or "", category, row.get("grade") or "", amounts["at_least"],
                          amounts["below"], len(rules) + 1))  # fmt: skip
    if problems:
        raise Invalid(problems, status=422)
    return rules


def _live() -> Sequence[Rule]:
    rows = DispositionRule.objects.filter(version__status=RulesStatus.LIVE).order_by("number")
    return [rule.pure for rule in rows] or disposing.BUILT_IN


def _amount(text: str) -> Decimal | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and len(text) <= 16 and text.replace(".", "", 1).isdigit()):
        raise InvalidOperation
    return Decimal(text).quantize(Decimal("0.01"))


def _words(rule: Rule | None) -> str:
    return disposing.KINDS[rule.disposition] if rule else "Nothing said"


def _write(version: DispositionRules, rules: Sequence[Rule]) -> None:
    DispositionRule.objects.bulk_create(
        DispositionRule(
            version=version, number=n, category=rule.category, grade=rule.grade, at_least=rule.at_least,
            below=rule.below, disposition=rule.disposition,
        )
        for n, rule in enumerate(rules, 1)
    )  # fmt: skip


def _locked(version_id: int) -> DispositionRules:
    known = DispositionRules.objects.select_for_update().filter(pk=version_id).first()
    if known is None:
        raise Refusal("not_found", "No such version.", status=404)
    return known
