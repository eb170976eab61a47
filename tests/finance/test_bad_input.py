"""What can be typed wrong where finance states how things are: each field, each rule, named; and never a server error."""

from __future__ import annotations

import base64
import json

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from core.errors import Invalid
from core.models import User
from finance import canonical, chart, stating
from finance.models import (
    ApprovalLimit,
    ApprovalRule,
    BankStatement,
    ChartMapping,
    Entity,
    ExchangeRate,
    SettlementFile,
)
from finance.services import entities
from integrations.models import ApiClient
from tests.finance.settling import adyen

TERMS = [
    ("decimal", ";", "choice"), ("decimal", "point", "choice"), ("decimal", "٫", "choice"), ("dates", "Y/D/M", "choice"),
    ("dates", "d/m/y", "choice"), ("currency", "EURO", "currency"), ("currency", "ZZZ", "currency"),
    ("currency", "12", "currency"), ("currency", "\uff25\uff35\uff32", "currency"), ("encoding", "idna", "encoding"),
    ("encoding", "rot13", "encoding"), ("encoding", "punycode", "encoding"), ("encoding", "no-such", "encoding"),
    ("encoding", "../x", "encoding"), ("time_zone", "Mars/Olympus", "time_zone"), ("time_zone", "../etc/passwd", "time_zone"),
    ("time_zone", "/etc/passwd", "time_zone"), ("stated", "NaN", "amount"), ("stated", "1e99", "amount"),
    ("stated", "1_000", "amount"), ("stated", "1,50", "amount"), ("stated", "٣", "amount"), ("stated", "ten", "amount"),
    ("account", "a\0b", "text"), ("account", "x" * 121, "text"), ("account", "a\nb", "text"),
    ("columns", "date", "line"), ("columns", "=Date", "line"), ("columns", "date=A\ndate=B", "twice"),
    ("columns", "shoe=Size", "unknown"), ("columns", "date=a\0b", "text"), ("columns", "date=" + "x" * 121, "text"),
    ("columns", {"date": 7}, "text"), ("columns", ["date"], "mapping"),
    ("columns", {str(n): "x" for n in range(41)}, "mapping"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "rule"), TERMS)
def test_each_term_has_its_rule_and_says_so_at_its_field(field, value, rule):
    with pytest.raises(Invalid) as said:
        stating.terms({field: value}, canonical.COLUMNS)

    assert {(problem.path, problem.rule) for problem in said.value.problems} == {(field, rule)}
    assert said.value.status == 422


def test_terms_that_make_sense_are_kept_as_they_are_meant():
    said = {"decimal": ",", "currency": " eur ", "time_zone": "Europe/Berlin", "encoding": "CP1252", "stated": "-1.5"}

    assert stating.terms({**said, "columns": "date = Tag\n\nnet=Betrag", "account": ""}, canonical.COLUMNS) == {
        **said, "currency": "EUR", "columns": {"date": "Tag", "net": "Betrag"},
    }  # fmt: skip
    assert stating.terms({"time_zone": "PST", "columns": {}}, ()) == {"time_zone": "PST"}


CHARTS = [
    ({"accounts": [], "rules": []}, "accounts"), ({"accounts": {"nobody": "1"}}, "accounts.nobody"),
    ({"accounts": {"sales": 1}}, "accounts.sales"), ({"accounts": {"sales": "1\0"}}, "accounts.sales"),
    ({"accounts": {"sales": "x" * 61}}, "accounts.sales"), ({"rules": {}}, "rules"), ({"rules": [7]}, "rules[0]"),
    ({"rules": [{}] * 201}, "rules"), ({"role": "nobody"}, "rules[0].role"), ({"account": ""}, "rules[0].account"),
    ({"account": "\x7f"}, "rules[0].account"), ({"account": None}, "rules[0].account"), ({"when": {}}, "rules[0].when"),
    ({"when": "code"}, "rules[0].when"), ({"when": {"moon": ["x"]}}, "rules[0].when.moon"),
    ({"when": {"code": []}}, "rules[0].when.code"), ({"when": {"code": [1]}}, "rules[0].when.code"),
    ({"when": {"code": ["\0"]}}, "rules[0].when.code"), ({"when": {"code": ["x" * 121]}}, "rules[0].when.code"),
    ({"when": {"code": ["x"] * 51}}, "rules[0].when.code"), ({"note": "x" * 201}, "rules[0].note"),
    ({"note": "\0"}, "rules[0].note"), ({"note": 7}, "rules[0].note"), ({"colour": "red"}, "rules[0]"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "path"), CHARTS)
def test_each_part_of_a_chart_has_its_rule_and_says_so_at_its_place(wrong, path):
    whole = {"accounts": wrong.get("accounts", {}), "rules": wrong.get("rules", [])}
    if not {"accounts", "rules"} & set(wrong):
        whole["rules"] = [{"role": "sales", "account": "4000", "when": {"code": ["X*"]}} | wrong]

    with pytest.raises(Invalid) as said:
        chart.read(**whole)

    assert path in {problem.path for problem in said.value.problems}


@pytest.fixture
def boss(client, db):
    client.force_login(User.objects.create_superuser("root@example.com", "x"))
    return client


CSV = b"Tag;Betrag\n01.02.2026;12,50\n"
GOOD = {"columns": "date=Tag\namount=Betrag", "currency": "EUR", "dates": "D/M/Y", "decimal": ",", "take": "1"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("currency", "EURO"), ("decimal", "x"), ("dates", "x"), ("columns", "day=Tag"), ("encoding", "idna"), ("form", "pdf"),
     ("account", "x" * 121)],
)  # fmt: skip
def test_the_form_of_a_bank_statement_names_the_field_keeps_what_was_typed_and_imports_nothing(boss, field, value):
    where = reverse("finance:bank_preview")

    said = boss.post(where, {**GOOD, field: value, "file": SimpleUploadedFile("bank.csv", CSV)})

    page = said.content.decode()
    assert said.status_code == 422
    assert ('href="#f-' + field in page) or field in {"encoding", "account"}
    assert "date=Tag" in page or field == "columns"
    assert BankStatement.objects.count() == 0
    assert boss.post(where, {**GOOD, "file": SimpleUploadedFile("bank.csv", CSV)}).status_code < 400
    assert BankStatement.objects.count() == 1


def test_the_terms_of_a_settlement_file_say_what_is_wrong_on_screen_and_over_the_api(boss, settings):
    file = SimpleUploadedFile("a.csv", adyen())
    said = boss.post(reverse("finance:settlement_new"), {"provider": "adyen", "file": file, "currency": "EURO"})
    page = said.content.decode()
    assert (said.status_code, 'href="#f-currency' in page, 'value="EURO"' in page) == (422, True, True)
    assert SettlementFile.objects.count() == 0

    boss.post(reverse("finance:settlement_new"), {"provider": "adyen", "file": SimpleUploadedFile("a.csv", adyen())})
    kept = SettlementFile.objects.get()
    said = boss.post(
        reverse("finance:settlement_terms", args=[kept.pk]), {"time_zone": "Mars/Olympus", "stated": "ten"}
    )
    page = said.content.decode()
    assert said.status_code == 422
    assert all(f'href="#f-{name}' in page for name in ("time_zone", "stated"))
    kept.refresh_from_db()
    assert kept.terms == {}


def test_the_form_of_a_chart_names_role_and_rule_and_keeps_the_rest(boss):
    where = reverse("finance:save_chart")
    rule = {"r-role": "sales", "r-field": "code", "r-values": "X", "r-account": "4000", "r-note": ""}

    for wrong, words in (
        ({"a-sales": "1\x7f"}, "The account of"), ({"r-account": "x" * 61}, "Rule 1 account"),
        ({"r-field": "moon"}, "Rule 1 condition moon"), ({"r-note": "x" * 201}, "Rule 1 note"),
        ({"note": "x" * 301}, "What changes"), ({"r-values": "x" * 121}, "Rule 1 condition"),
    ):  # fmt: skip
        said = boss.post(where, {"a-bank": "1800", **rule, **wrong})
        page = said.content.decode()
        assert (said.status_code, words in page, 'value="1800"' in page) == (422, True, True), wrong
    assert boss.post(where, {"v": "x"}).status_code == 400
    assert boss.post(where, {"v": "9" * 12}).status_code == 400
    assert boss.post(where, {"entity": "x" * 21}).status_code == 404
    assert boss.post(where, {"entity": "nobody"}).status_code == 404
    assert ChartMapping.objects.count() == 0
    assert boss.post(where, {"a-bank": "1800", **rule}).status_code < 400
    assert ChartMapping.objects.get().accounts == {"bank": "1800"}


ADMIN = [
    ("approvallimit", {"kind": "TEA"}, "kind"), ("approvallimit", {"amount": "-1"}, "amount"),
    ("approvallimit", {"amount": "NaN"}, "amount"), ("approvallimit", {"amount": "1e30"}, "amount"),
    ("approvallimit", {"amount": ""}, "amount"), ("approvallimit", {"currency": "ZZZ"}, "currency"),
    ("approvallimit", {"currency": "EU\0"}, "currency"), ("approvallimit", {"group": ""}, "group"),
    ("approvallimit", {"group": "999"}, "group"), ("approvallimit", {"user": "me"}, "group"),
    ("approvallimit", {"again": "1"}, "kind"), ("approvalrule", {"kind": ""}, "kind"),
    ("approvalrule", {"above": "-1"}, "above"), ("approvalrule", {"above": "1.23456"}, "above"),
    ("approvalrule", {"currency": "EURO"}, "currency"), ("entity", {"time_zone": "Mars"}, "time_zone"),
    ("entity", {"time_zone": "../x"}, "time_zone"), ("entity", {"currency": "XXXX"}, "currency"),
    ("entity", {"currency": "ABC"}, "currency"), ("entity", {"code": "a b"}, "code"), ("entity", {"code": "main"}, "code"),
    ("exchangerate", {"rate": "0"}, "rate"), ("exchangerate", {"rate": "-1"}, "rate"),
    ("exchangerate", {"rate": "1e12"}, "rate"), ("exchangerate", {"given": "EUR"}, "wanted"),
    ("exchangerate", {"given": "eur"}, "given"), ("exchangerate", {"on": "2026-02-30"}, "on"),
]  # fmt: skip
WHOLE = {
    "approvallimit": {"kind": "WRITE_OFF", "amount": "10", "currency": "EUR", "user": ""},
    "approvalrule": {"kind": "WRITE_OFF", "above": "10", "currency": ""},
    "entity": {"code": "de", "name": "DE", "currency": "EUR", "time_zone": "Europe/Berlin", "invoices": "SHIPMENT",
               "created_at_0": "2026-01-01", "created_at_1": "00:00"},
    "exchangerate": {"given": "USD", "wanted": "EUR", "on": "2026-01-01", "rate": "0.9", "source": ""},
}  # fmt: skip
MODELS = {
    "approvallimit": ApprovalLimit, "approvalrule": ApprovalRule, "entity": Entity, "exchangerate": ExchangeRate,
}  # fmt: skip


def test_what_an_administrator_keeps_is_checked_field_by_field(boss):
    entities.main()
    group, root = Group.objects.create(name="Testers"), User.objects.get()
    for name, wrong, field in ADMIN:
        where = reverse(f"admin:finance_{name}_add")
        sent = {**WHOLE[name], **({"group": str(group.pk)} if name == "approvallimit" else {}), **wrong}
        if sent.get("user") == "me":
            sent["user"] = str(root.pk)
        if sent.pop("again", None):
            ApprovalLimit.objects.create(group=group, kind="WRITE_OFF", amount=1, currency="EUR")
        before = MODELS[name].objects.count()

        said = boss.post(where, sent)

        assert said.status_code == 200, (name, wrong)
        assert field in said.context["adminform"].form.errors, (name, wrong, said.context["adminform"].form.errors)
        assert MODELS[name].objects.count() == before
    ApprovalLimit.objects.all().delete()
    for name, whole in WHOLE.items():
        sent = {**whole, **({"group": str(group.pk)} if name == "approvallimit" else {})}
        assert boss.post(reverse(f"admin:finance_{name}_add"), sent).status_code == 302, name


def test_the_api_says_which_term_of_a_settlement_makes_no_sense(client, db):
    token = ApiClient.issue("Books", scopes=["finance:read", "finance:write"])[1]
    body = {"provider": "adyen", "name": "a.csv", "content": base64.b64encode(adyen()).decode()}
    for n, (wrong, path) in enumerate((
        ({"time_zone": "Mars/Olympus"}, "time_zone"), ({"currency": "ZZZ"}, "currency"),
        ({"columns": {"shoe": "Size"}}, "columns"), ({"columns": {"date": "a\u0001"}}, "columns"),
        ({"decimal": "x"}, "decimal"), ({"account": "x" * 200}, "account"), ({"stated": "NaN"}, "stated"),
        ({"columns": []}, "columns"), ({"colour": "red"}, "colour"),
    )):  # fmt: skip
        said = client.post(
            "/api/v1/settlements", json.dumps({**body, **wrong}), content_type="application/json",
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": f"k{n}"},
        )  # fmt: skip
        assert said.status_code in {400, 422}, (wrong, said.content)
        assert any(each["path"].startswith(path) for each in said.json()["errors"]), (wrong, said.json())
    assert SettlementFile.objects.count() == 0
