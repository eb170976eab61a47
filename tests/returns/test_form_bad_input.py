"""The forms of returns against what no browser sends: said on the form, or refused, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from core.models import Event, User
from returns.models import ReturnRequest
from returns.rules import STANDARD
from returns.services import disposition_rules, inspection, policies, receiving
from returns.services.inspection import Seen
from returns.services.receiving import Found
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.returns.bench import ANNA, approved, bench_of, sold
from tests.shared_rows import shared

pytestmark = pytest.mark.django_db
HX = {"HX-Request": "true"}
BAD = ["", "a\0b", "-1", "9" * 30, "١٢", "0.000001", "x" * 5000]
# Address and fields of each form; what is in braces is of the fixture `here`. A field that begins with ! may be anything.
FORMS: dict[str, tuple[str, dict[str, str]]] = {
    "counter check": ("/s/leeds/returns/check", {
        "order_number": "{order}", "order": "1", "n-{line}": "1", "why-{line}": "UNWANTED", "state-{line}": "NEW",
        "!words-{line}": "", "!serials-{line}": "", "to": "ORIGINAL", "how": "RECEIPT", "mode": "", "!gift": "",
        "!receipt": "", "!name": "", "!email": "", "!uid": "",
    }),
    "counter blind": ("/s/leeds/returns/check", {
        "mode": "blind", "n-MUG": "1", "why-MUG": "UNWANTED", "to": "STORE_CREDIT",
    }),
    "desk preview": ("/returns/new/{order}/preview", {
        "order": "1", "n-{line}": "1", "why-{line}": "UNWANTED", "state-{line}": "NEW", "to": "ORIGINAL",
    }),
    "approve": ("/returns/{rma}/do/approve", {
        "v": "1", "fee": "1.50", "location": "1", "plan": "ON_RECEIPT", "to": "ORIGINAL", "!override": "-",
    }),
    "label": ("/returns/{rma}/do/label", {"service": "post"}),
    "enter": ("/s/leeds/returns/{rma}/enter", {"line": "{rline}", "code": "MUG", "units": "1", "key": "k"}),
    "unexpected": ("/s/leeds/returns/{rma}/unexpected", {"code": "MUG", "item": "1", "key": "k"}),
    "instead": ("/s/leeds/returns/{rma}/instead", {"code": "MUG", "line": "{rline}", "key": "k"}),
    "serial": ("/s/leeds/returns/{rma}/serial", {"code": "MUG", "line": "{rline}", "key": "k"}),
    "scan": ("/s/leeds/returns/{rma}/scan", {"code": "MUG", "scanned_at": "", "key": "k"}),
    "photo": ("/s/leeds/returns/{rma}/photo", {"line": "{rline}"}),
    "inspect": ("/s/leeds/returns/{rma}/inspect", {
        "bench": "{bench}", "grade": "A", "verdict": "ACCEPTED", "units": "1", "disposition": "RESTOCK", "!serial": "",
        "!note": "-", "key": "k",
    }),
    "dispose": ("/s/leeds/returns/{rma}/dispose", {
        "inspection": "{seen}", "disposition": "RESTOCK", "units": "1", "after": "1", "key": "k",
    }),
    "rejected": ("/returns/{rma}/bench/rejected", {
        "inspection": "{seen}", "way": "KEEP", "words": "-", "units": "1", "key": "k",
    }),
    "decide": ("/returns/{rma}/bench/decide", {"inspection": "{seen}", "verdict": "ACCEPTED", "!note": "-", "v": "1"}),
    "exchange": ("/returns/{rma}/bench/preview", {"sku-0": "MUG", "units-0": "1", "price-0": "1.00"}),
    "exchange, done": ("/returns/{rma}/bench/exchange", {
        "sku-0": "MUG", "units-0": "1", "price-0": "1.00", "key": "k", "v": "1",
    }),
    "refund": ("/finance/refunds/of/{order}", {
        "units-{line}": "1", "amount-{line}": "1.00", "shipping": "1.00", "fee": "1.00", "to": "ORIGINAL", "!why": "-",
        "key": "k",
    }),
    "rules": ("/ops/dispositions/{rules}/save", {
        "category": "Bags", "grade": "A", "disposition": "RESTOCK", "at_least": "1", "below": "9", "!note": "", "v": "1",
    }),
    "policy": ("/ops/returns/shop/{policy}", {
        "windows-0-days": "30", "windows-0-when": "", "defaults-days": "30", "v": "1",
    }),
    "policy, tried": ("/ops/returns/shop/{policy}/preview", {"windows-0-days": "30", "windows-0-when": ""}),
    "policy, new": ("/ops/returns/new", {"code": "spring", "name": "Spring", "channel": "nowhere"}),
}  # fmt: skip
CHANGES_NOTHING = {"counter check", "counter blind", "desk preview", "exchange", "policy, tried"}


@pytest.fixture(scope="module")
def goods_and_rules(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    yield from shared(django_db_blocker, make_goods_and_rules)


def make_goods_and_rules() -> dict[str, Any]:
    item, leeds = ItemFactory(sku="MUG"), LocationFactory(code="leeds", kind="STORE", returns=True)
    order = sold((item, 3), placed_at=timezone.now())
    rma = approved(order, (item, 3), at=leeds)
    receiving.receive(rma.pk, Found("MUG", 2), location_id=leeds.pk, key="in", actor=ANNA)
    seen = inspection.inspect(bench_of(rma).pk, Seen("B", "REVIEW"), key="look", actor=ANNA)
    rules = disposition_rules.draft(actor=ANNA)
    policy = policies.create("shop", "Shop", channel=None, document=STANDARD, actor=ANNA)
    return {
        "rma": rma.number, "order": order.number, "line": order.lines.get().pk, "rline": rma.lines.get().pk,
        "bench": bench_of(rma).pk, "seen": seen.pk, "rules": rules.number, "policy": policy.number,
    }  # fmt: skip


@pytest.fixture
def here(goods_and_rules: dict[str, Any], client) -> dict[str, Any]:
    client.force_login(User.objects.create_superuser("boss@harrow.example", "correct horse battery"))
    return goods_and_rules


@pytest.mark.parametrize("form", list(FORMS))
def test_no_form_fails_whatever_is_typed_into_it(client, here, form, request):
    address, fields = FORMS[form]
    good = {name.format(**here).removeprefix("!"): value.format(**here) for name, value in fields.items()}

    for n, name in enumerate(good):
        # Every field gets some of them, with --long all.
        for bad in BAD if request.config.getoption("--long") else BAD[n % 3 :: 3]:
            before = Event.objects.count()
            answer = client.post(address.format(**here), good | {name: bad}, headers=HX)

            about = (form, name, bad[:30], answer.status_code)
            assert answer.status_code < 500, about
            if answer.status_code >= 400:
                assert answer.content.strip(), about
            if answer.status_code >= 400 or form in CHANGES_NOTHING:
                assert Event.objects.count() == before, about
    for junk in ({}, {"v": "\0"}, {"n-\0": "1"}, {"key": "x" * 10_000}):
        assert client.post(address.format(**here), junk, headers=HX).status_code < 500, junk


@pytest.mark.parametrize(
    "address",
    [
        "/returns/?q=%00", "/returns/?status=%00", "/returns/%00", "/returns/orders/%00", "/returns/new/%00",
        "/s/leeds/returns/new?q=%00", "/s/leeds/returns/new?scan=%00&mode=blind", "/s/leeds/returns/new?b=%00:1",
        "/s/leeds/returns/new?b=MUG:99999&mode=blind", "/s/%00/returns/new", "/s/leeds/returns/%00", "/w/leeds/returns/?q=%00",
        "/returns/signals/?kind=%00", "/returns/signals/99999999999999999999", "/returns/photos/99999999999999999999",
        "/ops/dispositions/99999999999999999999", "/ops/returns/shop/99999999999999999999", "/finance/refunds/%00",
        "/finance/refunds/of/%00", "/finance/refunds/?q=%00", "/returns/labels/99999999999999999999",
        "/returns/{rma}/drop-offs?again=%00", "/s/leeds/returns/{rma}/rule?line=%00&grade=%00",
        "/s/leeds/returns/{rma}?bench=99999999999999999999",
    ],
)  # fmt: skip
def test_no_address_fails(client, here, address):
    assert client.get(address.format(**here)).status_code < 500
    assert ReturnRequest.objects.count() == 1
