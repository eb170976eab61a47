"""Returns over the API: asked for once, judged with the rule, approved with its version, scoped to the key."""

from __future__ import annotations

import pytest

from integrations.models import ApiClient
from returns.models import ReturnRequest
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.orders import PLACED_AT, ChannelFactory
from tests.factories.returns import service, sold
from tests.orders.conftest import Api

pytestmark = pytest.mark.django_db
SCOPES = ["returns:read", "returns:write", "returns:approve"]
URL = "/api/v1/returns"


@pytest.fixture
def api(client):
    ItemFactory(sku="SKU-1", weight_grams=400)
    LocationFactory(code="centre", name="Returns centre", kind="RETURNS_CENTRE", returns=True)
    return Api(client, ApiClient.issue("Shop", scopes=SCOPES)[1])


@pytest.fixture
def order(api):
    from django.utils import timezone

    return sold(placed_at=timezone.now())


def body(**fields):
    line = {"line": "line-SKU-1", "quantity": 1, "reason": "TOO_SMALL"} | fields.pop("line", {})
    return {"channel": "webshop", "channel_ref": "1001", "lines": [line]} | fields


def test_a_return_is_asked_for_once_and_says_which_rule_decided(api, order):
    made = api.post(URL, body(ref="R-1"))
    again = api.post(URL, body(ref="R-1"))

    said = made.json()
    assert (made.status_code, again.status_code) == (201, 200)
    assert again.json()["number"] == said["number"]
    assert said["order"] == order.number
    assert (said["verdict"], said["location"]) == ("ELIGIBLE", "centre")
    assert said["decision"]["code"] in {"standard", "holidays"}
    assert said["approved_at"]
    assert api.get(f"{URL}/{said['number']}").json()["lines"][0]["awaited"] == 1
    listed = api.get(URL, {"order": order.number, "needs": "goods"}).json()["items"]
    assert [row["number"] for row in listed] == [said["number"]]


def test_validating_leaves_nothing_and_weighs_everything(api, order):
    answer = api.post(f"{URL}/validate", body(line={"quantity": 9})).json()

    assert (answer["verdict"], answer["decision"]["code"]) == ("DENIED", "already-returned")
    assert answer["lines"][0]["weighed"]
    assert [place["code"] for place in answer["route"]["places"]] == ["centre"]
    assert not ReturnRequest.objects.exists()


def test_a_person_s_decision_needs_the_version_it_was_based_on(api, order):
    made = api.post(URL, body(line={"condition": "USED"}))
    said = made.json()
    url = f"{URL}/{said['number']}"
    assert (said["status"], said["approved_at"]) == ("OPEN", None)

    blind = api.post(f"{url}/approve", {})
    stale = api.post(f"{url}/approve", {}, **{"If-Match": '"99"'})
    given = api.post(f"{url}/approve", {"fee": "4.50"}, **{"If-Match": made.headers["ETag"]})

    assert (blind.status_code, stale.status_code, given.status_code) == (428, 412, 200)
    assert given.json()["fee"] == "4.5000"
    late = api.post(f"{url}/decline", {"reason": "No"}, **{"If-Match": given.headers["ETag"]})
    assert late.status_code == 409
    assert api.post(f"{url}/cancel", {"reason": "Keeps it"}).json()["status"] == "CANCELLED"


def test_what_the_policy_denies_needs_a_reason(api):
    sold(placed_at=PLACED_AT.replace(year=2024))
    made = api.post(URL, body())
    said = made.json()
    url = f"{URL}/{said['number']}/approve"
    assert (said["status"], said["rule"]) == ("DECLINED", "standard")

    assert api.post(url, {}, **{"If-Match": made.headers["ETag"]}).json()["code"] == "denied"
    given = api.post(url, {"override": "Kept by a strike"}, **{"If-Match": made.headers["ETag"]})
    assert given.json()["status"] == "OPEN"


def test_a_label_is_offered_and_ordered(api, order):
    service()
    number = api.post(URL, body()).json()["number"]

    assert api.get(f"{URL}/{number}/label").json()["items"][0]["cost"] == "3.5000"
    label = api.post(f"{URL}/{number}/label", {}).json()

    assert (label["status"], label["cost"]) == ("BOUGHT", "3.5000")


def test_a_key_sees_the_returns_of_its_channels_and_needs_its_scopes(api, order, client):
    number = api.post(URL, body()).json()["number"]
    bound, key = ApiClient.issue("Other", scopes=SCOPES)
    bound.channels.add(ChannelFactory(code="other"))
    foreign = Api(client, key)
    reader = Api(client, ApiClient.issue("Reader", scopes=["returns:read"])[1])

    assert foreign.get(f"{URL}/{number}").status_code == 404
    assert foreign.get(URL).json()["items"] == []
    assert foreign.post(URL, body()).status_code in {404, 422}
    assert reader.post(URL, body()).status_code == 403
    assert api.post(f"{URL}/{number}/decline", {"reason": "x"}).status_code == 428


@pytest.mark.parametrize(
    ("wrong", "path", "status"),
    [
        (body(line={"quantity": 0}), "lines[0].quantity", 400),
        (body(line={"quantity": True}), "lines[0].quantity", 400),
        (body(line={"reason": "BORED"}), "lines[0].reason", 400),
        (body(line={"line": "nowhere"}), "lines[0].line", 422),
        (body(status="COMPLETED"), "status", 400),
        ({"lines": [{"sku": "SKU-1", "quantity": 1}], "ref": "R-1"}, "channel", 400),
        ({"lines": [{"sku": "SKU-1", "quantity": 1}]}, "order", 422),
        ({"lines": []}, "lines", 400),
    ],
)
def test_what_makes_no_sense_is_named_by_its_path(api, order, wrong, path, status):
    answer = api.post(URL, wrong)

    assert answer.status_code == status, answer.content
    assert path in [each["path"] for each in answer.json()["errors"]]
    assert not ReturnRequest.objects.exists()
