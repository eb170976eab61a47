"""Stock lists people upload: kept as they came, shown before anything happens, taken whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import jobs, sheets
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.models import Job
from core.models.jobs import JobStatus
from core.subjects import Subject
from inventory import uploads as files
from inventory.models import LineOutcome, StockSource, StockUpload, UploadStatus
from inventory.services import snapshots, sources, understanding
from inventory.services.understanding import Understood
from inventory.snapshots import IncomingSnapshot, moment_problem
from inventory.uploads import NEEDED, Parsed

JOB = "inventory.take_upload"
STEP = 5_000


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be taken: the columns as understood, the first rows, and everything that stands in the way."""

    header: tuple[str, ...]
    missing: list[str]  # what no column and no default says yet
    parsed: Parsed
    lines: list[Understood]  # as they would be understood, without being written
    remarks: tuple[str, ...]
    cells: dict[int, tuple[str, ...]]  # what stood in each row, by its number

    @property
    def counts(self) -> dict[str, int]:
        found = dict.fromkeys(LineOutcome.values, 0)
        for line in self.lines:
            found[line.outcome] += 1
        return found


def keep(
    source_id: int, name: str, content: bytes, *, as_of: datetime, complete: bool = False, user: Any
) -> StockUpload:
    """Store a file that can be read as a table. Invalid (400, 413) for anything else; then nothing is kept."""
    source = StockSource.objects.filter(pk=source_id, active=True).first()
    if source is None:
        raise Refusal("unknown_source", "Choose the system this list comes from.", status=422)
    if re.search(r"[/\\\x00-\x1f]|^\.", name) or not 0 < len(name) <= 150:
        raise Invalid([Problem("file", "name", "A file name can't hold a path.")])
    if wrong := moment_problem(as_of, timezone.now()):
        raise Invalid([wrong], status=422)
    table = sheets.read(name, content)
    columns = files.recognise(table.rows[0])
    return StockUpload.objects.create(
        source=source,
        file_name=name,
        kind=table.kind,
        content=content,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        as_of=as_of,
        complete=complete,
        columns=columns,
        default_status=files.own_word(table.rows[0], columns),
        owner=user,
    )


def preview(upload: StockUpload) -> Preview:
    """Read the file again and say what would become of each row. Writes nothing."""
    table = sheets.read(upload.file_name, bytes(upload.content))
    missing = _missing(upload)
    parsed = Parsed([], [], []) if missing else _parsed(upload, table)
    lines = understanding.understood(upload.source, sources.current_map(upload.source), parsed.lines)
    remarks = table.remarks + understanding.repeats(lines)
    cells = dict(zip(table.numbers, table.rows, strict=True))
    return Preview(table.rows[0], missing, parsed, lines, remarks, cells)


def arrange(
    upload_id: object, *, columns: Mapping[str, int], place: str = "", status: str = "", leave_out_bad: bool = False
) -> None:
    """Say which column is what, and what stands in for a missing one. Only before the file is confirmed."""
    upload = _waiting(upload_id)
    width = len(sheets.read(upload.file_name, bytes(upload.content)).rows[0])
    wrong = [need for need, at in columns.items() if need not in NEEDED or not 0 <= at < width]
    if wrong or len(set(columns.values())) != len(columns):
        raise Invalid([Problem("columns", "choice", "Each column of the file can mean one thing.")], status=422)
    StockUpload.objects.filter(pk=upload.pk, status=UploadStatus.UPLOADED).update(
        columns=dict(columns), default_place=place[:200], default_status=status[:60], leave_out_bad=leave_out_bad
    )


@transaction.atomic
def confirm(upload_id: object, *, actor: Actor) -> Job:
    """Have a file taken by a job.

    Refusal("columns_missing"), ("nothing"), or ("bad_rows") unless these are to be left out.
    """
    upload = _waiting(upload_id, lock=True)
    seen = preview(upload)
    if seen.missing:
        raise Refusal("columns_missing", "Say which columns hold the item code and the units.", status=422)
    if seen.parsed.bad and not upload.leave_out_bad:
        bad = len(seen.parsed.bad)
        raise Refusal(
            "bad_rows", f"{bad:,} rows can't be read. Correct them, or say that they are left out.", status=422
        )
    if not seen.parsed.lines:
        raise Refusal("nothing", "Not one row of it can be taken.", status=422)
    title = f"Stock list {upload.file_name} of {upload.source.name}"
    params = {"upload": str(upload.pk), "actor": [actor.kind, actor.uid, actor.label]}
    job = jobs.start(JOB, actor, params, total=len(seen.parsed.lines), title=title[:200])
    StockUpload.objects.filter(pk=upload.pk).update(status=UploadStatus.CONFIRMED, job=job, reason="")
    from inventory.tasks import take_upload

    jobs.send(job.pk, take_upload)
    return job


def run(job_id: int) -> None:
    """The job: rows are read with progress, then all of them are taken in one transaction, or none."""
    params = Job.objects.values_list("params", flat=True).get(pk=job_id)
    upload = StockUpload.objects.select_related("source").get(pk=params["upload"])
    if not jobs.begin(job_id):
        _reopen(upload, job_id)
        return
    try:
        incoming = _incoming(upload, job_id)
        with transaction.atomic():
            cause = Subject("stock_upload", str(upload.pk), upload.file_name)
            taken = snapshots.take(upload.source, incoming, cause=cause, actor=Actor(*params["actor"]))
            jobs.checkpoint(job_id)
            StockUpload.objects.filter(pk=upload.pk).update(status=UploadStatus.TAKEN, snapshot=taken.snapshot)
            jobs.finish(job_id, {"snapshot": taken.snapshot.number, "replayed": taken.replayed})
    except jobs.Stopped:
        jobs.stopped(job_id)
        _back(upload, UploadStatus.UPLOADED, "It was stopped; nothing was taken.")
    except Refusal as refusal:
        jobs.fail(job_id, refusal.message)
        _back(upload, UploadStatus.FAILED, refusal.message)
    except Exception as error:
        jobs.fail(job_id, f"{type(error).__name__}; nothing was taken.")
        _back(upload, UploadStatus.UPLOADED, "It broke off; nothing was taken.")
        raise


def discard(upload_id: object) -> None:
    """Give up a file that has not been confirmed. Its bytes stay."""
    upload = _waiting(upload_id)
    StockUpload.objects.filter(pk=upload.pk, status=UploadStatus.UPLOADED).update(status=UploadStatus.DISCARDED)


def _incoming(upload: StockUpload, job_id: int) -> IncomingSnapshot:
    table = sheets.read(upload.file_name, bytes(upload.content))
    lines = []
    for at in range(0, len(table.rows) - 1, STEP):
        jobs.checkpoint(job_id)
        part = _parsed(upload, table, at + 1, at + 1 + STEP)
        failed = [{"row": bad.number, "code": bad.rule, "reason": bad.message} for bad in part.bad]
        jobs.advance(job_id, len(part.lines), failed)
        lines += part.lines
    jobs.checkpoint(job_id)
    return IncomingSnapshot(_ref(upload), upload.as_of, tuple(lines), upload.complete, table.remarks)


def _ref(upload: StockUpload) -> str:
    """The same list about the same moment, read the same way, is the same snapshot, whoever uploads it again."""
    about = [upload.sha256, upload.as_of.isoformat(), upload.complete, upload.columns, _defaults(upload)]
    return f"file:{hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()}"


def _defaults(upload: StockUpload) -> dict[str, str]:
    return {"place": upload.default_place, "status": upload.default_status}


def _parsed(upload: StockUpload, table: sheets.Table, start: int = 1, end: int | None = None) -> Parsed:
    rows, numbers = table.rows[start:end], table.numbers[start:end]
    return files.parse(rows, numbers, upload.columns, width=len(table.rows[0]), **_defaults(upload))


def _missing(upload: StockUpload) -> list[str]:
    given = {*upload.columns, *(need for need, value in _defaults(upload).items() if value)}
    return [need for need in NEEDED if need not in given]


def _waiting(upload_id: object, *, lock: bool = False) -> StockUpload:
    rows = StockUpload.objects.select_related("source")
    if lock:
        rows = rows.select_for_update(no_key=True, of=("self",))
    upload = rows.filter(pk=upload_id).first()
    if upload is None:
        raise Refusal("unknown_upload", "There is no such file.", status=404)
    lost = upload.job is not None and upload.job.status in {JobStatus.STOPPED, JobStatus.FAILED}
    if upload.status == UploadStatus.CONFIRMED and lost:  # its worker died
        _back(upload, UploadStatus.UPLOADED, "It broke off; nothing was taken.")
        upload.status = UploadStatus.UPLOADED
    if upload.status != UploadStatus.UPLOADED:
        raise Refusal("not_waiting", f"This file is {upload.get_status_display().lower()}.")
    return upload


def _reopen(upload: StockUpload, job_id: int) -> None:
    if Job.objects.filter(pk=job_id, status=JobStatus.STOPPED).exists():
        _back(upload, UploadStatus.UPLOADED, "It was stopped; nothing was taken.")


def _back(upload: StockUpload, status: str, reason: str) -> None:
    StockUpload.objects.filter(pk=upload.pk, status=UploadStatus.CONFIRMED).update(status=status, reason=reason[:300])
