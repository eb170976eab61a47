"""Changing how long people have, and who hears when they had no time: by versions, never in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from exceptions.models import EscalationPolicy, EscalationStep, SlaPolicy
from exceptions.models.rule import Rule

UNSHOWN = {"id", "version", "current", "created_at", "created_by", "code"}


@transaction.atomic
def revise(
    policy_id: int,
    *,
    model: type[Rule] = SlaPolicy,
    actor: Actor | None = None,
    steps: Iterable[Mapping[str, Any]] | None = None,
    **changes: Any,
) -> Any:
    """Write the next version of a rule and retire this one; open cases keep the version they were opened under.

    An escalation rule's `steps` come along anew, or as they were. Refusal not_current (409) when somebody revised it
    meanwhile.
    """
    old = model._base_manager.select_for_update(no_key=True).get(pk=policy_id)
    if not old.current:
        raise Refusal("not_current", "This version has been revised meanwhile.")
    model._base_manager.filter(pk=old.pk).update(current=False)
    fields = {f.attname: getattr(old, f.attname) for f in model._meta.concrete_fields if not f.primary_key}
    fields |= {"version": old.version + 1, "current": True, "created_at": timezone.now()}
    fields["created_by"] = actor.label if actor else ""
    new = model(**fields)
    for name, value in changes.items():
        setattr(new, name, value)
    new.save(force_insert=True)
    if isinstance(old, EscalationPolicy) and isinstance(new, EscalationPolicy):
        _write(new, [_as_given(step) for step in old.steps.all()] if steps is None else steps)
    return new


@transaction.atomic
def create(
    model: type[Rule], *, actor: Actor | None = None, steps: Iterable[Mapping[str, Any]] = (), **fields: Any
) -> Any:
    """Write the first version of a rule. Invalid where its code is taken."""
    if model._base_manager.filter(code=fields.get("code")).exists():
        raise Invalid([Problem("code", "taken", "Another rule has this code.")])
    new = model(**fields, created_by=actor.label if actor else "")
    try:
        with transaction.atomic():
            new.save(force_insert=True)
    except IntegrityError as taken:
        raise Invalid([Problem("code", "taken", "Another rule has this code.")]) from taken
    if isinstance(new, EscalationPolicy):
        _write(new, steps)
    return new


def _as_given(step: EscalationStep) -> dict[str, Any]:
    names = ("clock", "minutes", "target", "role_id", "person_id", "webhook", "letter", "urgent")
    return {name: getattr(step, name) for name in names}


def _write(policy: EscalationPolicy, steps: Iterable[Mapping[str, Any]]) -> None:
    rows = [EscalationStep(policy=policy, number=number, **step) for number, step in enumerate(steps, 1)]
    EscalationStep.objects.bulk_create(rows)


def difference(old: Rule | None, new: Rule) -> list[tuple[str, str, str]]:
    """What one version says otherwise than another: (field, was, is), in words."""
    found = []
    for field in type(new)._meta.concrete_fields:
        if field.name in UNSHOWN:
            continue
        was, now = (_words(getattr(rule, field.name)) if rule else "" for rule in (old, new))
        if was != now:
            found.append((str(field.verbose_name).capitalize(), was, now))
    if isinstance(new, EscalationPolicy):
        was, now = (steps_in_words(rule) for rule in (old, new))
        if was != now:
            found.append(("Steps", was, now))
    return found


def _words(value: Any) -> str:
    return (
        {True: "Yes", False: "No", None: "Any", "": "Any"}.get(value, str(value)) if not _plain(value) else str(value)
    )


def _plain(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def steps_in_words(rule: Any) -> str:
    from exceptions.services.escalation import when

    return "; ".join(f"{when(step)}: {step.who}" for step in rule.steps.all()) if rule else ""
