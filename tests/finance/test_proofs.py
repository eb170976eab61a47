"""What only a file's own rows say isn't proven: a total, the bank, or the balance before and after has to say it too."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from core import actors, audit
from core.errors import Invalid, Refusal
from exceptions.models import Case
from exceptions.services import cases as all_cases
from finance import bridge
from finance.models import Settlement
from finance.services import banking, settlements
from tests.finance.settling import SHOPIFY_ROWS, imported, settled, shopify

pytestmark = pytest.mark.django_db
PERSON = actors.Actor(actors.PERSON, "7", "Fin")
TWO = (*SHOPIFY_ROWS, *(row.replace("148156579001", "148156579002").replace("#34", "#35") for row in SHOPIFY_ROWS))
PAYPAL = '"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","Transaction ID","Balance"'
MOVED = tuple(
    f'"2026-01-{day}","10:00:00","UTC","Doe","{kind}","Completed","EUR","{net}","0.00","{net}","T{day}","{balance}"'
    for day, kind, net, balance in (
        (13, "Express Checkout Payment", "100.00", "150.00"), (14, "Express Checkout Payment", "40.00", "190.00"),
        (15, "General Withdrawal", "-90.00", "100.00"), (16, "Express Checkout Payment", "25.00", "125.00"),
        (17, "Payment Refund", "-5.00", "120.00"), (18, "General Withdrawal", "-20.00", "100.00"),
    )
)  # fmt: skip


def open_of(found: Settlement) -> dict[str, str]:
    rows = Case.objects.filter(is_open=True, subject_kind="settlement", subject_uid=str(found.pk))
    rows = rows.exclude(reason="finance.settlement_residual")  # no order of theirs is here
    return dict(rows.values_list("reason", "summary"))


def bank(amount: str, text: str = "SHOPIFY 148156579001") -> bytes:
    return f"day;amount;text\n2026-09-02;{amount};{text}\n".encode()


MAPPED = {"columns": {"date": "day", "amount": "amount", "text": "text"}, "currency": "AED", "dates": "Y-M-D"}


def paypal(*rows: str) -> Settlement:
    taken = imported("paypal", "\n".join([PAYPAL, *rows, ""]).encode())
    return Settlement.objects.get(pk=taken.settlements[0])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_payout_without_a_total_is_not_called_proven_until_the_bank_says_the_same(place, client, admin_user):
    whole, short = settled("shopify", shopify(*TWO[:3], *(row for n, row in enumerate(TWO[3:]) if n != place)))
    client.force_login(admin_user)

    assert set(open_of(whole)) == set(open_of(short)) == {"finance.settlement_unproven"}
    assert not whole.proven
    assert next(step.label for step in bridge.of(whole) if step.total) == "Payout, as nothing but its rows says"
    assert b"as nothing but its rows says" in client.get(reverse("finance:settlement", args=[short.pk])).content
    assert client.get(reverse("finance:settlements"), {"unproven": "true"}).content.count(b'<tr id="settlement-') == 2

    banking.import_("a.csv", bank("132.19"), terms=MAPPED)
    banking.import_("b.csv", bank("132.19", "SHOPIFY"), terms=MAPPED)

    whole.refresh_from_db()
    short.refresh_from_db()
    assert whole.proven
    assert not short.proven  # the bank's 132.19 isn't what its rows come to
    assert (set(open_of(whole)), set(open_of(short))) == (set(), {"finance.settlement_unproven"})
    case = Case.objects.get(subject_uid=str(short.pk), reason="finance.settlement_unproven")
    assert b"132.19" in client.get(reverse("exceptions:detail", args=[case.pk])).content


def test_a_total_that_somebody_states_proves_the_payout_or_says_what_it_lacks():
    whole, short = settled("shopify", shopify(*TWO[:3], *TWO[4:]))

    settlements.state_total(whole.pk, "132.19", actor=PERSON)
    settlements.state_total(short.pk, "132.19", actor=PERSON)

    for each in (whole, short):
        each.refresh_from_db()
        assert (each.stated, each.payout) == (True, Decimal("132.19"))
    assert set(open_of(whole)) == set()
    assert "lines of -15.70 are missing" in open_of(short)["finance.settlement_line_missing"]
    with pytest.raises(Refusal, match="stated already"):
        settlements.state_total(short.pk, "132.19", actor=PERSON)

    (short,) = (each for each in settled("shopify", shopify(*TWO)) if each.ref == short.ref)  # the whole file

    assert (short.stated, short.payout, open_of(short)) == (True, Decimal("132.19"), {})
    assert [finding.invariant.name for finding in audit.audit("finance.payouts") if finding.broken] == []


@pytest.mark.parametrize(
    ("typed", "code"), [("", "missing"), ("1,5", "amount"), ("1e3", "amount"), ("1.005", "decimals")]
)
def test_what_is_no_total_is_not_taken(typed, code):
    found, _ = settled("shopify", shopify(*TWO))

    with pytest.raises(Invalid) as no:
        settlements.state_total(found.pk, typed, actor=PERSON)

    assert no.value.problems[0].rule == code
    assert not Settlement.objects.get(pk=found.pk).stated


def test_what_a_provider_says_of_its_payouts_is_held_against_their_lines():
    _, short = settled("shopify", shopify(*TWO[:3], *TWO[4:]))

    imported("shopify", b'{"payouts": [{"id": 148156579002, "status": "paid", "currency": "AED", "amount": "132.19"}]}')

    assert set(open_of(short)) == {"finance.settlement_line_missing"}


def test_a_payout_told_before_its_lines_is_still_what_it_was_told_to_be():
    imported("shopify", b'{"payouts": [{"id": 148156579002, "status": "paid", "currency": "AED", "amount": "132.19"}]}')

    settled("shopify", shopify(*TWO[:3], *TWO[4:]))

    short = Settlement.objects.get(ref="148156579002")
    assert short.payout == Decimal("132.19")
    assert set(open_of(short)) == {"finance.settlement_line_missing"}


@pytest.mark.parametrize(
    ("first", "second", "between"),
    [(MOVED[:3], MOVED[4:], "€25.00"), (MOVED[:2], MOVED[3:], "−€90.00"), (MOVED[:3], MOVED[3:], "")],
)  # fmt: skip
@pytest.mark.parametrize("turned", [False, True])
def test_the_outermost_rows_of_a_balance_are_held_against_the_files_before_and_after(first, second, between, turned):
    files = [first, second]
    later, earlier = (paypal(*rows) for rows in (files[::-1] if not turned else files))
    last = later if not turned else earlier

    said = open_of(last)

    assert set(said) == ({"finance.balance_breaks"} if between else set())
    assert between in said.get("finance.balance_breaks", between)
    assert all(each.proven for each in (later, earlier))


def test_a_file_that_lies_between_closes_the_gap():
    paypal(*MOVED[:2])
    last = paypal(*MOVED[4:])
    assert set(open_of(last)) == {"finance.balance_breaks"}

    paypal(*MOVED[2:4])

    assert open_of(last) == {}


def test_an_account_whose_rows_state_no_balance_is_proven_by_none_of_them():
    bare = PAYPAL.replace(',"Balance"', "")
    rows = [row.rpartition(",")[0] for row in MOVED]
    taken = imported("paypal", "\n".join([bare, *rows, ""]).encode())

    found = Settlement.objects.get(pk=taken.settlements[0])

    assert set(open_of(found)) == {"finance.settlement_unproven"}
    assert all_cases.recheck(found.subject) == []


BANK = {
    "columns": {"date": "day", "amount": "amount", "balance": "balance"},
    "currency": "EUR",
    "dates": "Y-M-D",
    "account": "NL1",
}
SAID = ("2026-01-05;10.00;110.00", "2026-01-06;-4.00;106.00", "2026-01-08;9.00;115.00", "2026-01-09;1.00;116.00")


def statement(*rows: str) -> set[str]:
    kept = banking.import_("s.csv", "\n".join(["day;amount;balance", *rows, ""]).encode(), terms=BANK)
    told = Case.objects.filter(is_open=True, subject_kind="bank_statement", subject_uid=str(kept[0].pk))
    return set(told.values_list("reason", flat=True))


@pytest.mark.parametrize(
    ("first", "second", "broken"),
    [(SAID[:2], SAID[2:], False), (SAID[:1], SAID[2:], True), (SAID[:2], SAID[3:], True)],
)  # fmt: skip
@pytest.mark.parametrize("newest_first", [False, True])
def test_the_outermost_entries_of_a_bank_statement_are_held_against_the_ones_before_and_after(
    first, second, broken, newest_first
):
    step = -1 if newest_first else 1

    statement(*first[::step])
    said = statement(*second[::step])

    assert said == ({"finance.statement_breaks"} if broken else set())
    if broken:
        statement(*SAID[1:3][::step])  # what lies between; its days overlap with none of them wholly
        assert not Case.objects.filter(is_open=True, reason="finance.statement_disagrees").exists()
