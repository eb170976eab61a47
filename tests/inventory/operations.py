"""Every stock operation as plain data, so that it can be done here, by another process, or by the model.

`perform(op)` says whether it was accepted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

Op = dict[str, Any]


def perform(op: Op) -> bool:
    from core.errors import Refusal

    try:
        return _DO[op["do"]](op)
    except Refusal as refusal:
        if refusal.status == 503:
            raise
        return False


def _hold(op: Op) -> bool:
    from core.actors import SYSTEM
    from inventory.services import kits, reservations

    wants = [reservations.Want(str(n), *line) for n, line in enumerate(op["lines"])]
    soft: dict[str, Any] = {"kind": "SOFT", "ttl": timedelta(hours=1)} if op["soft"] else {}
    return reservations.hold(op["uid"], kits.explode(wants), actor=SYSTEM, **soft).ok


def _extend(op: Op) -> bool:
    from core.actors import SYSTEM
    from inventory.services import reservations

    return bool(reservations.extend(op["uid"], ttl=timedelta(hours=2), actor=SYSTEM))


def _confirm(op: Op) -> bool:
    from core.actors import SYSTEM
    from inventory.services import reservations

    return bool(reservations.confirm(op["uid"], actor=SYSTEM))


def _end(op: Op) -> bool:
    from core.actors import SYSTEM
    from core.errors import Refusal
    from core.subjects import Subject
    from inventory.models import Reservation
    from inventory.services import reservations
    from inventory.services.movements import Named

    rows = Reservation.objects.filter(demand__demand_uid=op["uid"], split_from=None).order_by("pk")
    ids = list(rows.values_list("pk", flat=True))
    if op["n"] >= len(ids):
        raise Refusal("unknown", "no such line")
    pk = ids[op["n"]]
    if op["do"] == "release":
        reservations.release([(pk, op["quantity"])], key=op["key"], reason="test", actor=SYSTEM)
    else:
        units = {pk: [Named(*each) for each in op["units"]]} if op["units"] else {}
        cause = Subject("test", "1")
        reservations.consume([(pk, op["quantity"])], key=op["key"], cause=cause, actor=SYSTEM, units=units)
    return True


def _posting(op: Op) -> Any:
    from core.actors import SYSTEM
    from core.subjects import Subject
    from inventory.services.movements import Move, Posting

    moves = [Move(*move[:6], lot=move[6], serials=tuple(move[7])) for move in op["moves"]]
    return Posting(moves, op["key"], Subject("test", "1"), SYSTEM)


def _post(op: Op) -> bool:
    from inventory.services import movements

    wanted = _posting(op)
    movements.post(wanted.moves, key=wanted.key, cause=wanted.cause, actor=wanted.actor)
    return True


def _many(op: Op) -> list[bool]:  # type: ignore[misc]
    from inventory.services import movements

    results = movements.post_many([_posting(entry) for entry in op["entries"]])
    return [isinstance(result, movements.Posted) for result in results]


def _compensate(op: Op) -> bool:
    from core.actors import SYSTEM
    from inventory.models import StockMovement
    from inventory.services import movements

    ids = list(StockMovement.objects.filter(key=op["of"]).values_list("pk", flat=True))
    movements.compensate(ids, key=op["key"], actor=SYSTEM)
    return True


def _expire(op: Op) -> bool:
    from inventory.services import reservations

    reservations.expire()
    return True


_DO: dict[str, Any] = {
    "hold": _hold,
    "extend": _extend,
    "confirm": _confirm,
    "release": _end,
    "consume": _end,
    "post": _post,
    "many": _many,
    "compensate": _compensate,
    "expire": _expire,
}
