"""What a provider's labels mean: the documented vocabulary is version 0, what people said since are the later ones."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Sum, Window

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem
from core.subjects import Subject
from finance import canonical, locks
from finance import events as facts
from finance.models import LabelMapping, LineKind, SettlementLine


def meanings(provider: str) -> dict[str, str]:
    """Label -> kind as it stands now."""
    reader = canonical.reader(provider)
    found = dict(reader.labels) if reader else {}
    said = LabelMapping.objects.filter(provider=provider).order_by("version")
    found.update(said.values_list("label", "kind"))
    return found


def version(provider: str) -> int:
    """The newest version of a provider's map; 0 while nobody changed the documented one."""
    return LabelMapping.objects.filter(provider=provider).aggregate(newest=Max("version"))["newest"] or 0


def unknown(provider: str = "") -> list[dict[str, Any]]:
    """Labels nobody has mapped, with how many lines carry each and what they come to."""
    rows = SettlementLine.objects.filter(kind="")
    if provider:
        rows = rows.filter(settlement__provider=provider)
    counted = rows.values("settlement__provider", "settlement__currency", "label").annotate(
        lines=Count("id"), net=Sum("net")
    )
    return list(counted.order_by("settlement__provider", "label")[:200])


def in_force(provider: str) -> list[dict[str, Any]]:
    """Every mapping a person made that still stands, newest first."""
    newest = Window(Max("version"), partition_by=[F("provider"), F("label")])
    rows = LabelMapping.objects.filter(provider=provider) if provider else LabelMapping.objects.all()
    return list(
        rows.annotate(newest=newest).filter(version=F("newest")).order_by("-at", "-id").values(
            "id", "provider", "label", "kind", "version", "note", "actor_label", "at"
        )[:500]
    )  # fmt: skip


@transaction.atomic
def say(provider: str, label: str, kind: str, *, note: str = "", actor: Actor) -> list[int]:
    """From now on `label` means `kind`. Lines nobody understood are understood; returns their settlements.

    Lines that were classified before stay as they are: what was booked was booked by the map of its day.
    """
    label = label.strip()
    if kind not in LineKind.values:
        raise Invalid([Problem("kind", "unknown", "Choose what the label means.")], status=422)
    if not 0 < len(label) <= 160 or canonical.reader(provider) is None:
        raise Invalid([Problem("label", "unknown", "There is no such label.")], status=422)
    locks.take(f"labels:{provider}")
    next_ = version(provider) + 1
    LabelMapping.objects.create(
        provider=provider, version=next_, label=label, kind=kind, note=note[:200], actor_label=actor.label[:200]
    )
    lines = SettlementLine.objects.filter(settlement__provider=provider, label=label, kind="")
    touched = sorted(set(lines.values_list("settlement_id", flat=True)))
    lines.update(kind=kind)
    events.record(
        facts.LABEL_MAPPED, Subject("provider", provider, provider), actor=actor,
        data={"label": label, "kind": kind, "version": next_},
    )  # fmt: skip
    return touched
