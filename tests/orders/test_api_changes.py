"""Partners change what was ordered: shown first, agreed once, refused with a reason."""

from __future__ import annotations

import pytest

from inventory.models import Stock
from orders.models import OrderChange
from tests.factories.inventory import ItemFactory, StockFactory
from tests.factories.orders import ChannelFactory
from tests.orders.conftest import body

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    ChannelFactory()
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=10)


@pytest.fixture
def placed(api):
    return api.order(body(line__quantity=4, total="40.00"))


FEWER = {"edits": [{"edit": "quantity", "line": "1", "quantity": 1}]}


def test_a_change_is_shown_and_then_done_exactly_so(api, placed):
    where = f"{placed.headers['Location']}/changes"

    seen = api.post(f"{where}/preview", FEWER, idempotency_key=None).json()
    assert (seen["possible"], seen["refusals"]) == (True, [])
    assert Stock.objects.get().reserved == 4
    assert not OrderChange.objects.exists()

    done = api.post(where, FEWER | {"token": seen["token"], "note": "Rang"}, **{"If-Match": placed.headers["ETag"]})

    assert (done.status_code, done.json()["status"], done.json()["by"]) == (201, "CONFIRMED", "Shop")
    assert Stock.objects.get().reserved == 1
    assert [change["id"] for change in api.get(where).json()["items"]] == [done.json()["id"]]


def test_the_same_call_again_changes_nothing_more(api, placed):
    where, match = f"{placed.headers['Location']}/changes", {"If-Match": placed.headers["ETag"]}

    first = api.post(where, FEWER, idempotency_key="c1", **match)
    again = api.post(where, FEWER, idempotency_key="c1", **match)

    assert again.content == first.content
    assert OrderChange.objects.count() == 1


def test_an_old_version_an_unknown_line_and_no_edits_are_refused(api, placed):
    where, match = f"{placed.headers['Location']}/changes", {"If-Match": placed.headers["ETag"]}
    nobody = {"edits": [{"edit": "quantity", "line": "NO", "quantity": 1}]}

    assert api.post(where, FEWER).status_code == 428
    assert api.post(where, FEWER, **{"If-Match": '"v99"'}).status_code == 412
    assert api.post(f"{where}/preview", nobody).json()["possible"] is False
    assert api.post(where, nobody, **match).status_code in {404, 409, 422}
    for wrong in ({}, [], {"edits": []}, {"edits": [{"edit": "explode"}]}, FEWER | {"colour": 1}, FEWER | {"note": 7}):
        assert api.post(where, wrong, **match).status_code == 400
    assert Stock.objects.get().reserved == 4


def test_another_channels_order_is_not_there_to_change(api, key, placed):
    key[0].channels.add(ChannelFactory(code="other"))

    assert api.post(f"{placed.headers['Location']}/changes/preview", FEWER).status_code == 404
    assert api.post(f"{placed.headers['Location']}/changes", FEWER, **{"If-Match": "*"}).status_code == 404
    assert Stock.objects.get().reserved == 4
