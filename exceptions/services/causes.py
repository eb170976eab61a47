"""Which case a new one probably comes from."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import transaction

from core.actors import Actor
from core.events import EventDraft
from core.subjects import Subject
from exceptions import events as facts
from exceptions.models import Case
from exceptions.reasons import Reason, Root
from exceptions.services import closing

log = logging.getLogger(__name__)


def probable(reason: Reason, uid: str) -> Case | None:
    """The open case this reason says a new one comes from; the root of that, where it is a symptom itself."""
    return probable_many(reason, [uid]).get(uid)


def probable_many(reason: Reason, uids: Iterable[str]) -> dict[str, Case]:
    """The same for many subjects, those that have a root.

    Without a lock: a root that ends at the same moment leaves a symptom behind, which `roots.settle_all` takes off it.
    """
    named = {uid: root for uid in uids if (root := _named(reason, uid)) is not None}
    if not named:
        return {}
    rows = Case.objects.still_open().filter(
        reason__in={root.reason for root in named.values()}, subject_uid__in={root.uid for root in named.values()}
    )
    found = {(case.reason, case.subject_uid): case for case in rows.select_related("parent")}
    roots = {uid: _top(found.get((root.reason, root.uid))) for uid, root in named.items()}
    return {uid: case for uid, case in roots.items() if case is not None}


def _named(reason: Reason, uid: str) -> Root | None:
    if reason.root is None:
        return None
    try:
        with transaction.atomic():
            return reason.root(uid)
    except Exception:
        # A guess that fails must not keep the case from opening.
        log.exception("reason.root_failed", extra={"reason": reason.code})
        return None


def _top(case: Case | None) -> Case | None:
    if case is None or case.parent is None:
        return case
    return case.parent if case.parent.is_open else None


def linked(case: Case, root: Case, actor: Actor, *, by_itself: bool = False) -> EventDraft:
    subject = Subject("case", str(root.pk), root.number)
    data = {"root": root.number, "title": root.title, "by_itself": by_itself}
    return EventDraft(facts.LINKED, closing.subject_of(case), actor, data, (*closing.about(case), (subject, "root")))
