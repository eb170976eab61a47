"""Feeding a sales file through the inbox, invoice by invoice: the engine of `manage.py ingest sales`.

Each invoice becomes one message with its own bytes, so a faulty one fails alone, is put right and tried again alone,
and feeding the file again finds them all known.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.db import reset_queries

from integrations import inbox
from integrations.files.sales import catalogue, mapping_of, report, translate
from integrations.files.sales.cutting import Piece, cut
from integrations.files.sales.mapping import SalesMapping
from integrations.files.sales.report import Report
from integrations.models import Connection, InboundMessage

TRIES = 4
TELL_EVERY = 1_000  # rows


@dataclass(slots=True)
class Till:
    """A connection with its mapping read and what it knows of the catalogue."""

    connection: Connection
    mapping: SalesMapping = field(init=False)

    def __post_init__(self) -> None:
        self.mapping = mapping_of(self.connection)


def feed(
    path: Path,
    connection: Connection,
    *,
    without_customer: Connection | None = None,
    make_items: bool = False,
    tell: Callable[[int], None] = lambda rows: None,
) -> Report:
    """Store and try every invoice of the file, and say what became of each row. Safe to repeat.

    Invoices that name no customer go to `without_customer` (a till) where one is given. `make_items` adds articles the
    file sells and nobody knows, named as the file names them; without it they are cases. `tell` hears now and then how
    many rows are done, and may raise to stop. Raises Invalid for a mapping that makes no sense, Unreadable for a file
    without the columns the mapping names. Memory does not grow with the file.
    """
    to = Till(connection)
    till = Till(without_customer) if without_customer else to
    found, known_skus, told = Report(), catalogue.Known(), 0
    for piece in cut(path, to.mapping):
        at = to if piece.customer or not piece.number else till
        if make_items:
            catalogue.make_missing(piece, at.mapping, at.connection, known_skus)
        _one(piece, at, found)
        reset_queries()
        if found.in_file.rows - told >= TELL_EVERY:
            tell(found.in_file.rows - told)
            told = found.in_file.rows
    tell(found.in_file.rows - told)
    return found


def _one(piece: Piece, at: Till, found: Report) -> None:
    body = piece.body
    external_id, topic = _named(piece, at.connection, body)
    message_id, new = inbox.accept(
        at.connection,
        external_id=external_id,
        headers={"content-type": "text/csv"},
        body=body,
        topic=topic,
        verdict=inbox.Verdict.NONE,
    )
    message = _settled(message_id, new=new)
    found.count(piece, new=new)
    report.account(found, piece, message, message.topic, at.mapping)


def _named(piece: Piece, connection: Connection, body: bytes) -> tuple[str, str]:
    """The delivery's own name and topic. Rows nobody can read are named by their content.

    An invoice that came before with other rows is told apart, so that it neither replaces the first nor vanishes.
    """
    if not piece.number:
        return f"rows:{hashlib.sha256(body).hexdigest()}", translate.TOPIC
    name = f"invoice:{piece.number[:100]}"
    topic = translate.TOPIC
    if piece.part > 1:
        name, topic = f"{name}~{piece.part}", f"{topic}/{piece.part}"
    before = InboundMessage.objects.filter(connection=connection, external_id=name).values_list("sha256", flat=True)
    differs = any(digest != hashlib.sha256(body).hexdigest() for digest in before)
    return name, translate.AGAIN if differs else topic


def _settled(message_id: int, *, new: bool) -> InboundMessage:
    """The message once it is over. A transient failure is tried again at once, a few times."""
    messages = InboundMessage.objects.defer("body", "headers").select_related("connection")
    for attempt in range(TRIES):
        if new or attempt:
            inbox.process(message_id)
        message = messages.get(pk=message_id)
        if message.status != InboundMessage.Status.RECEIVED:
            break
        time.sleep(0.05 * 2**attempt)
    return message
