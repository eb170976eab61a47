"""Settlements: kept once, equal to their own figures, matched to the cent; every corruption is a case of its own."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from core import actors, audit
from core import jobs as core_jobs
from core.errors import Refusal
from core.models import Event, User
from core.subjects import Subject
from exceptions.models import Case
from finance import handlers, labels
from finance.models import (
    Charge,
    Match,
    MatchSide,
    OpenLine,
    OrderMoney,
    Posting,
    Settlement,
    SettlementFile,
    SettlementLine,
)
from finance.services import charges, finding, following, jobs, matches, reinstating, settlements
from orders.models import Payment
from tests.finance import settling
from tests.finance.settling import ADYEN_ROWS, SHOPIFY_ROWS, adyen, imported, settled, shopify

pytestmark = pytest.mark.django_db
PERSON = actors.Actor(actors.PERSON, "7", "Fin")
UNPROVEN = "finance.settlement_unproven"


def cases() -> set[str]:
    return set(Case.objects.filter(is_open=True, reason__startswith="finance.").values_list("reason", flat=True))


def broken() -> list[str]:
    return [finding.invariant.name for finding in audit.audit("finance.") if finding.broken]


def test_a_batch_is_imported_once_with_its_own_figures_and_explained_to_the_cent():
    settling.adyen_orders()

    (found,) = settled("adyen", adyen())
    again = imported("adyen", adyen())

    assert again.known
    assert again.settlements == [found.pk]
    assert (found.payout, found.residual) == (Decimal("149.15"), 0)
    assert found.controls == {"debits": "175.00", "credits": "175.00", "payout": "149.15"}
    assert (found.matched, found.fees) == (Decimal("157.00"), Decimal("-7.85"))
    assert Match.objects.filter(status="CONFIRMED", shape="1:1").count() == 4
    assert cases() == set()
    assert broken() == []
    assert Event.objects.filter(type="settlement.balanced", subject_uid=str(found.pk)).count() == 1


def test_an_order_named_alone_is_matched_in_the_currency_it_was_presented_in():
    settling.paid("t1", "100.40", "SAR", name="#3439")
    settling.paid("t2", "57.93", "AED", name="3437")
    settling.paid("t3", "15.70", "AED", name="#3426", kind="refunded")

    (found,) = settled("shopify", shopify())

    assert (found.payout, found.residual, found.fees) == (Decimal("132.19"), 0, Decimal("-8.25"))
    assert Match.objects.filter(key="order", status="CONFIRMED").count() == 3
    assert cases() == {UNPROVEN}  # the export states no total


ROW = SHOPIFY_ROWS[1]
CORRUPTIONS = [
    ("adyen", adyen(*ADYEN_ROWS[:1], *ADYEN_ROWS[2:]), "finance.settlement_line_missing"),
    ("adyen", adyen(ADYEN_ROWS[0], *ADYEN_ROWS), "finance.settlement_line_doubled"),
    ("adyen", adyen(ADYEN_ROWS[0].replace("Settled", "Setled"), *ADYEN_ROWS[1:]), "finance.settlement_label_unknown"),
    ("adyen", adyen(ADYEN_ROWS[0].replace("98.80", "98.81"), *ADYEN_ROWS[1:]), "finance.settlement_cent_shifted"),
    ("adyen", adyen(ADYEN_ROWS[0].replace(",1,EUR,", ",1,USD,"), *ADYEN_ROWS[1:]), "finance.file_currency_mixed"),
    ("adyen", adyen(ADYEN_ROWS[0].replace("98.80", '"98,80"'), *ADYEN_ROWS[1:]), "finance.file_decimal_comma"),
    ("adyen", adyen(ADYEN_ROWS[0].replace("98.80", "98,80"), *ADYEN_ROWS[1:]), "finance.file_decimal_comma"),
    ("adyen", adyen(ADYEN_ROWS[0].replace("98.80", "\u221298.80"), *ADYEN_ROWS[1:]), "finance.file_unicode_minus"),
    ("adyen", adyen(ADYEN_ROWS[0].replace("8816098341845641", "8.81610E+15"), *ADYEN_ROWS[1:]), "finance.settlement_ids_rounded"),
    ("shopify", shopify(*SHOPIFY_ROWS[:1], *SHOPIFY_ROWS), "finance.settlement_line_doubled"),
    ("shopify", shopify(ROW.replace("92.53", "92.54"), SHOPIFY_ROWS[0]), "finance.settlement_cent_shifted"),
    ("shopify", shopify(ROW.replace("SAR,AED", "AED,SAR"), SHOPIFY_ROWS[0]), "finance.file_currency_mixed"),
    ("shopify", shopify(ROW.replace("148156579001", "1.48157E+11"), SHOPIFY_ROWS[0]), "finance.file_ids_rounded"),
    ("shopify", shopify(SHOPIFY_ROWS[0].replace("-15.70", "\u221215.70")), "finance.file_unicode_minus"),
    ("shopify", shopify(ROW.replace("92.53", '"92,53"')), "finance.file_decimal_comma"),
    ("shopify", shopify(ROW.replace("charge", "chrage")), "finance.settlement_label_unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "content", "reason"), CORRUPTIONS)
def test_each_corruption_is_caught_as_its_own_case(provider, content, reason):
    imported(provider, content)

    assert {code for code in cases() if "residual" not in code and code != UNPROVEN} == {reason}


def test_a_file_that_says_otherwise_than_the_payout_imported_before_changes_nothing():
    settling.adyen_orders()
    (found,) = settled("shopify", shopify())
    before = SettlementLine.objects.count()

    done = imported("shopify", shopify(*SHOPIFY_ROWS[:2]))

    assert done.status == "REFUSED"
    assert "finance.file_line_missing" in cases()
    assert SettlementLine.objects.count() == before
    found.refresh_from_db()
    assert found.payout == Decimal("132.19")


def test_a_whole_file_takes_the_place_of_a_broken_one_and_its_case_clears():
    settling.adyen_orders()
    settled("adyen", adyen(*ADYEN_ROWS[:1], *ADYEN_ROWS[2:]))
    assert cases() == {"finance.settlement_line_missing", "finance.settlement_residual"}

    (found,) = settled("adyen", adyen())

    assert found.residual == 0
    assert Settlement.objects.count() == 1
    assert cases() == set()
    assert broken() == []


def test_a_label_that_somebody_explains_is_classified_and_its_case_clears():
    rows = (*ADYEN_ROWS[:4], ADYEN_ROWS[4].replace("Fee,", "PlatformFee,"), ADYEN_ROWS[5])
    settling.adyen_orders()
    (found,) = settled("adyen", adyen(*rows))
    assert (found.residual, SettlementLine.objects.filter(kind="").count()) == (Decimal("-5.90"), 1)

    for pk in labels.say("adyen", "PlatformFee", "fee", actor=PERSON):
        matches.match(pk)

    found.refresh_from_db()
    assert (found.residual, labels.version("adyen")) == (0, 1)
    assert cases() == set()


def test_what_is_off_by_cents_is_suggested_and_confirmed_by_somebody_else_than_its_importer():
    settling.paid("8816098341845641", "100.03", name="W-1")
    done = settlements.import_("adyen", "a.csv", adyen(ADYEN_ROWS[0]), actor=PERSON)
    matches.match(done.settlements[0])
    suggestion = Match.objects.get()
    assert (suggestion.status, suggestion.difference) == ("SUGGESTED", Decimal("-0.03"))
    assert SettlementLine.objects.get().matched == 0

    with pytest.raises(Refusal, match="imported a file"):
        matches.confirm(suggestion.pk, actor=PERSON)
    matches.confirm(suggestion.pk, actor=actors.Actor(actors.PERSON, "8", "Ann"))

    line = SettlementLine.objects.get()
    assert (line.matched, line.written_off) == (Decimal("100.03"), Decimal("-0.03"))
    matches.undo(suggestion.pk, actor=PERSON)
    line.refresh_from_db()
    assert (line.matched, line.written_off, line.taken) == (0, 0, 0)
    assert broken() == []


def test_one_line_is_split_over_two_payments_and_the_rest_written_off_within_the_limit():
    one, two = settling.paid("p1", "60.00"), settling.paid("p2", "39.00")
    done = imported("adyen", adyen(ADYEN_ROWS[0]))
    line = SettlementLine.objects.get()

    ids = [order.payments.get().pk for order in (one, two)]
    matches.pair([line.pk], payments=ids, actor=PERSON)
    with pytest.raises(Refusal, match="Only 1"):
        matches.write_off(line.pk, Decimal(2), why="fee", actor=PERSON)
    matches.write_off(line.pk, Decimal(1), why="A coin", actor=PERSON)

    line.refresh_from_db()
    assert (line.matched, line.written_off) == (99, 1)
    assert Settlement.objects.get(pk=done.settlements[0]).written_off == 1
    with pytest.raises(Refusal, match="settled already"):
        matches.pair([_another_line()], payments=ids[:1], actor=PERSON)
    assert broken() == []


def _another_line() -> int:
    imported("adyen", adyen(ADYEN_ROWS[1].replace("21.95", "100.00").replace("21.70", "99.75").replace(",7", ",8")))
    return SettlementLine.objects.latest("pk").pk


def test_the_database_holds_what_the_code_promises():
    order = settling.paid("8816098341845641", "100.00", name="W-1")
    settled("adyen", adyen(ADYEN_ROWS[0]))
    line, payment = SettlementLine.objects.get(), Payment.objects.get(order=order)
    side = MatchSide.objects.get()

    for change in (
        lambda: SettlementLine.objects.update(net=1),
        lambda: SettlementLine.objects.update(label="other"),
        lambda: MatchSide.objects.create(match=side.match, line=line, payment=payment, amount=1, booked=1),
        lambda: SettlementFile.objects.update(content=b"other"),
        lambda: Settlement.objects.create(
            file=SettlementFile.objects.get(), provider="adyen", account="Co/Shop", ref="7", currency="EUR", payout=1
        ),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    assert broken() == []


def test_a_payment_of_its_days_that_the_payout_lacks_is_a_case_until_it_comes():
    settling.adyen_orders()
    missing = settling.paid("8816098341845649", "30.00", name="W-8")

    (found,) = settled("adyen", adyen())
    assert cases() == {"finance.payment_not_settled"}

    row = ADYEN_ROWS[1].replace("8816098341845642,W-2", "8816098341845649,W-8").replace("5952", "5959")
    settled("adyen", adyen(row.replace("21.95", "30.00").replace("21.70", "29.75").replace(",,,,7", ",,,,8")))
    matches.match(found.pk)

    assert missing.payments.get().amount == 30
    assert "finance.payment_not_settled" not in cases()


def test_a_large_payout_is_matched_slice_by_slice_and_stopped_between_them(monkeypatch):
    settling.adyen_orders()
    (pk,) = imported("adyen", adyen()).settlements
    monkeypatch.setattr(jobs, "SLICE_SECONDS", 0)
    monkeypatch.setattr(finding, "STEP", 2)
    job = jobs.start(pk, actor=actors.SYSTEM)
    seen = []

    while not seen or seen[-1][0] == "QUEUED":
        jobs.run(job.pk)
        job.refresh_from_db()
        seen.append((job.status, job.done))

    assert [status for status, _ in seen] == ["QUEUED"] * (len(seen) - 1) + ["DONE"]
    assert [done for _, done in seen][:3] == [2, 4, 5]
    assert job.done == job.total == 5
    assert job.result["confirmed"] == 4
    assert Settlement.objects.get(pk=pk).residual == 0

    other = jobs.start(pk, actor=actors.SYSTEM)
    jobs.run(other.pk)
    core_jobs.stop(other.pk)
    jobs.run(other.pk)
    other.refresh_from_db()

    assert (other.status, other.done) == ("STOPPED", 2)
    assert broken() == []


def test_fees_and_the_payouts_posting_end_right_however_often_and_in_whatever_order_one_hears_of_them():
    orders = settling.adyen_orders()
    (found,) = settled("adyen", adyen())
    matched = [fact_of(row) for row in Event.objects.filter(type="settlement.matched").order_by("pk")]
    undone = Match.objects.get(sides__payment__order=orders[1])
    matches.undo(undone.pk, actor=PERSON)
    matched.append(fact_of(Event.objects.filter(type="settlement.matched").latest("pk")))

    for fact in (matched[1], matched[0], matched[1]):  # the later one first, and once more
        handlers.book_payout(fact)
        handlers.keep_fees(fact)
        charges.keep(orders[0].pk)

    found.refresh_from_db()
    assert [-sum(fees_of(order)) for order in orders] == [Decimal("1.20"), 0, Decimal("0.50")]
    assert posted_parts(found) == (found.payout, -found.fees, -found.other, -found.written_off)

    matches.match(found.pk)
    handlers.keep_fees(matched[0])
    handlers.book_payout(matched[0])

    assert -sum(fees_of(orders[1])) == Decimal("0.25")
    assert [row.key.partition("#")[2] for row in Charge.objects.filter(order=orders[1], side="provider")] == ["0"]
    found.refresh_from_db()
    assert posted_parts(found) == (found.payout, -found.fees, 0, 0)
    assert broken() == []


def fact_of(row: Event):
    subject = Subject(row.subject_kind, row.subject_uid, row.subject_label)
    return SimpleNamespace(subject=subject, data=row.data, occurred_at=row.occurred_at, actor=actors.SYSTEM)


def fees_of(order) -> list[Decimal]:
    return list(Charge.objects.filter(order=order, side="provider", currency="EUR").values_list("amount", flat=True))


def posted_parts(found: Settlement) -> tuple[Decimal, ...]:
    made = [row.document["parts"] for row in Posting.objects.filter(cause_kind="settlement", cause_uid=str(found.pk))]
    return tuple(
        sum((Decimal(each[name]) for each in made), Decimal(0)) for name in ("payout", "fees", "other", "written_off")
    )


def test_a_payment_in_a_currency_nobody_knows_the_order_by_is_a_case_and_is_shown(client):
    order = settling.paid("p-1", "10.00", "GBP")
    Payment.objects.create(
        order=order, provider_ref="p-2", kind="captured", amount=7, currency="CHF", at=order.placed_at, gateway="card"
    )

    charges.keep(order.pk)

    assert OrderMoney.objects.get(order=order).captured == 10
    case = Case.objects.get(reason="finance.payment_in_third_currency", subject_uid=str(order.pk))
    assert "CHF" in case.summary
    client.force_login(User.objects.create_superuser("root@example.com", "x"))
    shown = client.get(reverse("finance:order_money", args=[order.number])).content.decode()
    assert "Not counted" in shown
    assert "CHF" in shown


def test_no_side_of_a_match_names_what_is_not_there_or_belongs_to_another():
    first, second = settling.adyen_orders()[:2]
    settled("adyen", adyen(ADYEN_ROWS[0]))
    side = MatchSide.objects.get()
    other = second.payments.get()

    for change in (
        lambda: MatchSide.objects.create(match_id=0, line=side.line, amount=1, live=False),
        lambda: MatchSide.objects.create(match=side.match, line_id=0, amount=1, live=False),
        lambda: MatchSide.objects.create(
            match=side.match, line=side.line, payment=other, order=first, live=False, amount=1
        ),
        lambda: MatchSide.objects.create(match=side.match, line=side.line, order_id=0, live=False, amount=1),
        lambda: SettlementLine.objects.filter(pk=side.line_id)._raw_delete("default"),
        lambda: Match.objects.filter(pk=side.match_id)._raw_delete("default"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    assert list(OpenLine.objects.all()) == []
    matches.undo(side.match_id, actor=PERSON)
    assert OpenLine.objects.get().line_id == side.line_id


@pytest.mark.parametrize("told", [False, True])
def test_what_a_bank_gave_back_is_the_orders_again_when_a_payout_is_the_first_to_say_so(told):
    order = settling.paid("ch_1", "10.00", "GBP", name="W-1")
    settling.paid("dp_1", "10.00", "GBP", kind="chargeback", order=order, parent_ref="ch_1")
    if told:
        settling.paid("dp_1", "10.00", "GBP", kind="reinstated", order=order, parent_ref="ch_1")
    following.follow(order.pk)
    header = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,charge_id,automatic_payout_id"
    rows = (
        "txn_1,2026-01-05 10:00:00,gbp,10.00,0,10.00,dispute_reversal,dp_1,ch_1,po_1",
        "txn_2,2026-01-06 10:00:00,gbp,-10.00,0,-10.00,payout,po_1,,po_1",
    )
    (found,) = settled("stripe", settling.csv(header, rows))

    for _ in range(2):
        if reinstating.keep(found.pk):
            matches.match(found.pk)

    found.refresh_from_db()
    back = order.payments.get(kind="reinstated")
    assert (back.provider_ref, back.amount, back.parent_ref) == ("dp_1", 10, "ch_1")
    assert (found.residual, OrderMoney.objects.get(order=order).disputed) == (0, 0)
    assert broken() == []


def test_what_was_never_taken_is_not_given_back():
    order = settling.paid("ch_1", "10.00", "GBP", name="W-1")
    header = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,charge_id,automatic_payout_id"
    rows = ("txn_1,2026-01-05 10:00:00,gbp,10.00,0,10.00,dispute_reversal,dp_1,ch_1,po_1",)
    (found,) = settled("stripe", settling.csv(header, rows))

    assert reinstating.keep(found.pk) == 0
    assert not order.payments.filter(kind="reinstated").exists()
