"""Feeding files through the inbox as if their vendor had sent them: the engine of `manage.py ingest`.

A file is one delivery, named by its content, so feeding it again finds it known. A .jsonl file is many: each line a
delivery envelope (`headers` and `body`) or a document of its own; the body's bytes are those of the line, untouched.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

from django.db.models import Q

from exceptions.models import Case
from integrations import inbox
from integrations.channels import registry
from integrations.endings import REASON
from integrations.models import Connection, InboundMessage
from inventory.models import StockSnapshot
from inventory.services import differences

Status = InboundMessage.Status
STORED_AT_MOST = 64 * 1024 * 1024  # of a larger file only the beginning is kept, and it says so
TRIES = 4

WORDS = {
    Status.PROCESSED: "processed",
    Status.DUPLICATE: "duplicate",
    Status.IGNORED: "ignored",
    Status.FAILED: "failed",
    Status.RECEIVED: "failed",
}
# How a file of many deliveries went as a whole: the first of these that any delivery had.
_GRAVEST = ("failed", "processed", "duplicate", "ignored")


@dataclass(slots=True)
class Fed:
    """What came of one delivery."""

    message_id: int
    new: bool
    outcome: str = ""
    reason: str = ""
    order: str | None = None
    snapshot: str | None = None
    case: int | None = None


@dataclass(slots=True)
class FedFile:
    file: str
    deliveries: list[Fed] = field(default_factory=list)
    many: bool = False


@dataclass(frozen=True, slots=True)
class _Delivery:
    external_id: str
    topic: str
    headers: dict[str, str]
    body: bytes


def feed(path: Path, connection: Connection, *, topic: str = "") -> FedFile:
    """Store and try every delivery of one file. Raises OSError when the file can't be read."""
    fed = FedFile(str(path), many=path.suffix.lower() in {".jsonl", ".ndjson"})
    for each in _deliveries(path, connection, topic, many=fed.many):
        message_id, new = inbox.accept(
            connection,
            external_id=each.external_id,
            headers=each.headers,
            body=each.body,
            topic=each.topic,
            verdict=inbox.Verdict.NONE,
        )
        if new:
            _settle(message_id)
        fed.deliveries.extend(_documents_of(message_id, new) or [Fed(message_id, new)])
    fed.many = fed.many or len(fed.deliveries) > 1
    return fed


def _documents_of(message_id: int, new: bool) -> list[Fed]:
    """What became messages of their own of a delivery that was nothing but a wrapping; empty for any other."""
    told = InboundMessage.objects.without_body().get(pk=message_id)
    if not new or told.status != Status.PROCESSED or told.result_kind:
        return []
    parts = InboundMessage.objects.filter(
        connection=told.connection_id, external_id__startswith=f"{told.external_id[:120]}#"
    )
    found = [Fed(pk, True) for pk in parts.order_by("pk").values_list("pk", flat=True)]
    for each in found:
        _settle(each.message_id)
    return found


def settle_all(files: list[FedFile]) -> None:
    """After the last file: try what still waits once more, give up where nothing arrived, and fill in outcomes."""
    for fed in (each for file in files for each in file.deliveries):
        if inbox.outcome(fed.message_id).status == Status.RECEIVED:
            _last_try(fed.message_id)
    for fed in (each for file in files for each in file.deliveries):
        _fill_in(fed)


def as_object(file: FedFile) -> dict[str, Any]:
    """One file as the object `ingest --json` prints."""
    parts = [_part(each) for each in file.deliveries]
    if not file.many:
        return {"file": file.file, **parts[0]}
    if not parts:
        return {"file": file.file, "outcome": "ignored", "reason": "the file holds no delivery", "order": None,
                "snapshot": None, "case": None, "deliveries": []}  # fmt: skip
    outcome = next(word for word in _GRAVEST if any(part["outcome"] == word for part in parts))
    telling = next(part for part in parts if part["outcome"] == outcome)
    counts = ", ".join(f"{n} {word}" for word in _GRAVEST if (n := sum(part["outcome"] == word for part in parts)))
    reason = f"{len(parts)} deliveries: {counts}" + (f"; {telling['reason']}" if telling["reason"] else "")
    order = telling["order"] or next((part["order"] for part in parts if part["order"]), None)
    snapshot = telling["snapshot"] or next((part["snapshot"] for part in parts if part["snapshot"]), None)
    return {"file": file.file, "outcome": outcome, "reason": reason, "order": order, "snapshot": snapshot,
            "case": telling["case"], "deliveries": parts}  # fmt: skip


def _part(fed: Fed) -> dict[str, Any]:
    return {
        "outcome": fed.outcome,
        "reason": fed.reason,
        "order": fed.order,
        "snapshot": fed.snapshot,
        "case": fed.case,
        "message": fed.message_id,
    }


def _settle(message_id: int) -> None:
    """Try until it is over or waits for something; a transient failure is tried again at once, a few times."""
    for attempt in range(TRIES):
        result = inbox.process(message_id)
        if result.status != Status.RECEIVED or result.waits_for:
            return
        time.sleep(0.1 * 2**attempt)


def _last_try(message_id: int) -> None:
    _settle(message_id)
    message = InboundMessage.objects.select_related("connection").get(pk=message_id)
    if message.status == Status.RECEIVED and message.waits_for and message.lease_token is None:
        inbox.give_up_waiting(message, None, message.waits_for)


def _fill_in(fed: Fed) -> None:
    result = inbox.outcome(fed.message_id)
    fed.order, fed.snapshot = result.order or None, result.snapshot or None
    now = _said(result)
    fed.case, about = _case(fed.message_id)
    if about:
        now = f"{now}; {about}" if now else about
    if fed.new:
        fed.outcome, fed.reason = WORDS[Status(result.status)], now
    else:
        was = f"{WORDS[Status(result.status)]}" + (f": {now}" if now else "")
        fed.outcome, fed.reason = "duplicate", f"already here as message {fed.message_id} ({was})"


def _case(message_id: int) -> tuple[int | None, str]:
    """The open case of the message itself, else the gravest of the order it made or of whose stock it spoke."""
    row = InboundMessage.objects.values_list("result_kind", "result_uid").get(pk=message_id)
    if row[0] == "snapshot":
        return _case_of_snapshot(int(row[1]))
    own = Q(reason=REASON, subject_kind="message", subject_uid=str(message_id))
    of_order = Q(subject_kind="order", subject_uid=row[1]) if row[0] == "order" else Q(pk__in=())
    found = list(Case.objects.filter(own | of_order, is_open=True).order_by("pk").values("pk", "reason", "summary"))
    found.sort(key=lambda case: (case["reason"] != REASON, case["reason"] != "orders.totals_disagree"))
    words = "; ".join(f"{case['reason']}: {case['summary']}" for case in found if case["reason"] != REASON)
    return (found[0]["pk"] if found else None), words


def _case_of_snapshot(snapshot_id: int) -> tuple[int | None, str]:
    """What of the snapshot nobody understands, else the first place it disagrees about."""
    source = StockSnapshot.objects.values_list("source_id", flat=True).get(pk=snapshot_id)
    unexplained = Q(subject_kind="stock_source", subject_uid=str(source))
    differing = Q(reason=differences.REASON, data__snapshot=snapshot_id)
    found = Case.objects.filter(unexplained | differing, is_open=True).order_by("subject_kind", "pk")
    rows = list(found.values_list("subject_kind", "pk", "reason", "summary")[:20])
    rows.sort(key=lambda row: row[0] != "stock_source")
    words = "; ".join(f"{reason}: {summary}" for _, _, reason, summary in rows[:4])
    return (rows[0][1] if rows else None), words


def _said(result: inbox.Outcome) -> str:
    label = dict(inbox.FailureClass.choices).get(result.failure_class, "")
    if result.status == Status.RECEIVED and not result.waits_for:
        return f"connection: not finished, it is tried again by itself; {result.reason}"
    return f"{label}: {result.reason}" if label else result.reason


# --- Reading files -------------------------------------------------------------------------------------------------


def _deliveries(path: Path, connection: Connection, topic: str, *, many: bool) -> Iterator[_Delivery]:
    size = path.stat().st_size
    if size > STORED_AT_MOST:
        yield _too_large(path, size, topic)
        return
    content = path.read_bytes()
    if not many:
        yield _whole(content, topic, {})
        return
    for line in content.removeprefix(b"\xef\xbb\xbf").splitlines():
        if line.strip():
            yield _from_line(line, connection, topic)


def _whole(content: bytes, topic: str, headers: dict[str, str]) -> _Delivery:
    digest = hashlib.sha256(topic.encode() + bytes(1) + content).hexdigest()
    return _Delivery(f"file:{digest}", topic, headers, content)


def _too_large(path: Path, size: int, topic: str) -> _Delivery:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        beginning = file.read(inbox.MAX_BYTES + 1)
        digest.update(beginning)
        while chunk := file.read(1024 * 1024):
            digest.update(chunk)
    headers = {"content-length": str(size)}
    return _Delivery(f"file:{digest.hexdigest()}", topic, headers, beginning)


def _from_line(line: bytes, connection: Connection, topic: str) -> _Delivery:
    """An envelope names its own delivery; any other line is named by its content."""
    try:
        spans = _top_level(line.decode())
        headers = json.loads(spans["headers"])
        body = _body(spans["body"])
        vendor = registry.find(connection.vendor)
        if vendor is None or not isinstance(headers, dict):
            return _whole(line, topic, {})
    except (ValueError, KeyError, RecursionError):
        return _whole(line, topic, {})
    lower = {str(name).lower(): str(value) for name, value in headers.items()}
    told = vendor.delivery(body, lower)
    return _Delivery(told.external_id, told.topic or topic, lower, body)


def _body(text: str) -> bytes:
    """The bytes sent: an object stands in the line as it was, a string holds the text of it."""
    return json.loads(text).encode() if text.startswith('"') else text.encode()


def _top_level(text: str) -> dict[str, str]:
    """The values of an object's own keys exactly as they stand in the text. ValueError if it is no object."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    place = _after_blanks(text, 0)
    if text[place : place + 1] != "{":
        raise ValueError("not an object")
    spans: dict[str, str] = {}
    place = _after_blanks(text, place + 1)
    while text[place : place + 1] == '"':
        name, place = scanstring(text, place + 1, True)
        place = _after_blanks(text, place)
        if text[place : place + 1] != ":":
            raise ValueError("no colon")
        start = _after_blanks(text, place + 1)
        _, end = decoder.raw_decode(text, start)
        spans[name] = text[start:end]
        place = _after_blanks(text, end)
        if text[place : place + 1] == ",":
            place = _after_blanks(text, place + 1)
    if text[place : place + 1] != "}" or text[place + 1 :].strip():
        raise ValueError("not one object")
    return spans


def _after_blanks(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place
