"""Files on a case: what a file is, is what its content says. Nothing else is kept."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass

from django.db import transaction

from core.actors import Actor
from core.errors import Refusal
from core.models import User
from exceptions import events as facts
from exceptions.models import Case, CaseAttachment
from exceptions.services import handling, watching

LARGEST = 10 * 1024 * 1024
MOST = 20
ACCEPTED = "PDF, PNG, JPEG, WebP, plain text, CSV, or an Excel or Word file without macros"

# Our own extension for each kind, and the type it is served as.
KINDS = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "txt": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
_MAGIC = ((b"%PDF-", "pdf"), (b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpg"))
_OFFICE = {"xl/workbook.xml": "xlsx", "word/document.xml": "docx"}


@dataclass(frozen=True, slots=True)
class Given:
    """A file as a person gave it."""

    name: str
    content: bytes


def kind_of(given: Given) -> str | None:
    """What a file is by its content, or None for anything we don't keep."""
    content = given.content
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    if content.startswith(b"PK\x03\x04"):
        return _office(content)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    if any(ord(c) < 32 and c not in "\t\n\r\f" for c in text) or text.lstrip("\ufeff \t\r\n")[:1] == "<":
        return None  # a program, or a page that a browser might run
    return "csv" if given.name.lower().endswith(".csv") else "txt"


def _office(content: bytes) -> str | None:
    """A spreadsheet or document without macros or embedded programs; only its table of contents is read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            names = set(packed.namelist())
    except (zipfile.BadZipFile, ValueError, OSError):
        return None
    if "[Content_Types].xml" not in names or any("vbaproject" in n.lower() or "/embeddings/" in n for n in names):
        return None
    return next((kind for part, kind in _OFFICE.items() if part in names), None)


@transaction.atomic
def attach(case_id: int, given: Given, *, person: User, actor: Actor) -> CaseAttachment:
    """Keep a file on a case. The same content again is the same attachment.

    Refusal too_large (413), unknown_file (422) or too_many (409).
    """
    if len(given.content) > LARGEST:
        raise Refusal("too_large", f"A file may have up to {LARGEST // 1024 // 1024} MB.", status=413)
    kind = kind_of(given) if given.content else None
    if kind is None:
        raise Refusal("unknown_file", f"Attach {ACCEPTED}; it is told by the content, not the name.", status=422)
    case = handling.locked(case_id, None)
    digest = hashlib.sha256(given.content).hexdigest()
    known = CaseAttachment.objects.filter(case=case, sha256=digest).first()
    if known is not None:
        return known
    if CaseAttachment.objects.filter(case=case).count() >= MOST:
        raise Refusal("too_many", f"A case holds up to {MOST} files.")
    made = CaseAttachment.objects.create(
        case=case, label=_label(given.name), kind=kind, size=len(given.content), sha256=digest, content=given.content,
        added_by=person,
    )  # fmt: skip
    data = {"attachment": made.pk, "label": made.label, "kind": kind, "size": made.size}
    handling.tell_fact(handling.fact(case, facts.ATTACHED, actor, **data))
    watching.tell(case, f"Attached: {made.label}", key=f"file:{made.pk}", actor=actor)
    return made


def _label(name: str) -> str:
    """What the person called it, as words: no folders, no control characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[:120].strip() or "File"


def carry(source: Case, target: Case) -> int:
    """Put the files of a duplicate on the case it repeats; returns how many were new there."""
    have = CaseAttachment.objects.filter(case=target).values_list("sha256", flat=True)
    new = list(CaseAttachment.objects.filter(case=source).exclude(sha256__in=list(have)))
    for row in new:
        row.pk, row.case = None, target
    CaseAttachment.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)
