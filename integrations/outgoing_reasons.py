"""The case of a document of ours that the partner's system refused."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.timezone import localtime

from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Context, Evidence, Opening, Reason, Row
from integrations.models import OutgoingDocument

Answer = OutgoingDocument.Answer
_BAD = (Answer.ERRORS, Answer.REFUSED)


def _find(uid: str) -> OutgoingDocument | None:
    return OutgoingDocument.objects.select_related("connection").filter(pk=int(uid)).first() if uid.isdigit() else None


def _stands(uid: str) -> bool:
    """Refused, and nothing later about the same was accepted."""
    found = _find(uid)
    return found is not None and found.answer in _BAD and not _made_good(found)


def _made_good(found: OutgoingDocument) -> bool:
    later = OutgoingDocument.objects.filter(
        connection=found.connection_id, kind=found.kind, reference=found.reference, pk__gt=found.pk
    )
    return later.filter(answer=Answer.ACCEPTED).exists()


def _standing() -> Iterable[str]:
    rows = OutgoingDocument.objects.filter(answer__in=_BAD).order_by("pk")
    return [str(found.pk) for found in rows if not _made_good(found)]


def _describe(uid: str) -> Opening | None:
    found = _find(uid)
    if found is None:
        return None
    return Opening(
        label=f"{found.kind} {found.number}", summary=found.answer_words or "It gives no reason.",
        started_at=found.answered_at,
    )  # fmt: skip


def _evidence(uid: str) -> list[Evidence]:
    found = _find(uid)
    if found is None:
        return []
    lines = [line for line in found.text.splitlines() if line.strip()]
    rows = [Row((str(n), line[:200])) for n, line in enumerate(lines[:200], 1)]
    return [
        Evidence(
            "What it says", ("Answer", "Words"), [Row((found.get_answer_display(), found.answer_words), hot=True)]
        ),
        Evidence("What was sent", ("Line", "Text"), rows),
    ]


def _context(uid: str) -> Context | None:
    found = _find(uid)
    if found is None:
        return None
    to = found.connection
    sent = f"{localtime(found.sent_at):%d %b %H:%M}" if found.sent_at else "not yet"
    facts = [("Document", found.kind), ("Number", str(found.number)), ("About", found.reference), ("Sent", sent)]
    return Context(to.name, Subject("connection", str(to.pk), to.name), facts)


DOCUMENT_REFUSED = Reason(
    code="integrations.document_refused",
    weightless="What the document was about weighs by itself.",
    title="A partner refuses a document of ours",
    queue="integration",
    subject_kind="outgoing_document",
    icon="file-text",
    severity=reasons.HIGH,
    acknowledge_minutes=60,
    resolve_minutes=8 * 60,
    business_time=True,
    description="Its system could not take what we sent, and says where. Nothing is sent again by itself.",
    clears="A later document about the same is accepted.",
    predicate=_stands,
    evidence=_evidence,
    context=_context,
    standing=_standing,
    describe=_describe,
)
