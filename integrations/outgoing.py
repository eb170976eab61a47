"""Documents for partners: written once under a number of ours, kept word by word, sent until they are taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from core.errors import Permanent
from core.subjects import Subject
from exceptions.services import cases
from integrations import http
from integrations.models import Connection, OutgoingDocument

NUMBERS = "document"
REASON = "integrations.document_refused"
MOST = 999_999_999


@dataclass(frozen=True, slots=True)
class Written:
    """The document's text, and what later ones have to know of it."""

    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def prepare(
    to: Connection, *, key: str, kind: str, reference: str, write: Callable[[int], Written]
) -> OutgoingDocument:
    """The document of this key, written on the first call under the partner's next number. Safe to repeat and to race.

    Numbers have no gaps: the sequence stays locked until the document is kept, and goes back with it. So `write` sees
    every document that was made for this partner before.
    """
    known = OutgoingDocument.objects.filter(connection=to, key=key[:200]).first()
    if known is not None:
        return known
    number = _next(to)
    known = OutgoingDocument.objects.filter(connection=to, key=key[:200]).first()
    if known is not None:  # made while we waited for the sequence; the number goes to the next
        _give_back(to)
        return known
    written = write(number)
    return OutgoingDocument.objects.create(
        connection=to, key=key[:200], kind=kind, number=number, reference=reference[:120], text=written.text,
        facts=dict(written.facts),
    )  # fmt: skip


def send(document: OutgoingDocument, *, content_type: str, code_page: str = "utf-8") -> None:
    """Post it to the address of its partner's gateway. Safe to repeat: the gateway knows it by its Idempotency-Key.

    Raises what http.request raises.
    """
    if document.sent_at is not None:
        return
    to = document.connection
    url = str(to.settings.get("send_url") or "")
    if not url:
        raise Permanent(f"{to.name} has no send_url in its settings.")
    headers = {"Content-Type": content_type, "Idempotency-Key": f"{to.code}-{document.number}"}
    if token := to.secret("token"):
        headers["Authorization"] = f"Bearer {token}"
    http.request(
        to, "POST", url, purpose=f"send {document.kind}", about=document.reference, headers=headers,
        content=document.text.encode(code_page, "replace"),
    )  # fmt: skip
    OutgoingDocument.objects.filter(pk=document.pk, sent_at=None).update(sent_at=timezone.now())


def answer(to: Connection, number: int, verdict: str, words: str) -> bool:
    """The partner's system says what it made of a document; False for one we never sent. Safe to repeat.

    A refusal opens a case; a later document about the same that is accepted clears it.
    """
    found = OutgoingDocument.objects.select_for_update().filter(connection=to, number=number).first()
    if found is None:
        return False
    if found.answer == verdict:
        return True
    found.answer, found.answer_words, found.answered_at = verdict, words[:500], timezone.now()
    found.save(update_fields=["answer", "answer_words", "answered_at"])
    subject = Subject("outgoing_document", str(found.pk), f"{found.kind} {found.number}")
    if verdict == OutgoingDocument.Answer.ACCEPTED:
        earlier = OutgoingDocument.objects.filter(connection=to, kind=found.kind, reference=found.reference)
        for each in earlier.exclude(answer__in=("", OutgoingDocument.Answer.ACCEPTED)):
            cases.recheck(Subject("outgoing_document", str(each.pk)), actor=to.actor)
        cases.recheck(subject, actor=to.actor)
    else:
        cases.open_(
            REASON, subject, title=f"{to.name} refuses {found.kind} {found.number}", summary=words, actor=to.actor,
            data={"connection": to.code, "kind": found.kind, "reference": found.reference},
        )  # fmt: skip
    return True


def _next(to: Connection) -> int:
    with database.cursor() as cursor:
        cursor.execute(_TAKE, {"connection": to.pk, "name": NUMBERS})
        number = int(cursor.fetchone()[0])
    if number > MOST:
        raise Permanent(f"{to.name} has used all numbers of nine digits.")
    return number


def _give_back(to: Connection) -> None:
    with database.cursor() as cursor:
        cursor.execute(_GIVE_BACK, {"connection": to.pk, "name": NUMBERS})


_TAKE = """
INSERT INTO integrations_numbersequence (connection_id, name, last) VALUES (%(connection)s, %(name)s, 1)
ON CONFLICT (connection_id, name) DO UPDATE SET last = integrations_numbersequence.last + 1
RETURNING last
"""
_GIVE_BACK = """
UPDATE integrations_numbersequence SET last = last - 1 WHERE connection_id = %(connection)s AND name = %(name)s
"""
