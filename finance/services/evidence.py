"""The evidence pack of a period: a workbook made by a job, with the rows behind every figure in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from django.db import transaction

from core import jobs
from core.actors import PERSON, Actor
from core.sheets.writing import Book
from finance import chart, closing
from finance.models import ChargeKind, EvidencePack, Period
from finance.services import closes

KIND = "finance.evidence"
SUMS = ("ledger", "currency", "rows", "debit", "credit", "net")
ROW = ("Reference", "Detail", "Amount", "Currency", "When", "About", "Its key")
LEDGER_ROW = ("Role", "Account", *ROW)


@transaction.atomic
def ask(period_id: int, *, actor: Actor) -> EvidencePack:
    """Have the pack made; the job says how far it is, and the pack is there when it is done."""
    from finance import tasks

    period = Period.objects.select_related("entity").get(pk=period_id)
    title = f"Evidence of {period.code}, {period.entity.name}"
    job = jobs.start(KIND, actor, {"period": period.pk}, total=len(closing.CHECKS) + 2, title=title)
    pack = EvidencePack.objects.create(
        period=period, job=job, name=f"close-{period.entity.code}-{period.code}.xlsx",
        made_by_id=int(actor.uid) if actor.kind == PERSON else None,
    )  # fmt: skip
    jobs.send(job.pk, tasks.make_evidence)
    return pack


def make(job_id: int) -> None:
    """For the job's worker: all of it from one snapshot, so that every figure is the sum of its rows."""
    pack = EvidencePack.objects.select_related("period__entity").get(job=job_id)
    if not jobs.begin(job_id):
        return
    try:
        content, rows = _write(pack.period, job_id)
    except jobs.Stopped:
        jobs.stopped(job_id)
        return
    except Exception as error:
        jobs.fail(job_id, f"{type(error).__name__}: {error}")
        raise
    digest = hashlib.sha256(content).hexdigest()
    EvidencePack.objects.filter(pk=pack.pk).update(content=content, size=len(content), sha256=digest, rows=rows)
    jobs.finish(job_id, {"pack": pack.pk, "rows": rows, "sha256": digest})


def _write(period: Period, job_id: int) -> tuple[bytes, int]:
    book, rows = Book(), 0
    lines = closes.checklist(period)
    book.sheet("Close", ("What", "It says"), _about(period))
    book.sheet(
        "Checklist", ("Line", "Rows", "Blocks", "Owner", "Excused by", "Note"),
        [
            (
                line.check.title, line.count, line.blocking,
                str(line.task.owner or "") if line.task else line.check.owner,
                str(line.task.excused_by or "") if line.task else "", line.task.note if line.task else "",
            )
            for line in lines
        ],
    )  # fmt: skip
    figures = closes.figures(period)
    book.sheet(
        "Figures", ("Of", "Figure", "Account", "Currency", "Rows", "Debit", "Credit", "Net"),
        [
            (row["of"], _named(row["role"]), *(row[name] for name in SUMS))
            for row in figures
        ],
    )  # fmt: skip
    for title, sql in (("Postings", closing.LINES), ("Charges", closing.CHARGES)):
        jobs.checkpoint(job_id)
        rows += book.sheet(title, LEDGER_ROW, _ledger(period, sql))
        jobs.advance(job_id, 1)
    for line in lines:
        jobs.checkpoint(job_id)
        if line.count:
            rows += book.sheet(line.check.title, ROW, map(_row, closes.rows(period, line.check.sql)))
        jobs.advance(job_id, 1)
    return book.close(), rows


def _about(period: Period) -> list[tuple[str, Any]]:
    return [
        ("Entity", period.entity.name), ("Period", period.code), ("From", period.starts_on), ("To", period.ends_on),
        ("Status", period.get_status_display()), ("Prepared by", str(period.prepared_by or "")),
        ("Prepared", period.prepared_at), ("Locked by", str(period.locked_by or "")), ("Locked", period.locked_at),
        ("Note", period.note),
    ]  # fmt: skip


def _ledger(period: Period, sql: str) -> Iterator[tuple[Any, ...]]:
    for row in closes.rows(period, sql):
        yield (_named(row["role"]), row["ledger"], *_row(row))


def _row(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["label"], row["detail"], row["amount"], row["currency"], row["at"], row["kind"], row["uid"])


def _named(role: str) -> str:
    return chart.ROLES.get(role) or dict(ChargeKind.choices).get(role, role)
