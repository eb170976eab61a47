"""An entity's chart: worded as a draft, previewed, put live by somebody else; and the accounts it gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import events
from core.actors import PERSON, Actor
from core.errors import Refusal
from core.subjects import Subject
from finance import chart
from finance import events as facts
from finance.chart import Chart, Side
from finance.models import ChartMapping, ChartStatus, Entity, Posting, PostingLine


def live(entity: Entity) -> tuple[ChartMapping | None, Chart]:
    found = ChartMapping.objects.filter(entity=entity, status=ChartStatus.LIVE).first()
    return found, Chart(found.accounts, found.rules) if found else Chart()


def lines(posting: Posting, sides: Iterable[Side], using: Chart) -> list[PostingLine]:
    """The posting's lines with the ERP's accounts. Sides of one role and account and note are one line."""
    order = posting.order
    about = {"kind": posting.kind, "currency": posting.currency, "channel": order.channel.code if order else ""}
    sums: dict[tuple[str, str, str], Decimal] = {}
    told: dict[tuple[str, str, str], dict[str, str]] = {}
    for each in sides:
        key = (each.role, each.ledger or using.account(each.role, about | dict(each.about)), each.note)
        sums[key] = sums.get(key, Decimal(0)) + each.debit - each.credit
        told.setdefault(key, dict(each.about))
    made = [(key, net) for key, net in sums.items() if net]
    return [
        PostingLine(
            posting=posting, position=n, account=key[0], ledger=key[1], note=key[2][:200], about=told[key],
            debit=max(net, Decimal(0)), credit=max(-net, Decimal(0)),
        )
        for n, (key, net) in enumerate(made, start=1)
    ]  # fmt: skip


@transaction.atomic
def draft(
    entity_id: int, *, accounts: Any, rules: Any, note: str = "", version: int | None = None, actor: Actor
) -> ChartMapping:
    """Word the entity's next chart; the draft there is is worded anew. Invalid names what makes no sense."""
    read, said_note = chart.read(accounts, rules), chart.note(note)
    entity = Entity.objects.select_for_update().get(pk=entity_id)
    found = ChartMapping.objects.filter(entity=entity, status=ChartStatus.DRAFT).first()
    if found is not None and version is not None and found.version != version:
        raise Refusal("stale", "This draft changed meanwhile.", version=found.version)
    said = {
        "accounts": dict(read.accounts),
        "rules": list(read.rules),
        "note": said_note,
        "updated_at": timezone.now(),
    }
    person = int(actor.uid) if actor.kind == PERSON else None
    if found is None:
        newest = ChartMapping.objects.filter(entity=entity).order_by("-number").values_list("number", flat=True).first()
        return ChartMapping.objects.create(entity=entity, number=(newest or 0) + 1, created_by_id=person, **said)
    ChartMapping.objects.filter(pk=found.pk).update(**said, created_by_id=person, version=found.version + 1)
    found.refresh_from_db()
    return found


@transaction.atomic
def launch(chart_id: int, *, version: int, actor: Actor) -> ChartMapping:
    """Put a draft live; what was live until now retires. Refusal("own_draft") for whoever worded it."""
    entity_id = ChartMapping.objects.values_list("entity_id", flat=True).get(pk=chart_id)
    Entity.objects.select_for_update().get(pk=entity_id)
    found = ChartMapping.objects.get(pk=chart_id)
    if found.version != version:
        raise Refusal("stale", "This draft changed meanwhile.", version=found.version)
    person = int(actor.uid) if actor.kind == PERSON else None
    if person is not None and person == found.created_by_id:
        raise Refusal("own_draft", "Somebody else has to put live what you worded.", status=403)
    now = ChartMapping.objects.filter(entity_id=entity_id, status=ChartStatus.LIVE).first()
    if now is not None:
        now.move(ChartStatus.RETIRED)
    found.move(ChartStatus.LIVE, live_at=timezone.now(), launched_by_id=person)
    entity = found.entity
    events.record(
        facts.CHART_CHANGED, Subject("chart", str(found.pk), str(found)), actor=actor,
        data={"entity": entity.code, "number": found.number},
    )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Moved:
    """One line of a recent posting that the draft would book elsewhere."""

    posting: Posting
    line: PostingLine
    before: str
    after: str
    rule: Mapping[str, Any] | None


def preview(entity: Entity, using: Chart, *, latest: int = 200) -> tuple[int, list[Moved]]:
    """What the chart would book otherwise than it was, over the latest postings; and how many were looked at."""
    recent = list(
        Posting.objects.filter(entity=entity).select_related("order__channel").prefetch_related("lines")[:latest]
    )
    moved = []
    for posting in recent:
        order = posting.order
        about = {"kind": posting.kind, "currency": posting.currency, "channel": order.channel.code if order else ""}
        for line in posting.lines.all():
            told = about | line.about
            after = using.account(line.account, told)
            if after != line.ledger:
                moved.append(Moved(posting, line, line.ledger, after, using.rule(line.account, told)))
    return len(recent), moved
