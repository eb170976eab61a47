"""A dropped file from its upload to its last order: kept as it came, previewed, then read order by order by a job."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max

from core import jobs, sheets
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.models import Job
from core.models.jobs import JobStatus
from integrations import aliases, inbox
from integrations.failures import Unreadable
from integrations.files.orders import NAME, fields, formats, layout_of, translate
from integrations.files.orders.translate import Row
from integrations.models import AliasKind, Connection, DropStatus, FileDrop, FileMapping, InboundMessage
from integrations.reading import ZERO
from orders import currencies

JOB = "integrations.read_drop"
AT_ONCE = 25
SHOWN = 20
Status = InboundMessage.Status


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one order, wherever in the file they stand."""

    ref: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Seen:
    """One order as it would be taken, or every reason why not."""

    ref: str
    first_row: int
    words: str = ""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    titles: list[str]
    missing: list[str]
    problems: dict[str, str]
    remarks: tuple[str, ...]
    orders: int
    rows: int
    shown: list[Seen]
    bad: int  # of those looked at


def keep(
    connection: Connection, name: str, content: bytes, *, user: Any = None, label: str, encoding: str = ""
) -> FileDrop:
    """Store a file that can be read as a table. Invalid (400, 413) for anything else; then nothing is kept.

    `encoding` says how its text is written, one of formats.ENCODINGS; else it is as the newest mapping says.
    """
    if encoding not in formats.ENCODINGS:
        raise Invalid([Problem("encoding", "choice", "Choose one of those offered.")])
    if connection.vendor != NAME or connection.status == Connection.Status.DISABLED:
        raise Refusal("no_files", f"{connection.name} takes no files of orders.", status=422)
    if re.search(r"[/\\\x00-\x1f]|^\.", name) or not 0 < len(name) <= 150:
        raise Invalid([Problem("file", "name", "A file name can't hold a path.")])
    newest = FileMapping.objects.filter(connection=connection).order_by("-version").first()
    known = dict(newest.settings) if newest else {}
    known |= {"encoding": encoding} if encoding else {}
    table = sheets.read(name, content, encoding=known.get("encoding", ""), delimiter=known.get("delimiter", ""))
    titles = fields.unique(table.rows[0])
    draft = {**known, "columns": fields.suggested(titles, known.get("columns", {}))}
    return FileDrop.objects.create(
        connection=connection, file_name=name, kind=table.kind, content=content, size=len(content),
        sha256=hashlib.sha256(content).hexdigest(), draft=draft, owner=user, owner_label=label[:200],
    )  # fmt: skip


def arrange(drop_id: object, settings: Mapping[str, Any]) -> None:
    """How the file is to be read, before it is confirmed. Invalid for what makes no sense."""
    drop = _waiting(drop_id)
    layout_of(drop.connection, settings)
    FileDrop.objects.filter(pk=drop.pk, status=DropStatus.UPLOADED).update(draft=dict(settings))


def preview(drop: FileDrop, *, most: int = SHOWN) -> Preview:
    """What would become of the first orders, read again from its bytes. Writes nothing."""
    problems: dict[str, str] = {}
    try:
        layout = layout_of(drop.connection, drop.draft)
    except Invalid as invalid:
        problems = {problem.path: problem.message for problem in invalid.problems}
        layout = formats.Layout()
    table = _table(drop, layout)
    titles = fields.unique(table.rows[0])
    missing = formats.missing(layout.columns, titles)
    if problems or missing:
        return Preview(titles, missing, problems, table.remarks, 0, len(table.rows) - 1, [], 0)
    groups = list(_groups(table, layout))
    shown = [_seen(group, layout, drop) for group in groups[:most]]
    bad = sum(1 for each in shown if each.faults)
    return Preview(titles, [], {}, table.remarks, len(groups), len(table.rows) - 1, shown, bad)


def confirm(drop_id: object, *, actor: Actor) -> Job:
    """Have it read by a job, by this mapping from now on. Refusal("columns_missing") while needed ones are unknown."""
    with transaction.atomic():
        drop = _waiting(drop_id, lock=True)
        seen = preview(drop, most=0)
        if seen.missing or seen.problems:
            words = ", ".join(seen.missing) or "; ".join(seen.problems.values())
            raise Refusal("columns_missing", f"Say first which column is what: {words}.", status=422)
        if not seen.orders:
            raise Refusal("nothing", "It holds not one order.", status=422)
        mapping = _mapping(drop, actor)
        title = f"{drop.file_name} of {drop.connection.name}"
        params = {"drop": str(drop.pk), "actor": [actor.kind, actor.uid, actor.label]}
        job = jobs.start(JOB, actor, params, total=seen.orders, title=title[:200])
        FileDrop.objects.filter(pk=drop.pk).update(status=DropStatus.RUNNING, job=job, mapping=mapping)
        from integrations.tasks import read_drop

        jobs.send(job.pk, read_drop)
    return job


def discard(drop_id: object) -> None:
    """Give up a file that wasn't confirmed. Its bytes stay."""
    FileDrop.objects.filter(pk=_waiting(drop_id).pk, status=DropStatus.UPLOADED).update(status=DropStatus.DISCARDED)


def run(job_id: int) -> None:
    """The job: a handful of orders at a time, each a message of its own that is kept before it is tried.

    An order that fails waits as a failed message; the others go on. Safe to repeat: what was stored counts once, and
    an order that failed before is tried again.
    """
    params = Job.objects.values_list("params", flat=True).get(pk=job_id)
    drop = FileDrop.objects.select_related("connection__channel", "mapping").get(pk=params["drop"])
    if not jobs.begin(job_id):
        if Job.objects.filter(pk=job_id, status=JobStatus.STOPPED).exists():
            FileDrop.objects.filter(pk=drop.pk).update(status=DropStatus.UPLOADED)
        return
    counts: dict[str, int] = {}
    try:
        layout = layout_of(drop.connection, drop.mapping.settings if drop.mapping else {})
        groups = list(_groups(_table(drop, layout), layout))
        for at in range(0, len(groups), AT_ONCE):
            jobs.checkpoint(job_id)
            failed = _together(drop, groups[at : at + AT_ONCE], Actor(*params["actor"]), counts)
            jobs.advance(job_id, len(groups[at : at + AT_ONCE]) - len(failed), failed)
        FileDrop.objects.filter(pk=drop.pk).update(status=DropStatus.DONE)
        jobs.finish(job_id, counts)
    except jobs.Stopped:
        jobs.stopped(job_id, counts)
        FileDrop.objects.filter(pk=drop.pk).update(status=DropStatus.UPLOADED)  # the rest is read when somebody says so
    except Exception as error:
        jobs.fail(job_id, f"{type(error).__name__}; the orders read until then stay.")
        FileDrop.objects.filter(pk=drop.pk).update(status=DropStatus.UPLOADED)
        raise


def refused(drop: FileDrop) -> Iterator[tuple[Row, str]]:
    """Every row of the orders that failed, with why."""
    layout = layout_of(drop.connection, drop.mapping.settings if drop.mapping else drop.draft)
    groups = {_name(drop, group): group for group in _groups(_table(drop, layout), layout)}
    rows = InboundMessage.objects.filter(connection=drop.connection, external_id__in=groups, status=Status.FAILED)
    for name, reason in rows.order_by("pk").values_list("external_id", "reason"):
        for row in groups[name].rows:
            yield row, reason


# --- The details


def _together(drop: FileDrop, groups: Sequence[Group], actor: Actor, counts: dict[str, int]) -> list[dict[str, Any]]:
    names = {_name(drop, group): group for group in groups}
    rows = InboundMessage.objects.filter(connection=drop.connection, external_id__in=names)
    before = dict(rows.values_list("external_id", "pk"))
    stored: dict[str, int] = {}
    with transaction.atomic():  # all are safe before the first is tried
        for name, group in names.items():
            if name not in before:
                stored[name], _ = inbox.accept(
                    drop.connection, external_id=name, headers={}, body=_body(drop, group), topic=translate.TOPIC,
                    verdict=inbox.Verdict.NONE,
                )  # fmt: skip
    inbox.process_together(list(stored.values()))
    failed = []
    for name, group in names.items():
        pk = stored.get(name) or before[name]
        found = inbox.outcome(pk)
        if name in before and found.status == Status.FAILED:
            found = inbox.reprocess(pk, actor=actor)
        word = "known" if name in before and found.status != Status.FAILED else found.status.lower()
        counts[word] = counts.get(word, 0) + 1
        if found.status == Status.FAILED:
            failed.append({"row": group.rows[0].number, "code": group.ref[:60], "reason": found.reason[:300]})
    return failed


def _table(drop: FileDrop, layout: formats.Layout) -> sheets.Table:
    return sheets.read(drop.file_name, bytes(drop.content), encoding=layout.encoding, delimiter=layout.delimiter)


def _groups(table: sheets.Table, layout: formats.Layout) -> Iterator[Group]:
    """Orders in the order of their first rows. A row without a number stands alone and says so."""
    titles = fields.unique(table.rows[0])
    found: dict[str, Group] = {}
    for number, cells in zip(table.numbers[1:], table.rows[1:], strict=True):
        row = Row(number, dict(zip(titles, cells, strict=False)))
        ref = row.cells.get(layout.columns.get("order_ref", ""), "")
        found.setdefault(ref or f"\x00{number}", Group(ref, [])).rows.append(row)
    yield from found.values()


def _body(drop: FileDrop, group: Group) -> bytes:
    rows = [{"n": row.number, "cells": row.cells} for row in group.rows]
    document = {"kind": drop.kind, "file": drop.file_name, "as_of": drop.created_at.isoformat(), "rows": rows}
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _name(drop: FileDrop, group: Group) -> str:
    """The same rows are the same message, whichever file brings them."""
    said = json.dumps([row.cells for row in group.rows], sort_keys=True)
    return f"order:{group.ref[:80]}#{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:24]}"


def _seen(group: Group, layout: formats.Layout, drop: FileDrop) -> Seen:
    try:
        order = translate.order(group.rows, layout, drop.created_at, typed=drop.kind == "xlsx")
    except Unreadable as error:
        return Seen(group.ref, group.rows[0].number, faults=tuple(str(fault) for fault in error.faults))
    units = sum(line.quantity for line in order.lines)
    to = order.ship_to.name or order.ship_to.city if order.ship_to else order.pickup_location_code or "no address"
    total = currencies.rounded(order.total or ZERO, order.currency)
    goods = f"{len(order.lines)} lines, {units} units, {total} {order.currency}"
    words = f"{goods}, {order.placed_at:%Y-%m-%d %H:%M} UTC, {to}"
    return Seen(group.ref, group.rows[0].number, words)


def _mapping(drop: FileDrop, actor: Actor) -> FileMapping:
    """The version that says what the draft says: the newest where it does, else the next."""
    connection = Connection.objects.select_for_update(no_key=True).get(pk=drop.connection_id)
    rows = FileMapping.objects.filter(connection=drop.connection)
    newest = rows.order_by("-version").first()
    if newest is not None and newest.settings == drop.draft:
        return newest
    version = (rows.aggregate(Max("version"))["version__max"] or 0) + 1
    before = f"version {version - 1}" if version > 1 else ""
    aliases.note(connection, AliasKind.FILE, "columns", before, f"version {version}", actor.label)
    return FileMapping.objects.create(
        connection=drop.connection, version=version, settings=drop.draft, actor_label=actor.label[:200]
    )


def _waiting(drop_id: object, *, lock: bool = False) -> FileDrop:
    rows = FileDrop.objects.select_related("connection__channel", "job")
    if lock:
        rows = rows.select_for_update(no_key=True, of=("self",))
    drop = rows.filter(pk=drop_id).first()
    if drop is None:
        raise Refusal("unknown_drop", "There is no such file.", status=404)
    if drop.status == DropStatus.RUNNING and drop.job and drop.job.status in {JobStatus.STOPPED, JobStatus.FAILED}:
        FileDrop.objects.filter(pk=drop.pk).update(status=DropStatus.UPLOADED)  # its worker died
        drop.status = DropStatus.UPLOADED
    if drop.status != DropStatus.UPLOADED:
        raise Refusal("not_waiting", f"This file is {drop.get_status_display().lower()}.")
    return drop
