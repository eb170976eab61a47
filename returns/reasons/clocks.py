"""Cases of returns that take too long, and of goods and money out of step."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.utils import timezone
from django.utils.timezone import localtime

from core.formats import duration
from exceptions import reasons
from exceptions.reasons import Column, Evidence, Opening, Reason, Row
from returns import clocks
from returns.reasons import shared
from returns.services import standing_clocks, targets

# Every query names returns; `(one)` narrows it to one of them.
_DISPOSE = """
SELECT DISTINCT line.request_id FROM returns_onbench bench JOIN returns_returnline line ON line.id = bench.line_id
WHERE bench.inspected < bench.received AND bench.due_at < now() (one)
UNION
SELECT DISTINCT line.request_id FROM returns_inspection seen JOIN returns_returnline line ON line.id = seen.line_id
JOIN returns_onbench bench ON bench.id = seen.bench_id
WHERE seen.placed < seen.quantity AND seen.verdict <> 'REVIEW' AND bench.due_at < now() (one)
"""
_SELL = """
SELECT DISTINCT line.request_id FROM returns_disposition placed JOIN returns_returnline line ON line.id = placed.line_id
WHERE placed.due_at IS NOT NULL AND placed.moved_on < placed.quantity AND placed.due_at < now() (one)
"""
# Accepted units whose money has not gone back in time, where it is to go back in money.
_REFUND = """
SELECT DISTINCT line.request_id FROM returns_inspection seen JOIN returns_returnline line ON line.id = seen.line_id
JOIN returns_returnrequest rma ON rma.id = line.request_id
WHERE seen.verdict = 'ACCEPTED' AND seen.decided_at < now() - make_interval(hours => %(hours)s)
    AND rma.refund_plan = 'ON_RECEIPT' AND rma.refund_to <> 'EXCHANGE' AND NOT EXISTS (
        SELECT FROM returns_refunddecision paid
        WHERE paid.cause = 'inspection:' || seen.id AND paid.status IN ('POSTED', 'DECLINED')
    ) (one)
"""
# Accepted units for which nobody could even reckon a refund.
_REFUSED = """
SELECT DISTINCT line.request_id FROM returns_inspection seen JOIN returns_returnline line ON line.id = seen.line_id
JOIN returns_returnrequest rma ON rma.id = line.request_id
WHERE seen.verdict = 'ACCEPTED' AND rma.refund_plan = 'ON_RECEIPT' AND rma.refund_to <> 'EXCHANGE'
    AND NOT EXISTS (SELECT FROM returns_refunddecision paid WHERE paid.cause = 'inspection:' || seen.id) (one)
"""
# Money went and no goods came; or goods came and nobody has said a word about their money.
_BALANCE = """
SELECT DISTINCT rma.id AS request_id FROM returns_returnrequest rma
JOIN returns_refunddecision paid ON paid.request_id = rma.id
JOIN returns_returnline line ON line.request_id = rma.id
WHERE paid.status = 'POSTED' AND NOT paid.keep_it AND rma.refund_plan = 'INSTANT' AND rma.status = 'OPEN'
    AND line.received = 0 AND line.kept = 0 AND line.gone < line.quantity
    AND greatest(paid.posted_at + make_interval(hours => %(hours)s), coalesce(rma.expires_at, paid.posted_at)) < now()
    (one)
UNION
SELECT DISTINCT line.request_id FROM returns_onbench bench JOIN returns_returnline line ON line.id = bench.line_id
JOIN returns_returnrequest rma ON rma.id = line.request_id
WHERE line.received > line.accepted + line.rejected AND rma.refund_plan = 'ON_RECEIPT'
    AND bench.first_at < now() - make_interval(hours => %(hours)s) (one)
"""
_ASKED = {clocks.DISPOSE: _DISPOSE, clocks.SELL: _SELL, clocks.REFUND: _REFUND, clocks.BALANCE: _BALANCE}


def _fetch(step: str, uid: str | None) -> list[int]:
    narrowed = "" if uid is None else "AND line.request_id = %(uid)s"
    sql = _ASKED[step].replace("(one)", narrowed) + " ORDER BY 1 LIMIT %(most)s"
    with connection.cursor() as cursor:
        cursor.execute(sql, {"hours": targets.hours()[step], "uid": uid and int(uid), "most": shared.SWEPT})
        return [row[0] for row in cursor.fetchall()]


def _refused(uid: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_REFUSED.replace("(one)", "AND line.request_id = %s LIMIT 1"), [int(uid)])
        return cursor.fetchone() is not None


def _stands(step: str) -> Callable[[str], bool]:
    return lambda uid: bool(_fetch(step, uid))


def _standing(step: str) -> Callable[[], list[str]]:
    return lambda: [str(pk) for pk in _fetch(step, None)]


def _describe(words: str) -> Callable[[str], Opening | None]:
    return lambda uid: shared.opening(uid, words)


def _evidence(step: str) -> Callable[[str], list[Evidence]]:
    def evidence(uid: str) -> list[Evidence]:
        now = timezone.now()
        rows = [
            Row(
                (clock.title, f"{localtime(clock.started_at):%d %b %H:%M}", f"{localtime(clock.due_at):%d %b %H:%M}",
                 f"{localtime(clock.done_at):%d %b %H:%M}" if clock.done_at else f"{clock.units} units wait",
                 duration(clock.took(now))),
                hot=clock.step == step and clock.late(now),
            )
            for clock in standing_clocks.of_return(int(uid))
        ]  # fmt: skip
        lines = [
            Row((shared.item_cell(line), str(line.received), str(line.accepted), str(line.rejected), str(line.awaited)))
            for line in shared.lines_of(uid)
        ]
        return [
            Evidence("How long each step took", ("Step", "Began", "Due", "Done", Column("Took", numeric=True)), rows),
            Evidence(
                "The units of the return",
                ("Article", *(Column(t, numeric=True) for t in ("Received", "Accepted", "Rejected", "Awaited"))), lines,
            ),
        ]  # fmt: skip

    return evidence


def _reason(step: str, code: str, title: str, description: str, clears: str, words: str, severity: int) -> Reason:
    return Reason(
        code=code,
        title=title,
        queue="returns",
        subject_kind="return",
        icon="clock",
        severity=severity,
        acknowledge_minutes=2 * 60,
        resolve_minutes=8 * 60,
        description=description,
        clears=clears,
        predicate=_stands(step),
        evidence=_evidence(step),
        context=shared.context,
        impact=shared.impact,
        standing=_standing(step),
        describe=_describe(words),
    )


REASONS = (
    Reason(
        code="returns.not_refunded",
        title="An accepted return could not be refunded",
        queue="returns",
        subject_kind="return",
        icon="banknote",
        severity=reasons.HIGH,
        acknowledge_minutes=60,
        resolve_minutes=8 * 60,
        description="Goods were accepted, and no refund could be decided: no money is left, or nothing to give it on.",
        clears="A refund of the accepted units was decided, or the return is exchanged.",
        predicate=_refused,
        evidence=_evidence(clocks.REFUND),
        context=shared.context,
        impact=shared.impact,
    ),
    _reason(
        clocks.DISPOSE, "returns.not_disposed", "Returned goods wait for a decision on the bench",
        "Goods came back, and nobody has said in time what becomes of them.",
        "Every unit that came was looked at and has its place.",
        "Units lie on the bench longer than they should.", reasons.NORMAL,
    ),
    _reason(
        clocks.SELL, "returns.not_sellable", "Returned goods are not back on sale in time",
        "Units that were to be made sellable again are still not.",
        "They are on sale, or something else became of them.",
        "Units to be refurbished are not back on sale in time.", reasons.LOW,
    ),
    _reason(
        clocks.REFUND, "returns.refund_overdue", "An accepted return is not refunded in time",
        "Returned goods were accepted, and the customer's money has not gone back.",
        "The refund was paid or declined.",
        "The goods are accepted; the money has not gone back.", reasons.HIGH,
    ),
    _reason(
        clocks.BALANCE, "returns.out_of_step", "Goods and money of a return are out of step",
        "Money went back and the goods have not come, or goods came and nobody decided about their money.",
        "Goods and money are where they belong, or the return has ended.",
        "Goods and money have been apart for too long.", reasons.HIGH,
    ),
)  # fmt: skip
