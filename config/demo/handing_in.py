"""Where the demo's customers can hand a parcel in: accounts at DHL and UPS, and one place that was chosen."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from core import actors
from core.models import User
from integrations.carriers import dropping
from integrations.models import Connection
from returns.models import ReturnRequest
from returns.services import drop_offs

VARIABLE = "BACKROOM_DEMO_PLACES"  # {"url": …, "key": …}, set by `dev.py demo`


def make(say: Callable[[str], None]) -> None:
    """Safe to repeat; without its local server there is nothing to ask."""
    if not os.environ.get(VARIABLE):
        return
    server = json.loads(os.environ[VARIABLE])
    _account("dhl", "DHL", "key", server)
    _account("ups", "UPS", "client_secret", server)
    waiting = ReturnRequest.objects.filter(status="OPEN", approved_at__isnull=False, lines__reception="AWAITING")
    sana = actors.person(User.objects.get(email="service@harrowvale.example"))
    count = 0
    for rma in waiting.select_related("location").distinct().order_by("pk"):
        if rma.drop_off:
            return
        count = len((near := dropping.near(rma)).places)
        if near.places:
            drop_offs.choose(rma.pk, near.places[0].place, actor=sana)
            break
    say(f"{count} places of DHL and UPS near a customer, of which one was chosen")


def _account(code: str, name: str, secret: str, server: dict[str, str]) -> None:
    account, _ = Connection.objects.get_or_create(
        code=code, defaults={"name": name, "kind": Connection.Kind.CARRIER, "vendor": code}
    )
    account.settings = {"places_url": server["url"], "client_id": "client", "private_address_allowed": True}
    account.save(update_fields=["settings", "updated_at"])
    account.keep_secret(secret, server["key"], retire_others=True)
