"""Changing how long people have."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from core.errors import Refusal
from exceptions.models import SlaPolicy


@transaction.atomic
def revise(policy_id: int, **changes: Any) -> SlaPolicy:
    """Write the next version of a rule and retire this one; open cases keep the version they were opened under.

    Refusal not_current (409) when somebody revised it meanwhile.
    """
    old = SlaPolicy.objects.select_for_update(no_key=True).get(pk=policy_id)
    if not old.current:
        raise Refusal("not_current", "This version has been revised meanwhile.")
    SlaPolicy.objects.filter(pk=old.pk).update(current=False)
    fields = {f.attname: getattr(old, f.attname) for f in SlaPolicy._meta.concrete_fields if not f.primary_key}
    fields |= {"version": old.version + 1, "current": True, "created_at": timezone.now()}
    new = SlaPolicy(**fields)
    for name, value in changes.items():
        setattr(new, name, value)
    new.save(force_insert=True)
    return new
