"""A plan as rows for a person: why this node, and why not the others."""

from __future__ import annotations

from typing import Any

from orders.sourcing.candidates import Request
from orders.sourcing.ladder import Plan

SHOWN = 60


def explain(request: Request, plan: Plan) -> dict[str, Any]:
    """JSON-ready: wants, candidates by rank with scores, exclusions with reasons, picks, what is short."""
    rule = next((r for r in plan.ladder.rules if r.name == plan.rule), plan.ladder.rules[-1])
    items = [want.item_id for want in request.wants]
    return {
        "method": request.method,
        "wants": [[want.line_id, want.item_id, want.quantity] for want in request.wants],
        "criteria": list(rule.criteria),
        "candidates": [
            {
                "id": node.location_id,
                "code": node.code,
                "scores": list(score),
                "free": [node.free.get(i, 0) for i in items],
            }
            for node, score in plan.ranked[:SHOWN]
        ],
        "candidates_not_shown": max(0, len(plan.ranked) - SHOWN),
        "excluded": [{"id": n.location_id, "code": n.code, "why": why} for n, why in plan.excluded[:SHOWN]],
        "picks": [[p.line_id, p.location_id, p.quantity] for p in plan.picks],
        "short": [[want.line_id, want.quantity, available] for want, available in plan.short],
        "exhaustive": plan.exhaustive,
    }
