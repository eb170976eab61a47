"""Verdicts on fraud that come after the order: from a provider, through the API or by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem
from inventory.services.locking import retrying
from orders import canonical
from orders import events as facts
from orders.holding import LEVELS
from orders.services import holds, lifecycle
from orders.services.desk import open_desk


def judge(
    order_id: int,
    *,
    provider: str,
    level: str,
    score: int | None = None,
    reasons: Sequence[str] = (),
    at: datetime | None = None,
    actor: Actor,
) -> bool:
    """Keep what a provider says of an order and let the rules look at it; False when a newer word of it is known.

    Raises a hold where a rule says so, and ends it when the verdict gets better. Safe to repeat. Locks the order.
    """
    name = canonical.clean(provider)[:60]
    problems = []
    if not name or name == "source":
        problems.append(Problem("provider", "required", "names who judged"))
    if level not in LEVELS:
        problems.append(Problem("level", "choice", f"must be one of {', '.join(LEVELS)}"))
    if score is not None and not 0 <= score <= 100:
        problems.append(Problem("score", "range", "must be 0 to 100"))
    if problems:
        raise Invalid(problems)
    moment = (at or timezone.now()).isoformat()
    said = {
        "level": level,
        "score": score,
        "reasons": [canonical.clean(why)[:255] for why in reasons[:20]],
        "by": "provider",
        "at": moment,
    }

    def work() -> bool:
        desk = open_desk(order_id, actor=actor)
        before = desk.order.risk.get(name)
        if before and before.get("at", "") >= moment:
            return False
        desk.order.risk = desk.order.risk | {name: said}
        desk.note(facts.RISK_JUDGED, {"provider": name} | {k: said[k] for k in ("level", "score", "reasons")})
        holds.sync(desk)
        lifecycle.save(desk)
        return True

    return retrying(work)
