"""Units found and lost in every ERP: one document for each adjustment, whichever answer is lost, or why there is none."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import TryLater
from finance.documents import Amount, Amounts
from integrations.erp.adjusting import ADJUSTERS
from integrations.erp.port import Rejected
from integrations.failures import FailureClass
from tests.integrations.test_erps import D, Memory, calm, document, erp, post  # noqa: F401  (erp is a fixture)

pytestmark = pytest.mark.django_db


def adjustment(number: int, direction: str, **units: int) -> dict[str, Any]:
    lines = [{"sku": sku.replace("_", "-"), "quantity": quantity} for sku, quantity in units.items()]
    about = {"place": "MAIN", "direction": direction, "day": "2026-03-02", "reasons": ["Found"]}
    return {**about, "reference": f"ADJ-{number}", "lines": lines}


def adjust(erp: Any, wanted: dict[str, Any]) -> tuple[str, str]:  # noqa: F811
    return ADJUSTERS[erp.connection.vendor](erp.connection, wanted)


def test_each_adjustment_is_one_document_with_a_number_whichever_answer_is_lost(erp: Any):  # noqa: F811
    found, lost = adjustment(1, "found", TEE_NVY_M=5, CAP=3), adjustment(2, "lost", CAP=1)

    first, again = adjust(erp, found), adjust(erp, found)
    writes = erp.writes
    for n in range(1, writes + 1):
        erp.lose_write = n
        with pytest.raises(TryLater):
            adjust(erp, adjustment(10 + n, "found", TEE_NVY_M=1, CAP=10))
        calm(erp)
        adjust(erp, adjustment(10 + n, "found", TEE_NVY_M=1, CAP=10))
    _, number = adjust(erp, lost)

    assert first == again
    assert first[1]
    assert number
    assert number != first[1]
    assert erp.adjusted() == {"TEE-NVY-M": 5 + writes, "CAP": 3 + 10 * writes - 1}


def test_an_article_the_erp_lacks_is_said_and_nothing_is_moved(erp: Any):  # noqa: F811
    with pytest.raises(Rejected) as no:
        adjust(erp, adjustment(1, "found", CAP=1, NEW_ONE=2))

    assert no.value.failure_class == FailureClass.MISSING_REFERENCE
    assert "NEW-ONE" in no.value.reason
    assert erp.adjusted() == {}


@pytest.mark.parametrize("erp", ["businesscentral"], indirect=True)
def test_lines_that_were_posted_meanwhile_are_not_written_again(erp: Any):  # noqa: F811
    adjust(erp, adjustment(1, "found", CAP=3))
    erp.post_journal()

    adjust(erp, adjustment(1, "found", CAP=3))

    assert erp.adjusted() == {"CAP": 3}
    assert erp.journal == {}


@pytest.mark.parametrize("erp", ["netsuite"], indirect=True)
def test_a_credit_memo_that_would_come_to_something_else_is_never_written(erp: Any):  # noqa: F811
    back = Amounts("USD", False, (Amount("1", "CAP", "Cap", -1, D("-5.05"), D("0"), D("-1.01")),))
    wanted = document("SO-1-2", back)

    with pytest.raises(Rejected, match="NetSuite reckons"):
        post(erp, {**wanted, "total": "-7.00"}, Memory())

    assert erp.booked("SO-1-2") == []
