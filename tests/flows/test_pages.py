"""Every page and endpoint of returns, money and connections that can be asked for has its number of queries written
down: those measured with growing data by their own tests, and here the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from core.actors import SYSTEM
from core.models import Event, User
from finance.models import BankLine, Entity, EvidencePack, Kind, Posting, SettlementFile
from finance.services import closes, evidence, memos, postings
from integrations import codes, inbox
from integrations.channels.meaning import LearnCodes, Listed
from integrations.files.orders import drops
from integrations.models import ApiClient, Connection, OutgoingDocument
from integrations.webhooks import subscriptions
from integrations.webhooks.subscriptions import Wanted
from orders.models import OrderLine, PaymentRoute
from orders.services import store_credit
from returns.models import ReturnSignal
from returns.rules import STANDARD
from returns.services import disposition_rules, inspection, labels, photos, policies, receiving, refunds, rejected
from returns.services.inspection import Seen
from returns.services.receiving import Found
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.orders import ChannelFactory
from tests.factories.returns import service
from tests.finance import settling
from tests.finance.settling import adyen, settled
from tests.finance.test_settlement_screens import CAMT
from tests.orders.conftest import Api
from tests.orders.test_instructions import told
from tests.query_counts import FILE
from tests.returns.bench import approved, bench_of, sold
from tests.returns.test_bench_screens import picture

pytestmark = pytest.mark.django_db
FIGURES = {
    "returned": 12, "expected": 3.1, "rate": 0.3, "past_rate": 0.08, "days": 28, "past_days": 364, "exposure": 40,
    "past_returned": 40, "past_exposure": 500, "swing": 1, "from": "a", "until": "b",
}  # fmt: skip
SCOPES = ["returns:read", "orders:read", "orders:write", "finance:read", "connections:manage", "webhooks:manage"]
HOME = {"name": "Ida", "line1": "4 Park Row", "city": "Leeds", "country": "GB", "postal_code": "LS1 5HD"}
OURS = ("returns", "finance", "integrations")
# Measured with growing data elsewhere, by the name they have there.
ELSEWHERE = {
    "returns:list": "returns-list", "returns:detail": "returns-detail", "returns:bench_s": "returns-site",
    "returns:receive_s": "returns-receive", "returns:bench_panel": "returns-bench-panel",
    "returns:signals": "returns-signals", "returns:disposition_rules": "dispositions", "returns:refunds": "refunds: queue",
    "finance:postings": "postings-list", "finance:posting": "posting-detail", "finance:periods": "periods-list",
    "finance:close": "close", "finance:close_rows": "close-rows", "finance:chart": "chart",
    "finance:order_money": "order-money", "finance:postings_waiting": "postings-waiting",
    "finance:settlements": "settlements-list", "finance:settlement": "settlement-workbench",
    "finance:labels": "labels-list", "finance:fees": "fees-list", "finance:bank": "bank-list",
    "integrations:messages": "messages-list", "integrations:links": "connections", "integrations:link": "connection",
    "integrations:message": "message", "integrations:webhooks": "webhooks", "integrations:trace": "order-trace",
    "integrations:trace_panel": "order-trace-panel", "integrations:trace_difference": "order-trace-difference",
    "integrations:documents": "edi-documents", "integrations:files": "order-files", "integrations:file": "order-file",
    "integrations:cutover": "connection-cutover", "integrations:shadow": "connection-shadow",
    "integrations:drift": "erp-drift", "integrations:aliases": "aliases", "integrations:alias_history": "alias-history",
    "integrations:dead": "dead-letters", "integrations:dead_messages": "dead-messages",
    "integrations:dead_deliveries": "dead-deliveries", "integrations:edit": "edit-message",
    "integrations:clients": "api-clients", "integrations:client": "api-client",
    "api:v1:order_money": "api-order-money", "api:v1:settlements": "api-settlements",
    "api:v1:postings": "api-postings", "api:v1:periods": "api-periods",
}  # fmt: skip


def answering(patterns: Any = None, space: tuple[str, ...] = ()) -> Iterator[str]:
    """Names of addresses of our apps whose view answers GET, as its docstring or its class says."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(each, URLResolver):
            yield from answering(each.url_patterns, (*space, each.namespace) if each.namespace else space)
        elif isinstance(each, URLPattern) and each.callback.__module__.split(".")[0] in OURS and each.name:
            view = getattr(each.callback, "cls", None)
            says = (each.callback.__doc__ or "").partition(":")[0]
            if (hasattr(view, "get") if view else "GET" in says or says.startswith(("/", "…"))) and (
                not space or space[0] != "api" or space[1] == "v1"
            ):
                yield ":".join((*space, each.name))


@pytest.fixture
def pages(client: Client) -> dict[str, tuple[list[Any], dict[str, str]]]:
    """{name of an address: (what stands in it, its query)}, of a small retailer in which all of it is there."""
    boss = User.objects.create_superuser("boss@harrow.example", "correct horse battery")
    client.force_login(boss)
    return {**_of_returns(boss), **_of_money(client), **_of_connections(boss)}


def _of_returns(boss: User) -> dict[str, tuple[list[Any], dict[str, str]]]:
    item, leeds = ItemFactory(sku="MUG", weight_grams=400), LocationFactory(code="leeds", kind="STORE", returns=True)
    back = service()
    order = sold((item, 3), placed_at=timezone.now(), total=Decimal(120), payments=(told("captured", "120.00", "c1"),))
    OrderLine.objects.filter(order=order).update(shipped_here=F("fulfilled"))
    postings.prepare(order.pk)
    rma = approved(order, (item, 3), at=leeds, sent_from=HOME)
    receiving.receive(rma.pk, Found("MUG", 2), location_id=leeds.pk, key="in", actor=SYSTEM)
    line = rma.lines.get()
    photo = photos.keep(rma.pk, line.pk, picture(), person=boss, actor=SYSTEM)
    seen = inspection.inspect(bench_of(rma).pk, Seen("D", "REJECTED", note="Worn"), key="look", actor=SYSTEM)
    rejected.keep(seen.pk, words="Keep it", key="keep", actor=SYSTEM)
    label = labels.want(rma.pk, service=back.code, actor=SYSTEM)
    memos.receive(rma.pk)
    refund = refunds.decide_for_order(
        order.pk, [refunds.Line(order.lines.get().pk, 1, None)], cause="c", why="", actor=SYSTEM
    )
    rules = disposition_rules.draft(actor=SYSTEM)
    policy = policies.create("shop", "Shop", channel=None, document=STANDARD, actor=SYSTEM)
    signal = ReturnSignal.objects.create(
        kind="RATE", dimension="SKU", key=str(item.pk), label=item.sku, figures=FIGURES, chance=1e-5
    )
    credit = store_credit.open_card(order.channel, "GBP")
    route = PaymentRoute.objects.create(channel=order.channel, gateway="card")
    fact = Event.objects.filter(subject_kind="order", subject_uid=str(order.pk)).earliest("pk")
    at, of, here = ["leeds", rma.number], [order.number], [rma.number]
    grade = {"line": str(line.pk), "grade": "A"}
    return {
        "returns:export": ([], {}), "returns:order_panel": (of, {}), "returns:new": (of, {}),
        "returns:label": ([label.pk], {}), "returns:counter": (["leeds"], {"order": order.number}),
        "returns:counter_done": (at, {}), "returns:policies": ([], {}), "returns:policy_new": ([], {}),
        "returns:policy": (["shop"], {}), "returns:policy_version": (["shop", policy.number], {}),
        "returns:rule_s": (at, grade), "returns:rule_w": (at, grade), "returns:bench_w": (["leeds"], {}),
        "returns:receive_w": (at, {}), "returns:photo": ([photo.pk], {}), "returns:signal": ([signal.pk], {}),
        "returns:disposition_version": ([rules.number], {}), "returns:refunds_export": ([], {}),
        "returns:refund_new": (of, {}), "returns:refund": ([refund.number], {}), "returns:order_refunds": (of, {}),
        "returns:receipt": (here, {}),
        "finance:export": ([], {}), "finance:enter": ([], {}), "finance:order_panel": (of, {}),
        "finance:order_told": (of, {}), "orders:payment": ([*of, "void"], {}), "orders:store_credits": ([], {}),
        "orders:store_credit_new": ([], {}), "orders:store_credit": ([credit.code], {}),
        "integrations:return_drop_offs": (here, {}), "integrations:payment_routes": ([], {}),
        "integrations:payment_route_new": ([], {}), "integrations:payment_route": ([route.pk], {}),
        "integrations:trace_row": ([*of, "event", fact.pk], {}),
        "api:v1:returns": ([], {}), "api:v1:return": (here, {}), "api:v1:return_label": (here, {}),
        "api:v1:return_receipts": (here, {}), "api:v1:return_inspections": (here, {}),
        "api:v1:return_dispositions": (here, {}), "api:v1:return_drop_offs": (here, {}),
        "api:v1:order_refunds": (of, {}), "api:v1:order_trace": (of, {}), "api:v1:order_trace_difference": (of, {}),
        "api:v1:posting": ([Posting.objects.earliest("pk").pk], {}),
    }  # fmt: skip


def _of_money(client: Client) -> dict[str, tuple[list[Any], dict[str, str]]]:
    settling.adyen_orders()
    (found,) = settled("adyen", adyen())
    client.post(reverse("finance:bank_preview"), {"file": SimpleUploadedFile("s.xml", CAMT), "take": "1"})
    entity = Entity.objects.earliest("pk")
    period = closes.ensure(entity, timezone.localdate())
    pack = evidence.ask(period.pk, actor=SYSTEM)
    EvidencePack.objects.filter(pk=pack.pk).update(content=b"PK", size=2, sha256="0" * 64)
    memo = Posting.objects.filter(kind=Kind.SALES_ORDER).earliest("pk")
    Posting.objects.filter(pk=memo.pk).update(kind=Kind.CREDIT_MEMO)
    at = [found.pk]
    return {
        "finance:credit_note": ([memo.pk], {}), "finance:evidence": ([pack.pk], {}),
        "finance:settlement_new": ([], {}), "finance:settlement_file": ([SettlementFile.objects.get().pk], {}),
        "finance:settlement_export": (at, {}), "finance:settlement_line": ([*at, found.lines.earliest("pk").pk], {}),
        "finance:bank_statement": ([BankLine.objects.get().statement_id], {}),
        "api:v1:settlement": (at, {}), "api:v1:settlement_lines": (at, {}), "api:v1:period": ([period.pk], {}),
    }  # fmt: skip


def _of_connections(boss: User) -> dict[str, tuple[list[Any], dict[str, str]]]:
    shop = Connection.objects.create(
        code="shop", name="Shop", kind="CHANNEL", vendor="shopify", channel=ChannelFactory(code="shop")
    )
    files = Connection.objects.create(
        code="files", name="Files", kind="CHANNEL", vendor="orderfile", channel=ChannelFactory(code="files")
    )
    message, _ = inbox.accept(shop, external_id="1", headers={}, body=b"{}", topic="orders/create", verdict="GOOD")
    inbox.process(message)
    codes.learn(LearnCodes((Listed("variant:1", "NOBODY", "A vase"),)), shop)
    dropped = drops.keep(files, "orders.csv", b"Order;SKU\nA-1;MUG\n", user=boss, label="Sana")
    sent = OutgoingDocument.objects.create(
        connection=shop, key="k", kind="855", number=1, reference="A-1", text="ISA*00"
    )
    wanted = Wanted(name="Our tool", url="https://example.com/", event_types=("order.received",))
    hook, _ = subscriptions.create("tool", wanted, actor=SYSTEM)
    of, file = [shop.pk], [dropped.pk]
    return {
        "integrations:messages_new": ([], {"since": "0"}), "integrations:raw": ([message], {}),
        "integrations:mapping": ([message], {}), "integrations:missing": (of, {}),
        "integrations:document": ([sent.pk], {}), "integrations:file_refused": (file, {}),
        "integrations:file_raw": (file, {}), "integrations:webhook": ([hook.code], {}),
        "integrations:webhook_new": ([], {}), "integrations:webhook_edit": ([hook.code], {}),
        "integrations:webhook_replay": ([hook.code], {"since": "2026-01-01T00:00"}),
        "api:v1:asyncapi": ([], {}), "api:v1:webhooks": ([], {}), "api:v1:webhook": ([hook.code], {}),
        "api:v1:webhook_calls": ([hook.code], {}), "api:v1:connection_mode": ([shop.code], {}),
        "api:v1:connection_aliases": ([shop.code], {}), "api:v1:connection_file": ([files.code, *file], {}),
        "api:v1:client": ([], {}),
    }  # fmt: skip


def test_what_nobody_else_measures_takes_its_number_of_queries(client, pages, query_count):
    partner = Api(client, ApiClient.issue("All", scopes=SCOPES)[1])
    wrong = []

    for name, (parts, query) in pages.items():
        address, ask = reverse(name, args=parts), partner.get if name.startswith("api:") else client.get
        try:
            query_count(name, lambda ask=ask, address=address, query=query: ask(address, query))
        except AssertionError as no:
            wrong.append(f"{address}: {no}")

    assert not wrong, "\n".join(wrong)


def test_every_page_and_endpoint_of_ours_is_measured(pages):
    known = json.loads(FILE.read_text()).keys()

    assert sorted(set(answering()) - pages.keys() - ELSEWHERE.keys()) == []
    assert sorted(set(ELSEWHERE.values()) - known) == []
