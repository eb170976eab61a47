"""The night's look at what ERPs have of our documents: kept while it differs, gone once it agrees, shown to finance."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from core import outbox
from core.models import User
from finance.models import Posting
from integrations.erp import drifting, registry
from integrations.models import DriftFinding, DriftLook
from tests.finance import making
from tests.integrations.test_erps import erp, post, sale  # noqa: F401  (erp is a fixture)

pytestmark = pytest.mark.django_db
NIGHT = timezone.now().replace(hour=3, minute=0)


def test_what_stands_behind_a_document_is_counted_in_every_erp(erp: Any):  # noqa: F811
    wanted = sale()
    post(erp, wanted)

    (standing,) = registry.port(erp.connection).standing(wanted)

    behind = standing.behind
    assert behind is not None
    assert behind.deliveries == 1
    if erp.connection.vendor != "sap":  # whose billing is a run of its own
        assert (behind.invoices, behind.invoiced) == (1, Decimal("46.74"))


@pytest.mark.parametrize("erp", ["erpnext"], indirect=True)
def test_a_night_s_look_keeps_what_differs_and_lets_it_go_once_it_agrees(erp: Any, query_count: Any):  # noqa: F811
    for n in range(3):
        making.complete(making.order({"sku": "CAP", "ordered": 1, "price": "10"}, number=f"SO-{n}"))
    outbox.drain()
    assert set(Posting.objects.values_list("status", flat=True)) == {"POSTED"}
    wrong = Posting.objects.order_by("pk")[1]
    right = wrong.erp_number
    Posting.objects.filter(pk=wrong.pk).update(erp_number="SAL-ORD-X")

    assert drifting.look(NIGHT.replace(hour=1)) == 0  # not yet
    assert drifting.look(NIGHT) == 3
    assert drifting.look(NIGHT + timedelta(minutes=5)) == 0  # once a night

    look = DriftLook.objects.get()
    finding = DriftFinding.objects.get()
    assert (look.compared, look.differing, look.unknown) == (3, 1, 0)
    assert look.finished_at
    assert (finding.posting_id, finding.connection) == (wrong.pk, erp.connection)
    assert "kept here is SAL-ORD-X" in finding.words

    user = User.objects.create_user(email="books@example.com", password="x")
    client = Client()
    client.force_login(user)
    assert client.get("/ops/drift/").status_code == 403
    user.user_permissions.set(Permission.objects.filter(codename="view_posting"))
    client.force_login(user)
    query_count("erp-drift", lambda: client.get("/ops/drift/"))
    page = client.get("/ops/drift/").content.decode()
    assert "1 differ" in page
    assert "kept here is SAL-ORD-X" in page
    assert "SAL-ORD-X" not in client.get("/ops/drift/?unknown=1").content.decode()

    Posting.objects.filter(pk=wrong.pk).update(erp_number=right)
    erp.connection.status = "PAUSED"
    erp.connection.save()
    tomorrow = NIGHT + timedelta(days=1)
    drifting.look(tomorrow)
    assert list(DriftFinding.objects.values_list("unknown", flat=True)) == [True, True, True]

    erp.connection.status = "ACTIVE"
    erp.connection.save()
    drifting.look(tomorrow + timedelta(days=1))
    assert not DriftFinding.objects.exists()
    assert "Nothing differs" in client.get("/ops/drift/").content.decode()
