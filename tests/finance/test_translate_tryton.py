"""A sales document in Tryton's terms, reckoned the way Tryton does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance import documents
from finance.documents import Amount, Amounts, Heading
from integrations.erp import lines
from integrations.erp.lines import Tax
from integrations.erp.port import Rejected
from integrations.erp.tryton import translate
from integrations.erp.tryton.client import read_values, write_value
from integrations.erp.tryton.translate import Customer, Product, References
from integrations.failures import FailureClass

D = Decimal
CENT = D("0.01")
CODES = ("SKU-1", "SKU-2", "SHIPPING", "TAX-COLLECTED", "ROUNDING", "OTHER")
REFERENCES = References(
    origin="ab12cd34",
    company=1,
    currency=2,
    warehouse=3,
    customer=Customer(4, 5, 6),
    products={code: Product(n, 1) for n, code in enumerate(CODES, start=10)},
    taxes=(Tax(1, "VAT 20%", D("0.20")), Tax(2, "VAT 5%", D("0.05"))),
)
HEADING = Heading(
    reference="SO-1",
    key="sale:SO-1",
    order="SO-1",
    channel="web",
    channel_ref="#1001",
    placed_at="2026-03-01T10:00:00+00:00",
    shipped_at="2026-03-02T10:00:00+00:00",
    booked_on="2026-03-02",
)


def amount(sku="SKU-1", quantity=1, gross="10", discount="0", tax="0"):
    return Amount(sku or "x", sku, f"Thing {sku}", quantity, D(gross), D(discount), D(tax))


def document(*lines, currency="USD", tax_included=False, **parts):
    made = Amounts(currency, tax_included, lines, **{name: D(value) for name, value in parts.items()})
    return documents.document(HEADING, made)


def sale(doc, references=REFERENCES, **settings):
    return translate.sale(doc, references, settings)


def lines_of(values):
    ((_, lines),) = values["lines"]
    return [
        (line["product"], line["quantity"], line["unit_price"], [key for _, keys in line["taxes"] for key in keys])
        for line in lines
    ]


def reckoned(values):
    """The total as Tryton comes to it: each line rounded, each tax on the sum of its bases."""
    untaxed, bases = D(0), {}
    for _, quantity, price, taxes in lines_of(values):
        untaxed += (price * quantity).quantize(CENT, ROUND_HALF_EVEN)
        for tax in taxes:
            bases[tax] = bases.get(tax, D(0)) + price * quantity
    rates = {tax.id: tax.rate for tax in REFERENCES.taxes}
    return untaxed + sum(((base * rates[tax]).quantize(CENT, ROUND_HALF_EVEN) for tax, base in bases.items()), D(0))


def test_a_sale_names_everything_tryton_would_otherwise_guess():
    values = sale(document(amount(quantity=2, gross="20", tax="4"), shipping="5"))

    assert values["reference"] == "SO-1"
    assert values["sale_date"] == date(2026, 3, 2)
    assert values["description"].startswith("Backroom ab12cd34 sale:SO-1 ")
    assert (values["party"], values["invoice_address"], values["shipment_address"]) == (4, 5, 6)
    assert lines_of(values) == [(10, 2, D(10), [1]), (12, 1, D(5), [])]
    assert "invoice_method" not in values


def test_a_connection_may_change_the_methods_and_the_service_products():
    references = replace(REFERENCES, products={**REFERENCES.products, "FREIGHT": Product(99, 1)})

    values = sale(
        document(amount(), shipping="5"),
        references,
        products={"shipping": "FREIGHT"},
        shipment_method="manual",
    )

    assert values["shipment_method"] == "manual"
    assert lines_of(values)[1][0] == 99


@pytest.mark.parametrize(
    "tax, expected",
    [("0", []), ("4", [1]), ("4.01", [1]), ("1", [2]), ("1.02", [2])],
    ids=["none", "20 %", "20 % and a cent of rounding", "5 %", "5 % with each unit rounded"],
)
def test_the_tax_is_the_one_that_comes_to_the_amount(tax, expected):
    assert lines_of(sale(document(amount(quantity=3, gross="20", tax=tax))))[0][3] == expected


def test_a_tax_tryton_has_not_is_a_line_of_its_own():
    values = sale(document(amount(gross="100", tax="8.88")))

    assert lines_of(values) == [(10, 1, D(100), []), (13, 1, D("8.88"), [])]


def test_tax_inside_the_price_is_taken_out_of_it():
    values = sale(document(amount(gross="120", tax="20"), tax_included=True))

    assert lines_of(values) == [(10, 1, D(100), [1])]
    assert reckoned(values) == 120


@pytest.mark.parametrize(
    "doc, failure, words, skus",
    [
        (document(amount("NEW")), FailureClass.MISSING_REFERENCE, "code NEW", ["NEW"]),
        (document(amount("")), FailureClass.MISSING_REFERENCE, "no SKU", ["Thing "]),
    ],
    ids=["unknown", "no SKU"],
)
def test_what_tryton_lacks_is_named(doc, failure, words, skus):
    with pytest.raises(Rejected) as rejected:
        sale(doc)

    assert rejected.value.failure_class == failure
    assert words in rejected.value.reason
    assert rejected.value.answer["skus"] == skus


def test_a_product_that_is_not_sold_is_named():
    references = replace(REFERENCES, products={**REFERENCES.products, "SKU-1": Product(10, 1, salable=False)})

    with pytest.raises(Rejected, match="doesn't sell SKU-1"):
        sale(document(amount()), references)


def test_lines_without_a_sku_may_have_a_product_for_them():
    values = sale(document(amount("")), products={"custom": "OTHER"})

    assert lines_of(values)[0][0] == 15


def test_every_code_a_document_may_need_is_asked_for_at_once():
    assert lines.codes(document(amount(), amount("SKU-2")), {}) == set(CODES)


def test_a_changed_figure_changes_the_fingerprint_and_a_later_hour_does_not():
    doc = document(amount())

    assert lines.fingerprint(doc) != lines.fingerprint(document(amount(gross="11")))
    assert lines.fingerprint(doc) == lines.fingerprint({**doc, "shipped_at": "2026-03-02T11:00:00+00:00"})


def test_decimals_and_dates_survive_trytons_json():
    value = {"total": D("1.10"), "on": date(2026, 1, 2), "lines": [{"price": D(3)}]}

    there = {
        "total": write_value(value["total"]),
        "on": write_value(value["on"]),
        "lines": [{"price": write_value(D(3))}],
    }

    assert read_values(there) == value


_cents = st.decimals(min_value=0, max_value=5000, places=2)


@given(st.integers(1, 2000), _cents, _cents)
def test_whatever_the_quantity_a_line_comes_to_its_amount(quantity, gross, discount):
    values = sale(document(amount(quantity=quantity, gross=str(gross + discount), discount=str(discount))))

    assert reckoned(values) == gross
    assert sum(line[1] for line in lines_of(values)) == quantity
    assert all(-price.as_tuple().exponent <= 4 for _, _, price, _ in lines_of(values))


@given(st.lists(st.tuples(st.integers(1, 5), _cents, st.sampled_from(["0.20", "0.05", "0", "0.0888"])), min_size=1, max_size=6), _cents, st.booleans())  # fmt: skip
def test_a_document_comes_to_its_total_give_or_take_rounding(lines, shipping, included):
    made = []
    for quantity, net, rate in lines:
        tax = (net * D(rate)).quantize(D("0.01"))
        made.append(amount(quantity=quantity, gross=str(net + (tax if included else 0)), tax=str(tax)))
    doc = document(*made, shipping=str(shipping), tax_included=included)

    off = abs(reckoned(sale(doc)) - D(doc["total"]))

    assert off <= D("0.01") * len(lines)
