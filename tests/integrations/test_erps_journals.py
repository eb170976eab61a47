"""Journal entries in every ERP against its local server: one each, whatever is repeated, and its reversal another."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.errors import TryLater
from integrations.erp import registry
from integrations.erp.port import Rejected
from integrations.failures import FailureClass
from tests.integrations.test_erps import ERPS, Memory, calm, serving

pytestmark = pytest.mark.django_db
D = Decimal
TAKERS = [name for name in ERPS if name != "sap"]
SIDES = {"1800": D("95.50"), "6000": D("4.50"), "1200": D("-100.00")}


@pytest.fixture(params=TAKERS)
def erp(request):
    with serving(request.param) as running:
        yield running


def journal(reference="P1", sides=SIDES, **more):
    roles = {"1800": "bank", "6000": "provider_fees", "1200": "receivable"}
    entries = [
        {
            "role": roles.get(account, "adjustments"),
            "account": account,
            "debit": str(max(amount, D(0))),
            "credit": str(max(-amount, D(0))),
            "note": "",
        }
        for account, amount in sides.items()
    ]
    return {
        "format": "journal.1", "reference": reference, "key": f"journal:{reference}", "order": "", "channel": "web",
        "channel_ref": "", "currency": "USD", "total": "95.50", "why": "Payout 7", "lines": [],
        "booked_on": "2026-03-02", "entries": entries, **more,
    }  # fmt: skip


def post(erp, wanted, memory=None):
    return registry.port(erp.connection).post_journal(wanted, memory or Memory())


def test_a_journal_is_posted_once_with_every_side_and_taken_back_by_another(erp):
    wanted, memory = journal(), Memory()
    first, again = post(erp, wanted, memory), post(erp, wanted)
    standing = registry.port(erp.connection).standing(wanted)
    theirs = {"number": first.number, "id": first.erp_id, "reference": "P1", "through": str(erp.connection.pk)}
    back = journal("P1-X1", {account: -amount for account, amount in SIDES.items()}, total="-95.50", reverses=theirs)

    reversal = post(erp, back)

    (posted,), (taken,) = erp.journals("P1"), erp.journals("P1-X1")
    assert first == again
    assert (first.number, first.total) == (posted["number"], D("95.50"))
    assert posted["sides"] == SIDES
    assert memory.erp_id == first.erp_id
    assert [(each.number, each.total, each.ours, each.confirmed) for each in standing] == [
        (first.number, D("95.50"), True, True)
    ]
    assert (reversal.number, reversal.total) == (taken["number"], D("-95.50"))
    assert taken["sides"] == {account: -amount for account, amount in SIDES.items()}


def test_whichever_answer_is_lost_a_journal_is_there_once(erp):
    post(erp, journal("FIRST"))
    writes = erp.writes

    for n in range(1, writes + 1):
        erp.lose_write = n
        with pytest.raises(TryLater):
            post(erp, journal(f"P{n}"))
        calm(erp)
        posted = post(erp, journal(f"P{n}"))

        (found,) = erp.journals(f"P{n}")
        assert (found["number"], found["sides"]) == (posted.number, SIDES)


def test_a_journal_that_was_left_half_way_is_made_anew_when_its_accounts_changed(erp):
    post(erp, journal("FIRST"))
    erp.lose_write = max(1, erp.writes - 1)  # all of it is there, and not posted
    with pytest.raises(TryLater):
        post(erp, journal("P2"))
    calm(erp)
    changed = {"1800": D("95.50"), "4000": D("4.50"), "1200": D("-100.00")}
    already = erp.journals("P2")

    post(erp, journal("P2", changed))

    (found,) = erp.journals("P2")
    assert found["sides"] == (already[0]["sides"] if already else changed)


def test_what_a_journal_lacks_is_said_and_nothing_is_booked(erp):
    nameless = journal("P3")
    nameless["entries"][1]["account"] = ""
    foreign = journal("P4", currency="JPY")
    unknown = journal("P5", {"1800": D("1"), "9999": D("-1")})
    lopsided = journal("P6", {"1800": D("2"), "6000": D("-1")})

    said = {}
    for wanted in (nameless, foreign, unknown, lopsided):
        with pytest.raises(Rejected) as no:
            post(erp, wanted)
        said[wanted["reference"]] = (no.value.failure_class, no.value.reason)

    assert said["P3"] == (FailureClass.MISSING_REFERENCE, "The chart names no account for “provider fees”.")
    assert "JPY" in said["P4"][1]
    assert said["P5"][0] == FailureClass.MISSING_REFERENCE
    assert "9999" in said["P5"][1]
    assert said["P6"][0] == FailureClass.BAD_VALUE
    assert "balance" in said["P6"][1] or "Total Debit" in said["P6"][1]
    assert not any(erp.journals(reference) for reference in said)


def test_a_closed_period_is_a_conflict_and_goes_through_once_it_is_open(erp):
    erp.closed_until = "2026-03-31"

    with pytest.raises(Rejected) as no:
        post(erp, journal())

    assert no.value.failure_class == FailureClass.CONFLICT
    assert erp.journals("P1") == []
    erp.closed_until = ""
    post(erp, journal())
    assert len(erp.journals("P1")) == 1


def test_sap_says_why_it_takes_none():
    with serving("sap") as erp, pytest.raises(Rejected) as no:
        post(erp, journal())

    assert "SOAP" in no.value.reason


def test_netsuite_may_hold_one_until_somebody_approves_it_there():
    with serving("netsuite") as erp:
        erp.holds_journals = True
        with pytest.raises(TryLater, match="somebody approves it"):
            post(erp, journal())

        erp.holds_journals = False

        assert post(erp, journal()).number == erp.journals("P1")[0]["number"]
