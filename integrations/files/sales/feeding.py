"""Feeding a sales file through the inbox, a handful of invoices at a time: the engine of `manage.py ingest sales`.

Each invoice becomes one message with its own bytes, so a faulty one fails alone, is put right and tried again alone,
and feeding the file again finds them all known.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from django.db import reset_queries, transaction

from integrations import inbox
from integrations.files.sales import catalogue, mapping_of, report, translate
from integrations.files.sales.cutting import Piece, cut
from integrations.files.sales.mapping import SalesMapping
from integrations.files.sales.report import Report
from integrations.models import Connection, InboundMessage

TRIES = 4
TELL_EVERY = 1_000  # rows
AT_ONCE, ROWS_AT_ONCE = 25, 500


@dataclass(slots=True, eq=False)
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
    for pieces in _handfuls(cut(path, to.mapping)):
        sent = [(piece, to if piece.customer or not piece.number else till) for piece in pieces]
        if make_items:
            for at in dict.fromkeys(at for _, at in sent):
                mine = [piece for piece, to_ in sent if to_ is at]
                catalogue.make_missing(mine, at.mapping, at.connection, known_skus)
        _together(sent, found)
        reset_queries()
        if found.in_file.rows - told >= TELL_EVERY:
            tell(found.in_file.rows - told)
            told = found.in_file.rows
    tell(found.in_file.rows - told)
    return found


def _handfuls(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Few invoices and few rows at a time: what is stored and read in one go, and all that stands in memory."""
    held: list[Piece] = []
    for piece in pieces:
        held.append(piece)
        if len(held) == AT_ONCE or sum(each.rows for each in held) >= ROWS_AT_ONCE:
            yield held
            held = []
    if held:
        yield held


def _together(sent: Sequence[tuple[Piece, Till]], found: Report) -> None:
    """Store these invoices, then try each by itself, and count what came of their rows."""
    before = _digests(sent)
    stored: list[tuple[int, bool]] = []
    with transaction.atomic():  # their bytes are safe before the first is tried
        for piece, at in sent:
            body = piece.body
            name, topic = _named(piece, body, before.setdefault((at.connection.pk, _name(piece)), set()))
            stored.append(
                inbox.accept(
                    at.connection, external_id=name, headers={"content-type": "text/csv"}, body=body, topic=topic,
                    verdict=inbox.Verdict.NONE,
                )
            )  # fmt: skip
    inbox.process_together([message_id for message_id, new in stored if new])
    messages = _read(message_id for message_id, _ in stored)
    for (piece, at), (message_id, new) in zip(sent, stored, strict=True):
        message = messages[message_id]
        if message.status == InboundMessage.Status.RECEIVED:
            message = _settled(message_id)
        found.count(piece, new=new)
        report.account(found, piece, message, message.topic, at.mapping)


def _name(piece: Piece) -> str:
    return f"invoice:{piece.number[:100]}" + (f"~{piece.part}" if piece.part > 1 else "")


def _digests(sent: Sequence[tuple[Piece, Till]]) -> dict[tuple[UUID, str], set[str]]:
    """What came before under the names of these invoices."""
    found: dict[tuple[UUID, str], set[str]] = {}
    for at in dict.fromkeys(at for _, at in sent):
        names = [_name(piece) for piece, to in sent if to is at and piece.number]
        rows = InboundMessage.objects.filter(connection=at.connection, external_id__in=names)
        for name, digest in rows.values_list("external_id", "sha256"):
            found.setdefault((at.connection.pk, name), set()).add(digest)
    return found


def _named(piece: Piece, body: bytes, before: set[str]) -> tuple[str, str]:
    """The delivery's own name and topic. Rows nobody can read are named by their content.

    An invoice that came before with other rows is told apart, so that it neither replaces the first nor vanishes.
    """
    digest = hashlib.sha256(body).hexdigest()
    if not piece.number:
        return f"rows:{digest}", translate.TOPIC
    topic = f"{translate.TOPIC}/{piece.part}" if piece.part > 1 else translate.TOPIC
    differs = bool(before - {digest})
    before.add(digest)
    return _name(piece), translate.AGAIN if differs else topic


def _read(message_ids: Iterable[int]) -> dict[int, InboundMessage]:
    messages = InboundMessage.objects.defer("body", "headers").select_related("connection")
    return messages.in_bulk(list(message_ids))


def _settled(message_id: int) -> InboundMessage:
    """The message once it is over. A transient failure is tried again at once, a few times."""
    for attempt in range(TRIES):
        time.sleep(0.05 * 2**attempt)
        inbox.process(message_id)
        message = _read([message_id])[message_id]
        if message.status != InboundMessage.Status.RECEIVED:
            break
    return message
