"""Which case a new one probably comes from."""

from __future__ import annotations

import logging

from django.db import transaction

from core.actors import Actor
from core.events import EventDraft
from core.subjects import Subject
from exceptions import events as facts
from exceptions.models import Case
from exceptions.reasons import Reason
from exceptions.services import closing

log = logging.getLogger(__name__)


def probable(reason: Reason, uid: str) -> Case | None:
    """The open case this reason says a new one comes from; the root of that, where it is a symptom itself.

    Without a lock: a root that ends at the same moment leaves a symptom behind, which `roots.settle_all` takes off it.
    """
    if reason.root is None:
        return None
    try:
        with transaction.atomic():
            named = reason.root(uid)
    except Exception:
        # A guess that fails must not keep the case from opening.
        log.exception("reason.root_failed", extra={"reason": reason.code})
        return None
    if named is None:
        return None
    found = (
        Case.objects.still_open().filter(reason=named.reason, subject_uid=named.uid).select_related("parent").first()
    )
    if found is None or found.parent is None:
        return found
    return found.parent if found.parent.is_open else None


def linked(case: Case, root: Case, actor: Actor, *, by_itself: bool = False) -> EventDraft:
    subject = Subject("case", str(root.pk), root.number)
    data = {"root": root.number, "title": root.title, "by_itself": by_itself}
    return EventDraft(facts.LINKED, closing.subject_of(case), actor, data, (*closing.about(case), (subject, "root")))
