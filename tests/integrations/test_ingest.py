"""manage.py ingest as an operator calls it: outcomes, exit codes, wrong usage."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from exceptions.models import Case
from integrations import inbox
from integrations.channels import registry
from integrations.failures import Unreadable
from integrations.models import Connection, InboundMessage
from orders.models import Channel, Order
from tests.integrations.conftest import FIXTURES

pytestmark = pytest.mark.django_db


def ingest(*arguments: str, vendor: str = "shopify", channel: str = "web") -> tuple[list[dict[str, Any]], str]:
    out, err = StringIO(), StringIO()
    call_command("ingest", vendor, *arguments, "--channel", channel, "--json", stdout=out, stderr=err)
    return [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


def fixture(name: str) -> str:
    return str(FIXTURES / name)


def refused(*arguments: str, **options: str) -> CommandError:
    with pytest.raises(CommandError) as error:
        ingest(*arguments, **options)
    assert error.value.returncode == 2
    assert not InboundMessage.objects.exists()
    return error.value


def test_each_file_says_what_came_of_it(shop: Connection):
    (order, draft), _ = ingest(fixture("orders_create.json"), fixture("draft_orders_create.json"))

    assert (order["file"], order["outcome"]) == (fixture("orders_create.json"), "processed")
    assert order["order"] == Order.objects.get().number
    assert order["case"] == Case.objects.get().pk
    assert order["reason"].startswith("orders.unknown_sku")
    assert (draft["outcome"], draft["order"], draft["case"]) == ("ignored", None, None)


def test_disagreeing_figures_are_named_with_their_case(shop: Connection):
    (found,), _ = ingest(fixture("orders_create_totals_disagree.json"))

    assert "total: stated 23.43, reckoned 23.34" in found["reason"]
    assert Case.objects.get(pk=found["case"]).reason == "orders.totals_disagree"


def test_a_file_of_deliveries_is_one_order_and_known_repeats(shop: Connection):
    (found,), _ = ingest(fixture("webhook_deliveries.jsonl"))

    assert found["outcome"] == "processed"
    assert [each["outcome"] for each in found["deliveries"]] == ["processed", "duplicate", "duplicate"]
    assert Order.objects.count() == 1
    first = InboundMessage.objects.order_by("pk")[0]
    line = Path(fixture("webhook_deliveries.jsonl")).read_text().splitlines()[0]
    assert bytes(first.body).decode() in line
    assert (first.external_id, first.topic) == ("6f1d0f2a-0001", "orders/create")


def test_what_waits_in_vain_fails_with_a_case_and_goes_on_later(shop: Connection):
    (early,), _ = ingest(fixture("refunds_create.json"))
    ingest(fixture("orders_create.json"))

    assert early["outcome"] == "failed"
    assert early["reason"].startswith("missing reference: speaks of order 5600000000001")
    assert set(InboundMessage.objects.values_list("status", flat=True)) == {"PROCESSED"}
    assert not Case.objects.filter(pk=early["case"], is_open=True).exists()


@pytest.mark.parametrize(
    ("name", "content", "outcome"),
    [
        ("orders.csv", b"Name,Total\n#1001,5.00\n", "failed"),
        ("order.edi", b"ISA*00*~\r\nGS*PO~\r\n\x1a", "failed"),
        ("note.txt", "Zwei Jacken für Jürgen".encode("latin-1"), "failed"),
        ("nothing.json", b"", "ignored"),
        ("nothing.jsonl", b"\n\n", "ignored"),
        ("broken.jsonl", b'{"headers": {}, "body": \n{"id": 1}\n', "failed"),
        ("picture.png", bytes(range(256)) * 40, "failed"),
        ("large.json", b'{"note": "' + b"x" * (20 * 1024 * 1024) + b'"}', "failed"),
    ],
)
def test_any_file_gets_a_named_outcome(shop: Connection, tmp_path: Path, name: str, content: bytes, outcome: str):
    path = tmp_path / name
    path.write_bytes(content)

    (found,), _ = ingest(str(path))

    assert found["outcome"] == outcome
    assert found["reason"]
    if name == "large.json":
        assert found["reason"].startswith("too large")
        assert bytes(InboundMessage.objects.get().body) == content


def test_what_a_reader_does_not_know_is_kept_and_says_what_it_holds(shop: Connection, tmp_path: Path):
    path = tmp_path / "order.json"
    path.write_text('{"id": "evt_1"}')

    (found,), _ = ingest(str(path), vendor="sendle")

    assert (found["outcome"], found["reason"]) == (
        "failed", "bad value: no document of Sendle's that is known here: it holds id",
    )  # fmt: skip
    assert bytes(InboundMessage.objects.get().body) == path.read_bytes()


def test_a_connection_whose_vendor_is_not_installed_says_so():
    with pytest.raises(Unreadable, match="no translator for nobody is installed; the bytes are kept"):
        registry.get("nobody")


def test_wrong_usage_is_2_and_feeds_nothing(shop: Connection, tmp_path: Path):
    assert "Known: adyen, amazon" in str(refused(fixture("orders_create.json"), vendor="shopfy"))
    assert "No such file" in str(refused(fixture("orders_create.json"), str(tmp_path / "missing.json")))
    assert "is a folder" in str(refused(str(tmp_path)))
    Connection.objects.update(status="PAUSED")
    assert "paused" in str(refused(fixture("orders_create.json")))


def test_a_new_channel_is_made_in_development_and_says_so(db: None):
    (found,), said = ingest(fixture("orders_create_test.json"), channel="pop-up")

    assert found["outcome"] == "processed"
    assert Channel.objects.get().code == "pop-up"
    assert "The channel pop-up did not exist" in said


def test_in_production_an_unknown_channel_is_refused_naming_the_known(shop: Connection, settings: Any):
    settings.PRODUCTION = True

    assert "Known: web" in str(refused(fixture("orders_create.json"), channel="wbe"))


def test_people_read_it_too(shop: Connection):
    out = StringIO()

    call_command("ingest", "shopify", fixture("orders_create_test.json"), "--channel", "web", stdout=out)

    assert out.getvalue().startswith("processed  ")
    assert inbox.outcome(InboundMessage.objects.get().pk).order in out.getvalue()


def test_a_folder_of_samples_becomes_a_page_and_leaves_nothing_behind(tmp_path, db):
    folder = tmp_path / "shopify"
    folder.mkdir()
    (folder / "order.json").write_bytes((FIXTURES / "orders_create.json").read_bytes())
    (folder / "torn.json").write_bytes(b'{"id": 5, "line_')
    said = StringIO()

    call_command("sample_report", tmp_path, stdout=said)

    page = said.getvalue()
    assert "| Shopify | 2 | 1 | 0 | 0 | 1 |" in page
    assert "| order.json | processed |" in page
    assert "| torn.json | failed | unparsable: not JSON" in page
    assert not InboundMessage.objects.exists()
    assert not Channel.objects.filter(code="samples-shopify").exists()
