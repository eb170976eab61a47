"""Money given back by programs."""

from __future__ import annotations

from orders.models import PaymentInstruction
from tests.factories.orders import incoming_line, place
from tests.orders.test_instructions import told


def test_a_refund_is_previewed_then_made_once_by_its_key(api, key):
    key[0].scopes = [*key[0].scopes, "refunds:write"]
    key[0].save()
    order = place(incoming_line(quantity=2, price="50.00"), payments=(told("captured", "100.00", "c1"),))
    path, asked = f"/api/v1/orders/{order.number}/refunds", {"lines": [{"ref": "line-SKU-1", "quantity": 1}]}

    seen = api.post(path, {**asked, "preview": True}, idempotency_key="p")
    assert (seen.status_code, seen.json()["amount"], PaymentInstruction.objects.count()) == (200, "50.00", 0)
    made = [api.post(path, asked, idempotency_key="k") for _ in "ab"]
    wrong = api.post(
        path, {"lines": [{"ref": "line-SKU-1", "quantity": 2}, {"ref": "?", "quantity": 1}]}, idempotency_key="w"
    )

    assert [each.status_code for each in made] == [201, 201]
    assert made[0].json()["number"] == made[1].json()["number"]
    assert PaymentInstruction.objects.count() == 1
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (422, "lines[1].ref")
    assert api.get(path).json()["left"] == "50.0000"
