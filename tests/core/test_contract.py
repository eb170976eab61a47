"""What the API promises: nothing released is lost, every example is valid, every endpoint has somebody to ask."""

from __future__ import annotations

import copy
import json

import pytest
from django.core.management import CommandError, call_command
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from core.api import contract
from core.management.commands import freeze_contract

ORDERS = "/api/v1/orders"


@pytest.fixture(scope="module")
def promised():
    return json.loads((freeze_contract.FOLDER / "v1.json").read_text())


def operations(described):
    return [
        (f"{method.upper()} {path}", item[method])
        for path, item in described["paths"].items()
        for method in contract.METHODS
        if method in item
    ]


def test_everything_that_was_promised_is_kept_and_everything_there_is_is_promised(promised):
    now = freeze_contract.described()["v1"]

    assert contract.breaks(promised, now) == []
    assert contract.breaks(now, promised) == [], "It gained something: manage.py freeze_contract keeps it from now on."


def test_it_is_valid_openapi(described):
    validate_schema(described)


def test_every_endpoint_says_whom_to_ask_and_every_body_has_an_example_that_is_valid(described):
    assert described["openapi"].startswith("3.1")
    for name, operation in operations(described):
        assert operation["x-service-owner"], name
        for body in operation.get("requestBody", {}).get("content", {}).values():
            assert body.get("examples"), f"{name} has no example: config/api_examples.py"
            for example in body["examples"].values():
                wrong = [error.message for error in Draft202012Validator(body["schema"]).iter_errors(example["value"])]
                assert not wrong, f"{name}: {wrong}"


def test_every_write_can_be_repeated(described):
    reads = ("/preview", "/validate")
    for name, operation in operations(described):
        method, path = name.split()
        keys = [each for each in operation.get("parameters", []) if each["name"] == "Idempotency-Key"]
        if method != "GET" and not path.endswith(reads):
            assert keys, f"{name} takes no Idempotency-Key"


def _order(document):
    return document["paths"][ORDERS]["post"]["requestBody"]["content"]["application/json"]["schema"]


def _list(document):
    return document["paths"][ORDERS]["get"]


def _answer(document):
    return _list(document)["responses"]["200"]["content"]["application/json"]["schema"]


BREAKING = {
    "an endpoint goes": (lambda now: now["paths"].pop(ORDERS), "POST /api/v1/orders is gone"),
    "a method goes": (lambda now: now["paths"][ORDERS].pop("get"), "GET /api/v1/orders is gone"),
    "a parameter goes": (lambda now: _list(now).update(parameters=[]), "parameter status is gone"),
    "a parameter is demanded": (
        lambda now: _list(now)["parameters"].append({"in": "query", "name": "new", "required": True}),
        "parameter new has become required",
    ),
    "a field is demanded": (lambda now: _order(now)["required"].append("number"), "body.number has become required"),
    "a field is no longer taken": (lambda now: _order(now)["properties"].pop("buyer"), "body.buyer is no longer taken"),
    "a field changes its kind": (
        lambda now: _order(now)["properties"]["total"].update(type="number"), "body.total: string is no longer taken",
    ),
    "a word is no longer taken": (
        lambda now: _order(now)["properties"]["status"].update(enum=["open"]), "cancelled is no longer taken",
    ),
    "less fits": (
        lambda now: _order(now)["properties"]["channel_ref"].update(maxLength=3), "maxLength has become 3",
    ),
    "an answer goes": (lambda now: _list(now)["responses"].pop("200"), "it no longer answers 200"),
    "a field of an answer goes": (lambda now: _answer(now)["properties"].pop("next"), "200.next is gone"),
    "a field of an answer may be absent": (
        lambda now: _answer(now).update(required=[]), "200.items may now be absent",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKING)
def test_what_would_break_a_program_is_named(promised, name):
    change, said = BREAKING[name]
    now = copy.deepcopy(promised)
    change(now)

    assert any(said in each for each in contract.breaks(promised, now)), contract.breaks(promised, now)


def test_gaining_breaks_nobody(promised):
    now = copy.deepcopy(promised)
    now["paths"]["/api/v1/new"] = {"get": {"responses": {}}}
    _list(now)["parameters"].append({"in": "query", "name": "new", "schema": {"type": "string"}})
    _order(now)["properties"]["new"] = {"type": "string"}
    _answer(now)["properties"]["new"] = {"type": "string"}
    _list(now)["responses"]["418"] = {}

    assert contract.breaks(promised, now) == []


def test_a_contract_that_would_be_broken_is_not_replaced(promised, tmp_path, monkeypatch):
    promised = copy.deepcopy(promised)
    promised["paths"]["/api/v1/once"] = {"get": {"responses": {}}}
    (tmp_path / "v1.json").write_text(json.dumps(promised))
    monkeypatch.setattr(freeze_contract, "FOLDER", tmp_path)

    with pytest.raises(CommandError, match="GET /api/v1/once is gone"):
        call_command("freeze_contract")
    assert "/api/v1/once" in (tmp_path / "v1.json").read_text()
