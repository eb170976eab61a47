"""A policy in shadow: what it would have done with an order, kept beside what was done. It never stops an order."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from orders import sourcing
from orders.models import ShadowDecision
from orders.services.desk import Desk
from orders.services.situation import Situation
from orders.sourcing import Node, Plan, measures

log = logging.getLogger(__name__)


def watch(desk: Desk, asked: Situation, nodes: Sequence[Node], live: Plan) -> None:
    """Have the scope's shadow plan over the same nodes, and note both on the desk. Without a shadow, nothing."""
    if asked.shadow is None or asked.shadow.version_id is None:
        return
    try:
        desk.shadows.append(_decision(desk, asked, asked.shadow, asked.shadow.version_id, nodes, live))
    except Exception:  # a policy nobody relies on yet must not keep an order from being taken
        log.exception("The shadow %s failed over order %s", asked.shadow.name, desk.order.number)


def _decision(
    desk: Desk, asked: Situation, shadow: sourcing.Ladder, version_id: int, nodes: Sequence[Node], live: Plan
) -> ShadowDecision:
    found = sourcing.plan(asked.request, nodes, shadow)
    by_id = {node.location_id: node for node in nodes}
    would, did = (measures.of(asked.request, plan.picks, by_id) for plan in (found, live))
    return ShadowDecision(
        order_id=desk.order.pk,
        policy_version_id=version_id,
        sequence=desk.order.sourcings,
        rule=found.rule,
        live_rule=live.rule,
        same=set(found.picks) == set(live.picks) and (bool(found.picks) or found.then == live.then),
        picks=[[pick.line_id, pick.location_id, pick.quantity] for pick in found.picks],
        nodes=would.nodes,
        live_nodes=did.nodes,
        kilometres=would.kilometres,
        live_kilometres=did.kilometres,
        cost=would.cost,
        live_cost=did.cost,
        late=would.late,
        live_late=did.late,
    )
