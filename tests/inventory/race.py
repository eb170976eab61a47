"""What one process of a race for the last units does.

`way` is "service" (reservations.hold and the rest) or "naive" (read, decide, write, as it is often done), which the
same checks must catch.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any


def orders(seed: int, count: int, items: list[int]) -> list[list[tuple[int, int]]]:
    """Lines in random item order, so that whoever locks in the order of lines will deadlock."""
    chance = random.Random(seed)
    return [[(item, chance.randint(1, 2)) for item in chance.sample(items, chance.randint(1, 3))] for _ in range(count)]


def race(about: dict[str, Any]) -> Counter[str]:
    """How its orders ended: met, short, or with which error."""
    from core.actors import SYSTEM
    from core.subjects import Subject
    from inventory.services import movements, reservations

    seen: Counter[str] = Counter()
    location, me = about["location"], about["process"]
    chance = random.Random(me)
    for n, lines in enumerate(orders(me, about["orders"], about["items"])):
        uid = f"race:{me}:{n}"
        try:
            wants = [reservations.Want(str(i), item, location, q) for i, (item, q) in enumerate(lines)]
            if about["way"] == "naive":
                seen["met" if _naive(uid, wants) else "short"] += 1
                continue
            held = reservations.hold(uid, wants, actor=SYSTEM)
            seen["met" if held.ok else "short"] += 1
            if not held.ok or not about["churn"]:
                continue
            parts = [(line.id, None) for line in held.reservations]
            what = chance.random()
            if what < 0.3:
                reservations.release(parts, key=f"{uid}:back", reason="race", actor=SYSTEM)
                seen["released"] += 1
            elif what < 0.8:
                reservations.consume(parts, key=f"{uid}:ship", cause=Subject("race", uid), actor=SYSTEM)
                seen["consumed"] += 1
            else:
                moves = [movements.Move(item, 1, None, "found", location, "damaged") for item, _ in lines]
                movements.post(moves, key=f"{uid}:find", cause=Subject("race", uid), actor=SYSTEM)
        except Exception as error:
            seen[f"error: {type(error).__name__}: {error}"[:200]] += 1
    return seen


def _naive(uid: str, wants: list[Any]) -> bool:
    """Look, then write: every step is right on its own."""
    from django.utils import timezone

    from inventory.models import Reservation, ReservationDemand, Stock

    rows = {row.item_id: row for row in Stock.objects.filter(item_id__in=[want.item_id for want in wants])}
    if any(rows[want.item_id].free < want.quantity for want in wants):
        return False
    demand = ReservationDemand.objects.create(demand_uid=uid, kind="FIRM", fingerprint=b"")
    for want in wants:
        row = rows[want.item_id]
        row.reserved += want.quantity
        row.save(update_fields=["reserved"])
        Reservation.objects.create(
            demand=demand,
            ref=want.ref,
            kind="FIRM",
            item_id=want.item_id,
            location_id=want.location_id,
            quantity=want.quantity,
            created_at=timezone.now(),
        )
    return True
