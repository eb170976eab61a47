"""What a connection's words mean: said on the failed message, tested on it, and all that failed for want of it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from config.demo import tills
from core import outbox
from core.actors import SYSTEM
from core.errors import Invalid
from core.models import Job, User
from integrations import aliases, codes, inbox, replaying
from integrations.files.orders import drops
from integrations.models import Alias, AliasChange, AliasKind, Connection, FileDrop, InboundMessage
from inventory.models import ItemAlias, LocationAlias, Stock
from inventory.services import sources
from orders.models import Channel, Order, Payment
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.integrations.test_inbox import deliver
from tests.integrations.test_screens import person
from tests.integrations.test_square import connect, fixture

pytestmark = pytest.mark.django_db
ALL = ("view_inboundmessage", "view_connection", "reprocess_inboundmessage", "map_connection")


def fed(shop: Connection, name: str, document: object) -> int:
    message_id = deliver(shop, name, "", body=json.dumps(document).encode())
    inbox.process(message_id)
    return message_id


@pytest.fixture
def till() -> Connection:
    return connect()


def shelved(code: str = "LEEDS") -> Stock:
    """A mug at a place of ours, called by Square what its fixture calls it."""
    place, mug = LocationFactory(code=code), ItemFactory(sku="MUG-RED")
    ItemAlias.objects.create(system="square", code="variation:VMUG", item=mug)
    return StockFactory(item=mug, location=place, sellable=10)


def sale(ref: str) -> dict:
    return {"order": fixture("sale_tax_included")["order"] | {"id": ref, "tenders": []}}


def run_jobs() -> Job:
    job = Job.objects.latest("pk")
    replaying.step(job.pk)
    job.refresh_from_db()
    return job


def test_a_missing_place_is_said_on_the_message_tested_and_all_that_lack_it_go_through(till: Connection):
    stock = shelved()
    first, second = fed(till, "a", sale("S1")), fed(till, "b", sale("S2"))
    client = person(*ALL)

    panel = client.get(f"/ops/messages/{first}/mapping").content.decode()
    assert "2 messages failed for want of it" in panel
    assert 'value="LEEDS"' in panel
    assert f'hx-get="/ops/messages/{first}/mapping"' in client.get(f"/ops/messages/{first}").content.decode()

    given = {"kind": "LOCATION", "code": "LSHOP1", "means": "LEEDS"}
    tried = client.post(f"/ops/messages/{first}/mapping/test", given).content.decode()
    assert "It would be processed" in tried
    assert (Order.objects.count(), LocationAlias.objects.count(), AliasChange.objects.count()) == (0, 0, 0)

    assert client.post(f"/ops/messages/{first}/mapping/save", given | {"expected": "1"}).status_code == 409
    assert LocationAlias.objects.count() == 0
    assert client.post(f"/ops/messages/{first}/mapping/save", given | {"expected": "2"}).status_code == 303
    job = run_jobs()

    assert (job.done, job.failed) == (2, 0)
    assert [m.mapping_version for m in InboundMessage.objects.filter(pk__in=(first, second))] == ["square/1+1"] * 2
    stock.refresh_from_db()
    assert stock.sellable == 6
    assert set(Order.objects.values_list("pickup_location_code", flat=True)) == {"LEEDS"}


def test_a_status_nobody_knows_is_explained_by_one_its_vendor_documents(till: Connection):
    shelved("LSHOP1")
    odd = sale("S1")
    odd["order"]["state"] = "RUNG_UP"
    message_id = fed(till, "a", odd)
    client = person(*ALL)
    assert '<option value="COMPLETED">' in client.get(f"/ops/messages/{message_id}/mapping").content.decode()

    given = {"kind": "STATUS", "code": "RUNG_UP", "means": "COMPLETED"}
    assert "It would be processed" in client.post(f"/ops/messages/{message_id}/mapping/test", given).content.decode()
    nonsense = given | {"means": "HALF-DONE"}
    assert "would fail again" in client.post(f"/ops/messages/{message_id}/mapping/test", nonsense).content.decode()
    client.post(f"/ops/messages/{message_id}/mapping/save", given | {"expected": "1"})
    run_jobs()

    assert Order.objects.get().channel_ref == "S1"
    assert client.post(f"/ops/messages/{message_id}/mapping/test", given).status_code == 409  # it lacks nothing now


def test_words_of_one_connection_are_its_own(till: Connection):
    shelved("LSHOP1")
    aliases.say(till.pk, "STATUS", "rung_up", "COMPLETED", actor=SYSTEM)
    other = Connection.objects.create(
        code="sq-2", name="Other", kind="CHANNEL", vendor="square", channel=Channel.objects.create(code="o", name="O", currency="GBP")
    )  # fmt: skip
    odd = sale("S1")
    odd["order"]["state"] = "RUNG_UP"

    assert InboundMessage.objects.get(pk=fed(till, "a", odd)).status == "PROCESSED"
    assert InboundMessage.objects.get(pk=fed(other, "b", odd)).status == "FAILED"


def test_a_way_to_pay_is_named_as_we_name_it(till: Connection):
    shelved("LSHOP1")
    aliases.say(till.pk, "PAYMENT", "Cash", "CASH-DRAWER", actor=SYSTEM)

    fed(till, "a", fixture("sale_tax_included"))

    assert list(Payment.objects.values_list("gateway", "amount")) == [("CASH-DRAWER", Decimal(24))]


def test_every_step_is_a_version_whoever_made_it(till: Connection):
    mug, cup = ItemFactory(sku="MUG"), ItemFactory(sku="CUP")
    source = sources.ensure("square", name="Square", alias_system="square", actor=SYSTEM)

    assert aliases.say(till.pk, "ITEM", "v1", "MUG", actor=SYSTEM) == 1
    assert aliases.say(till.pk, "ITEM", "v1", "MUG", actor=SYSTEM) == 1
    assert aliases.say(till.pk, "ITEM", "v1", "CUP", actor=SYSTEM) == 2
    sources.name_item(source.pk, "v2", mug.pk, actor=SYSTEM)
    assert aliases.say(till.pk, "CARRIER", "dpd", "DPD_UK", actor=SYSTEM) in {3, 4}
    outbox.drain()
    assert aliases.say(till.pk, "ITEM", "v1", "", actor=SYSTEM) == 5

    steps = {(c.code, c.before, c.after) for c in AliasChange.objects.all()}
    assert steps == {
        ("v1", "", "MUG"),
        ("v1", "MUG", "CUP"),
        ("v2", "", "MUG"),
        ("dpd", "", "DPD_UK"),
        ("v1", "CUP", ""),
    }
    till.refresh_from_db()
    assert till.mapping_version == 5
    assert aliases.outward(till, AliasKind.CARRIER, "carriers") == {"dpd": "DPD_UK"}
    assert not cup.aliases.exists()
    for kind, code, means in (
        ("ITEM", "x", "NOBODY"),
        ("LOCATION", "x", "NOWHERE"),
        ("DREAM", "x", "y"),
        ("STATUS", "", "y"),
    ):
        with pytest.raises(Invalid):
            aliases.say(till.pk, kind, code, means, actor=SYSTEM)


def test_the_list_is_searched_paged_and_changed_by_whoever_may(till: Connection, client: Client, query_count: Any):
    Alias.objects.bulk_create(
        Alias(connection=till, kind="STATUS", code=f"WORD {n:03}", means="COMPLETED") for n in range(60)
    )
    where = f"/ops/links/{till.pk}/aliases"
    seen, other = person("view_connection"), person(*ALL)

    page = seen.get(where, {"kind": "STATUS"}).content.decode()
    with query_count("aliases", lambda: seen.get(where, {"kind": "STATUS"})):
        aliases.say(till.pk, "STATUS", "A WORD", "OPEN", actor=SYSTEM)
        aliases.say(till.pk, "STATUS", "A WORD", "", actor=SYSTEM)
    query_count("alias-history", lambda: seen.get(f"{where}/history"))
    assert "1 to 50 of 60" in page
    assert "Forget" not in page
    assert "WORD 007" in seen.get(where, {"kind": "STATUS", "q": "word 007"}).content.decode()
    assert "No aliases match" in seen.get(where, {"kind": "TAX", "q": "zzz"}).content.decode()
    assert seen.get(where, {"kind": "NONE"}).status_code == 400
    assert client.get(where).status_code == 302
    assert seen.post(f"{where}/say", {"kind": "STATUS", "code": "A", "means": "OPEN"}).status_code == 403

    assert other.post(f"{where}/say", {"kind": "STATUS", "code": "A", "means": "OPEN"}).status_code == 303
    assert other.post(f"{where}/say", {"kind": "STATUS", "code": "A", "forget": "1"}).status_code == 303
    refused = other.post(f"{where}/say", {"kind": "ITEM", "code": "A", "means": "NOBODY"})
    assert refused.status_code == 422
    assert "No item has the SKU NOBODY" in refused.content.decode()
    history = seen.get(f"{where}/history").content.decode()
    assert history.count('id="version-') == 4


def test_the_demo_s_tills_lack_one_place_and_two_articles_and_a_file_waits():
    User.objects.create_user("ida@example.com", "x", name="Ida").groups.add(
        Group.objects.get_or_create(name="Integration")[0]
    )
    StockFactory(item=ItemFactory(name="Mug"), location=LocationFactory(kind="STORE"), sellable=9)

    for _ in range(2):
        tills.make(lambda words: None)

    assert sorted(InboundMessage.objects.values_list("status", flat=True)) == [
        "FAILED",
        "FAILED",
        "PROCESSED",
        "PROCESSED",
    ]
    listed = codes.missing(Connection.objects.get(code="square"))
    assert list(listed.order_by("title").values_list("title", flat=True)) == ["Alterations, per seam", "Gift wrapping"]
    seen = drops.preview(FileDrop.objects.get())
    assert [bool(each.faults) for each in seen.shown] == [False, True]
