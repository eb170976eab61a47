"""How the demo finds its nodes: costs and carriers' hours of each place, a policy that is live, and one in shadow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from decimal import Decimal

from core.actors import SYSTEM
from inventory.models import Location
from orders.models import NodeTerms, SourcingPolicy
from orders.services import nodework, policies

NEAREST = [
    {
        "name": "one_node",
        "criteria": [{"name": "domestic"}, {"name": "promise"}, {"name": "distance", "step": 0.1}, {"name": "capacity"},
                     {"name": "depth"}],
    },
    {
        "name": "fewest_nodes", "split": True, "max_nodes": 4,
        "criteria": [{"name": "domestic"}, {"name": "distance"}, {"name": "depth"}],
    },
]  # fmt: skip
DEPOTS_FIRST = [
    {
        "name": "depot", "nodes": {"kinds": ["WAREHOUSE", "THIRD_PARTY"]},
        "criteria": [{"name": "domestic"}, {"name": "shipping_cost"}, {"name": "capacity", "settings": {"least": 0.1}}],
    },
    *NEAREST,
]  # fmt: skip


def make(say: Callable[[str], None]) -> None:
    """Made once."""
    if SourcingPolicy.objects.exists():
        return
    for place in Location.objects.order_by("code"):
        store = place.kind == "STORE"
        nodework.state(
            place.pk,
            NodeTerms(
                currency="GBP", parcel=Decimal("5.20" if store else "3.10"), parcel_abroad=Decimal("11.40"),
                kilo=Decimal("0.35"), handling=Decimal("1.80" if store else "0.90"), handling_unit=Decimal("0.20"),
                cut_off=time(16, 0) if store else time(19, 30), days=1, days_abroad=3,
            ),
            version=None,
            actor=SYSTEM,
        )  # fmt: skip
    live = policies.create("nearest", "Nearest first", channel=None, rules=NEAREST, actor=SYSTEM)
    policies.watch(live.pk, version=None, actor=SYSTEM)
    policies.go_live(live.pk, version=None, actor=SYSTEM)
    shadow = policies.create("depots-first", "Depots first", channel=None, rules=DEPOTS_FIRST, actor=SYSTEM)
    policies.watch(shadow.pk, version=None, actor=SYSTEM)
    say("2 sourcing policies, one of them in shadow")
