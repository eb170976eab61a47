"""The case a reason becomes whose own check no longer answers."""

from __future__ import annotations

from django.utils.timezone import localtime

from exceptions import reasons
from exceptions.models import StandingCheck
from exceptions.reasons import Cell, Column, Evidence, Reason, Row
from exceptions.services import standing


def _evidence(uid: str) -> Evidence:
    row = StandingCheck.objects.filter(reason=uid).first()
    columns = (Column("Reason"), Column("Failing since"), Column("Times in a row", numeric=True), Column("It said"))
    if row is None or not row.failing:
        return Evidence("the check answers", columns, (), empty="The check answers again.")
    known = reasons.find(uid)
    since = localtime(row.since).strftime("%d %b %H:%M")
    cells = (Cell(known.title if known else uid, note=uid), since, str(row.failures), Cell(row.error, code=True))
    return Evidence("the check fails", columns, (Row(cells, hot=True),))


def register() -> None:
    reasons.register(
        Reason(
            code=standing.CODE,
            weightless="What the check would have found is not known while it fails.",
            title="A check of a reason fails",
            queue="integration",
            subject_kind="reason",
            icon="activity",
            severity=reasons.HIGH,
            acknowledge_minutes=60,
            resolve_minutes=8 * 60,
            description="Cases of this reason open by events alone until its own check answers again.",
            clears="The check answers again.",
            predicate=standing.failing,
            evidence=_evidence,
        )
    )
