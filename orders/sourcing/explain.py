"""A plan as rows for a person: why this node, and why not the others. Complete enough to be replayed."""

from __future__ import annotations

from typing import Any

from orders.sourcing.candidates import Request
from orders.sourcing.ladder import Plan

SHOWN = 60  # candidates spelled out; the others are kept as bare rows


def explain(request: Request, plan: Plan) -> dict[str, Any]:
    """JSON-ready: wants, candidates by rank with scores, exclusions with reasons, picks, what is short."""
    told = _one(plan)
    told |= {
        "method": request.method,
        "then": str(plan.then),
        "asked": plan.asked.name if plan.asked else "",
        "picks": [[p.line_id, p.location_id, p.quantity] for p in plan.picks],
        "short": [[want.line_id, want.quantity, available] for want, available in plan.short],
    }
    if plan.alone:
        told["alone"] = [_one(part) | {"rule": part.rule} for part in plan.alone]
    if request.worth:
        told["worth"] = {str(line): round(worth, 2) for line, worth in request.worth.items()}
    if request.promise_by is not None:
        told["promise_by"] = request.promise_by
    return told


def _one(plan: Plan) -> dict[str, Any]:
    """Of one group. A row of `others` is [node, scores, free units], of `excluded_others` [node, why, free units]."""
    items = [want.item_id for want in plan.wants]
    rule = plan.asked or plan.ladder.rules[-1]
    told: dict[str, Any] = {
        "wants": [[want.line_id, want.item_id, want.quantity] for want in plan.wants],
        "criteria": [criterion.name for criterion in rule.criteria],
        "candidates": [
            {
                "id": node.location_id,
                "code": node.code,
                "scores": list(score),
                "free": [node.free.get(item, 0) for item in items],
            }
            for node, score in plan.ranked[:SHOWN]
        ],
        "candidates_not_shown": max(0, len(plan.ranked) - SHOWN),
        "excluded": [
            {"id": n.location_id, "code": n.code, "why": why, "free": [n.free.get(item, 0) for item in items]}
            for n, why in plan.excluded[:SHOWN]
        ],
        "tried": [list(each) for each in plan.tried],
        "exhaustive": plan.exhaustive,
    }
    if len(plan.ranked) > SHOWN:
        told["others"] = [
            [node.location_id, score, [node.free.get(item, 0) for item in items]] for node, score in plan.ranked[SHOWN:]
        ]
    if len(plan.excluded) > SHOWN:
        told["excluded_others"] = [
            [node.location_id, why, [node.free.get(item, 0) for item in items]] for node, why in plan.excluded[SHOWN:]
        ]
    return told
