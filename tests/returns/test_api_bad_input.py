"""Every endpoint of returns against every kind of bad input: a problem that names field and rule, never a failure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from core.models import Event
from integrations.models import ApiClient
from returns.services import inspection, receiving
from returns.services.inspection import Seen
from returns.services.receiving import Found
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.orders import ChannelFactory
from tests.factories.returns import service
from tests.orders.conftest import Api
from tests.returns.bench import ANNA, approved, bench_of, sold
from tests.shared_rows import shared

pytestmark = pytest.mark.django_db
SCOPES = ["returns:read", "returns:write", "returns:approve", "refunds:write", "orders:read", "orders:write"]
RETURNS = "/api/v1/returns"
LINE = {"sku": "MUG", "quantity": 1, "reason": "UNWANTED", "reason_text": "", "condition": "NEW", "serials": ["S-1"]}
# What each endpoint takes, by its name; {rma}, {order}, {seen} and {choice} are of the fixture `here`.
GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "ask": (RETURNS, {
        "lines": [LINE], "order": "{order}", "channel": "webshop", "channel_ref": "1", "ref": "R-1", "proof": "ORDER",
        "receipt_ref": "T-1", "refund_to": "ORIGINAL", "currency": "GBP", "buyer_name": "Ida", "buyer_email": "i@h.example",
        "sent_from": {"city": "Leeds", "country": "GB"}, "promised_until": "2026-03-01T00:00:00Z", "note": "-",
    }),
    "validate": (f"{RETURNS}/validate", {"lines": [LINE], "order": "{order}"}),
    "approve": (f"{RETURNS}/{{rma}}/approve", {
        "location": "leeds", "refund_plan": "ON_RECEIPT", "refund_to": "ORIGINAL", "fee": "1.50", "override": "-",
    }),
    "decline": (f"{RETURNS}/{{rma}}/decline", {"reason": "No"}),
    "cancel": (f"{RETURNS}/{{rma}}/cancel", {"reason": "Keeps it"}),
    "label": (f"{RETURNS}/{{rma}}/label", {"service": "post", "grams": 400}),
    "receive": (f"{RETURNS}/{{rma}}/receipts", {
        "location": "leeds", "code": "MUG", "quantity": 1, "line": 1, "unexpected": False, "instead_of": 1,
        "other_serial": False,
    }),
    "finish": (f"{RETURNS}/{{rma}}/receipts/finish", {"location": "leeds"}),
    "inspect": (f"{RETURNS}/{{rma}}/inspections", {
        "location": "leeds", "line": 1, "grade": "A", "verdict": "ACCEPTED", "quantity": 1, "serial": "",
        "disposition": "RESTOCK", "note": "",
    }),
    "decide": (f"{RETURNS}/{{rma}}/inspections/{{seen}}/decide", {"verdict": "ACCEPTED", "note": "-"}),
    "reject": (f"{RETURNS}/{{rma}}/inspections/{{seen}}/rejected", {
        "choice": "KEEP", "quantity": 1, "service": "post", "by_hand": False, "words": "Keep it",
    }),
    "dispose": (f"{RETURNS}/{{rma}}/dispositions", {
        "inspection": 1, "disposition": "SCRAP", "quantity": 1, "after": 1, "note": "-",
    }),
    "exchange": (f"{RETURNS}/{{rma}}/exchanges", {
        "items": [{"sku": "MUG", "quantity": 1, "unit_price": "4.00"}], "advance": False,
    }),
    "drop_off": (f"{RETURNS}/{{rma}}/drop-offs", {"choice": "made up"}),
    "refund": ("/api/v1/orders/{order}/refunds", {
        "lines": [{"ref": "line-MUG", "quantity": 1, "amount": "1.00"}], "shipping": "1.00", "fee": "1.00",
        "to": "ORIGINAL", "why": "-", "preview": False,
    }),
}  # fmt: skip
NEEDED = {
    "ask": ["lines"], "validate": ["lines"], "decline": ["reason"], "cancel": ["reason"],
    "receive": ["location", "code"], "finish": ["location"], "inspect": ["location", "line", "grade"],
    "decide": ["verdict"], "reject": ["choice"], "dispose": ["inspection", "disposition"], "exchange": ["items"],
    "drop_off": ["choice"],
}  # fmt: skip
HUGE = 2**63 - 1  # beyond that it is no number of ours at all, wherever it stands
NUMBERS: list[Any] = [True, "1", 1.5, -1, HUGE, [], {}]
TEXTS: list[Any] = [7, True, [], {}, "a\0b", "x" * 6000]
MONEY: list[Any] = [True, [], {}, "-1", "1e3", "NaN", "Infinity", "0.000001", "9" * 40, "١٢", "1,50", ""]
CHOICES: list[Any] = [7, [], {}, "NEVER", "a\0b"]
FLAGS: list[Any] = ["yes", 2, [], None]
OF_MONEY = {"fee", "amount", "shipping", "unit_price"}
OF_CHOICE = {
    "grade", "verdict", "disposition", "choice", "refund_plan", "refund_to", "proof", "to", "reason", "condition",
    "currency", "promised_until",
}  # fmt: skip


def wrong_for(endpoint: str, name: str, value: Any) -> list[Any]:
    if isinstance(value, bool):
        return FLAGS
    if name in OF_MONEY:
        return MONEY
    if isinstance(value, int):
        return [*NUMBERS, *([0] if endpoint != "refund" else [])]  # a refund's line may be of money alone
    free = (endpoint, name) in {("decline", "reason"), ("cancel", "reason"), ("drop_off", "choice")}
    return CHOICES if name in OF_CHOICE and not free else TEXTS


def mutations(endpoint: str, body: dict[str, Any], at: str = "") -> list[tuple[str, Any, dict[str, Any]]]:
    """(path of the field, what it was, the body with it wrong), of every field however deep."""
    found: list[tuple[str, Any, dict[str, Any]]] = []
    for name, value in body.items():
        path = f"{at}{name}"
        if isinstance(value, list):
            found += [(path, bad, body | {name: bad}) for bad in (7, "x", {}, [7], [[]], [None])]
            if value and isinstance(value[0], dict):
                inner = mutations(endpoint, value[0], f"{path}[0].")
                found += [(where, bad, body | {name: [row]}) for where, bad, row in inner]
        elif isinstance(value, dict):
            found += [
                (path, bad, body | {name: bad}) for bad in (7, "x", [], {"country": "Britain"}, {"colour": "red"})
            ]
        else:
            found += [(path, bad, body | {name: bad}) for bad in wrong_for(endpoint, name, value)]
    return found


@pytest.fixture(scope="module")
def here(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """A return of three mugs, two of them here, one of these seen and left to somebody's decision."""
    yield from shared(django_db_blocker, three_mugs)


def three_mugs() -> dict[str, Any]:
    item, leeds = ItemFactory(sku="MUG", weight_grams=400), LocationFactory(code="leeds", returns=True)
    service()
    order = sold((item, 3), placed_at=timezone.now())
    rma = approved(order, (item, 3), at=leeds)
    receiving.receive(rma.pk, Found("MUG", 2), location_id=leeds.pk, key="in", actor=ANNA)
    seen = inspection.inspect(bench_of(rma).pk, Seen("B", "REVIEW"), key="look", actor=ANNA)
    return {"rma": rma.number, "order": order.number, "seen": seen.pk}


@pytest.fixture
def api(client) -> Api:
    return Api(client, ApiClient.issue("All", scopes=SCOPES)[1])


def filled(value: Any, here: dict[str, Any]) -> Any:
    return json.loads(json.dumps(value).replace("{order}", here["order"]))


def send(api: Api, endpoint: str, here: dict[str, Any], body: Any, **headers: Any) -> Any:
    path = GOOD[endpoint][0].format(**here)
    return api.post(path, body, **{"If-Match": f'"{here.get("version", 1)}"', **headers})


def facts() -> int:
    return Event.objects.count()


@pytest.mark.parametrize("endpoint", list(GOOD))
def test_a_field_that_makes_no_sense_is_named_with_its_rule_and_changes_nothing(api, here, endpoint):
    body = filled(GOOD[endpoint][1], here)
    before = facts()

    for path, bad, sent in mutations(endpoint, body):
        answer = send(api, endpoint, here, sent)

        told = answer.json()
        about = (endpoint, path, bad if len(str(bad)) < 50 else "long", answer.status_code, told)
        assert answer.status_code in {400, 422}, about
        assert answer.headers["Content-Type"] == "application/problem+json", about
        problems = told.get("errors") or []
        named = path.split("[")[0]
        assert any(each["path"].startswith(named) and each["message"] for each in problems) or "\0" in str(bad), about
    assert facts() == before


@pytest.mark.parametrize("endpoint", list(NEEDED))
def test_what_is_missing_is_named(api, here, endpoint):
    body = filled(GOOD[endpoint][1], here)

    for name in NEEDED[endpoint]:
        answer = send(api, endpoint, here, {key: value for key, value in body.items() if key != name})
        assert answer.status_code == 400, (name, answer.content)
        assert [each["path"] for each in answer.json()["errors"]] == [name]


@pytest.mark.parametrize("endpoint", list(GOOD))
def test_what_is_no_request_at_all_is_refused(api, here, endpoint):
    body = filled(GOOD[endpoint][1], here)
    path = GOOD[endpoint][0].format(**here)
    before = facts()
    plain = {"Authorization": api.headers["Authorization"], "If-Match": '"1"'}

    for raw in (
        " ",
        "{",
        f'{{"n":{2**70}}}',
        "[]",
        "7",
        "null",
        '"x"',
        '{"a":1,"a":2}',
        "NaN",
        '{"note":"\\ud800"}',
        "[" * 100_000,
    ):
        answer = send(api, endpoint, here, raw)
        assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json"), raw[:20]
    assert send(api, endpoint, here, body | {"status": "COMPLETED"}).json()["errors"][0]["path"] == "status"
    form = api.client.post(path, "a=b", content_type="text/plain", headers=plain | {"Idempotency-Key": "k"})
    assert form.status_code == 415
    if endpoint != "validate":  # it leaves nothing, so it may be repeated as one likes
        assert api.client.post(path, json.dumps(body), "application/json", headers=plain).status_code == 400
        for key in ("", "x" * 256, "caf\u00e9"):
            assert send(api, endpoint, here, body, idempotency_key=key).status_code == 400, key
    assert facts() == before


@pytest.mark.parametrize("endpoint", list(GOOD))
def test_what_is_another_s_or_nobody_s_is_not_found(client, here, endpoint):
    other, key = ApiClient.issue("Other", scopes=SCOPES)
    other.channels.add(ChannelFactory(code="other"))
    foreign = Api(client, key)
    everyone = Api(client, ApiClient.issue("All", scopes=SCOPES)[1])
    body = filled(GOOD[endpoint][1], here)
    before = facts()

    answer = send(foreign, endpoint, here, body)
    assert answer.status_code in {404, 422}, answer.content
    assert here["order"] not in answer.content.decode()
    for number in ("RMA-000000", "x" * 400, "%00", "%F0%9F%90%9D"):
        nobody = {**here, "rma": number, "order": number}
        if "{" in GOOD[endpoint][0]:
            assert send(everyone, endpoint, nobody, body).status_code in {400, 404}, number
    if "{seen}" in GOOD[endpoint][0]:
        for pk in (0, 2**70, here["seen"] + 1, HUGE):
            assert send(everyone, endpoint, {**here, "seen": pk}, body).status_code == 404, pk
    assert facts() == before


def test_a_key_that_was_used_for_another_body_says_so(api, here):
    one = {"location": "leeds", "code": "MUG", "quantity": 1}

    assert send(api, "receive", here, one, idempotency_key="k").status_code == 201
    other = send(api, "receive", here, one | {"quantity": 2}, idempotency_key="k")
    again = send(api, "receive", here, one, idempotency_key="k")

    assert (other.status_code, again.status_code) == (422, 201)
    assert "key" in other.json()["code"]


WRONG_STATE = [
    ("approve", {}, ""),
    ("decline", {"reason": "Late"}, ""),
    ("receive", {"location": "leeds", "code": "MUG", "quantity": 2}, "nothing_left"),
    ("receive", {"location": "leeds", "code": "MUG", "quantity": 10_000}, "nothing_left"),
    ("inspect", {"location": "leeds", "line": 1, "grade": "A", "quantity": 2}, "nothing_left"),
    ("reject", {"choice": "KEEP", "words": "Hers"}, "not_rejected"),
    ("dispose", {"inspection": "{seen}", "disposition": "RESTOCK"}, "not_accepted"),
    ("dispose", {"inspection": "{seen}", "disposition": "MISSING", "quantity": 10_000}, "nothing_left"),
    ("refund", {"lines": [{"ref": "line-MUG", "quantity": 4}]}, ""),
]


@pytest.mark.parametrize(("endpoint", "body", "code"), WRONG_STATE)
def test_what_comes_at_the_wrong_moment_is_refused_with_the_state(api, here, endpoint, body, code):
    body = {name: here["seen"] if value == "{seen}" else value for name, value in body.items()}
    before = facts()

    answer = send(api, endpoint, here, body)

    assert answer.status_code in {409, 412, 422}, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert code in {"", answer.json()["code"]}
    assert facts() == before
