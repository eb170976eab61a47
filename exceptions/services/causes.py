"""Which case a new one probably comes from."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Sequence

from django.db import transaction

from core.actors import Actor
from core.events import EventDraft
from core.subjects import Subject
from exceptions import events as facts
from exceptions import origins
from exceptions.models import Case
from exceptions.origins import Origin
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
    likely = {uid: some for uid, some in named(reason, uids).items() if some}
    if not likely:
        return {}
    every = [root for some in likely.values() for root in some]
    rows = Case.objects.still_open().filter(
        reason__in={root.reason for root in every}, subject_uid__in={root.uid for root in every}
    )
    found = {(case.reason, case.subject_uid): case for case in rows.select_related("parent")}
    roots = {
        uid: _top(next((found[root.reason, root.uid] for root in some if (root.reason, root.uid) in found), None))
        for uid, some in likely.items()
    }
    return {uid: case for uid, case in roots.items() if case is not None}


def named(reason: Reason, uids: Iterable[str]) -> dict[str, list[Root]]:
    """The roots each such case could have, the likeliest first; whether they are open is not asked."""
    wanted = list(uids)
    finders: list[Finding] = [reason.root] if reason.root is not None else []
    finders += [functools.partial(_found, origin) for origin in origins.of(reason.code)]
    if not finders:
        return {}
    try:
        with transaction.atomic():
            return {uid: _roots(reason, finders, uid) for uid in wanted}
    except Exception:
        # A guess that fails must not keep a case from opening, nor spoil those of others.
        log.exception("reason.root_failed", extra={"reason": reason.code})
    return {uid: _roots(reason, finders, uid, asks=_safely) for uid in wanted}


Finding = Callable[[str], Root | None]


def _roots(
    reason: Reason, finders: Sequence[Finding], uid: str, asks: Callable[..., Root | None] | None = None
) -> list[Root]:
    found = [asks(find, uid) if asks else find(uid) for find in finders]
    return [root for root in found if root is not None and (root.reason, root.uid) != (reason.code, uid)]


def _found(origin: Origin, uid: str) -> Root | None:
    root_uid = origin.find(uid)
    return Root(origin.root, root_uid) if root_uid else None


def _safely(find: Finding, uid: str) -> Root | None:
    try:
        with transaction.atomic():
            return find(uid)
    except Exception:
        log.exception("reason.root_failed", extra={"uid": uid})
        return None


def _top(case: Case | None) -> Case | None:
    if case is None or case.parent is None:
        return case
    return case.parent if case.parent.is_open else None


def linked(case: Case, root: Case, actor: Actor, *, by_itself: bool = False) -> EventDraft:
    subject = Subject("case", str(root.pk), root.number)
    data = {"root": root.number, "title": root.title, "by_itself": by_itself}
    return EventDraft(facts.LINKED, closing.subject_of(case), actor, data, (*closing.about(case), (subject, "root")))
