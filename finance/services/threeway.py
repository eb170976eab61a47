"""Each night: what the order says, what the payment provider says and what the ERP says of the same money.

Set-based: one statement finds every order on which the three differ, one more opens and clears the rows; then each row
is a case with the three figures. An order takes part once it is complete and has been quiet for a while, so that what
is still on its way is no difference.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.utils import timezone

from core import jobs
from core.actors import SYSTEM
from core.formats import money
from core.subjects import Subject
from exceptions.services import cases
from finance.models import ThreeWay

KIND = "finance.three_way"
REASON = "finance.three_way_differs"
QUIET = timedelta(hours=12)
AT_ONCE = 500

# The ERP's figure is its own total where it gave one. An order nothing was posted of has no third figure, and one whose
# payments nobody tells us of (invoiced, wholesale) has no second.
FIND = """
WITH posted AS (
    SELECT order_id, sum(coalesce(erp_total, total)) FILTER (WHERE status = 'POSTED') AS amount,
        bool_or(status IN ('PENDING', 'REJECTED', 'QUEUED')) AS open
    FROM finance_posting
    WHERE order_id IS NOT NULL AND status NOT IN ('REVERSED', 'DECLINED')
        AND kind IN ('SALES_ORDER', 'CREDIT_MEMO', 'RETURN_MEMO', 'ADJUSTMENT', 'CHARGEBACK', 'WRITE_OFF')
    GROUP BY order_id
), money AS (
    SELECT m.order_id, m.currency, m.current AS ordered,
        CASE WHEN m.captured <> 0 OR m.refunded <> 0 THEN m.paid END AS provided, p.amount AS posted,
        coalesce(p.open, false) AS open
    FROM finance_ordermoney m JOIN orders_order o ON o.id = m.order_id LEFT JOIN posted p ON p.order_id = m.order_id
    WHERE o.status IN ('COMPLETED', 'CANCELLED') AND NOT o.test
        AND greatest(o.updated_at, m.updated_at) < %(before)s
), apart AS (
    SELECT * FROM money
    WHERE ordered <> coalesce(provided, ordered)
        OR posted IS NOT NULL AND NOT open AND posted <> ordered
)
"""
WRITE = """
%s, cleared AS (
    UPDATE finance_threeway t SET cleared_at = statement_timestamp()
    WHERE t.cleared_at IS NULL AND NOT EXISTS (SELECT FROM apart a WHERE a.order_id = t.order_id)
        AND EXISTS (SELECT FROM money m WHERE m.order_id = t.order_id)
    RETURNING t.id
), found AS (
    INSERT INTO finance_threeway (order_id, currency, ordered, provided, posted, found_at, seen_at)
    SELECT order_id, currency, ordered, provided, posted, statement_timestamp(), statement_timestamp() FROM apart
    ON CONFLICT (order_id) WHERE cleared_at IS NULL DO UPDATE SET seen_at = excluded.seen_at,
        ordered = excluded.ordered, provided = excluded.provided, posted = excluded.posted
    RETURNING id
)
SELECT (SELECT count(*) FROM money), (SELECT count(*) FROM found), (SELECT count(*) FROM cleared)
"""


def run(job_id: int, *, quiet: timedelta = QUIET) -> None:
    """For the job's worker: compare everything, then a case for each difference, with progress and stop."""
    if not jobs.begin(job_id):
        return
    try:
        looked, apart, cleared = compare(quiet=quiet)
        jobs.advance(job_id, 1)
        opened = tell(job_id)
    except jobs.Stopped:
        jobs.stopped(job_id)
        return
    except Exception as error:
        jobs.fail(job_id, f"{type(error).__name__}: {error}")
        raise
    jobs.finish(job_id, {"orders": looked, "differ": apart, "cleared": cleared, "cases": opened})


def compare(*, quiet: timedelta = QUIET) -> tuple[int, int, int]:
    """Bring the differences up to date; returns how many orders were looked at, differ, and agree again."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(WRITE.replace("%s", FIND, 1), {"before": timezone.now() - quiet})
        looked, apart, cleared = cursor.fetchone()
    return looked, apart, cleared


def tell(job_id: int | None = None) -> int:
    """A case for every difference that stands, and the word that it ended for those that don't; how many stand."""
    stands = after = 0
    while rows := list(
        ThreeWay.objects.filter(cleared_at__isnull=True, pk__gt=after).select_related("order").order_by("pk")[:AT_ONCE]
    ):
        if job_id is not None:
            jobs.checkpoint(job_id)
        for row in rows:
            _open(row)
        stands, after = stands + len(rows), rows[-1].pk
        if job_id is not None:
            jobs.advance(job_id, len(rows))
    lately = ThreeWay.objects.filter(cleared_at__gte=timezone.now() - timedelta(days=1)).values_list(
        "order_id", flat=True
    )
    for order_id in lately.iterator():
        cases.recheck(Subject("order", str(order_id)), actor=SYSTEM)
    return stands


@transaction.atomic
def _open(row: ThreeWay) -> None:
    order = row.order
    cases.open_(
        REASON, Subject("order", str(order.pk), order.number), summary=words(row), value=abs(gap(row)),
        currency=row.currency, actor=SYSTEM,
    )  # fmt: skip


def gap(row: ThreeWay) -> Decimal:
    """The largest difference between two of the figures."""
    known = [each for each in (row.ordered, row.provided, row.posted) if each is not None]
    return max(known) - min(known)


def words(row: ThreeWay) -> str:
    said = [
        f"{name} {money(value, row.currency) if value is not None else 'says nothing'}"
        for name, value in (("The order", row.ordered), ("the provider", row.provided), ("the ERP", row.posted))
    ]
    return ", ".join(said) + "."
