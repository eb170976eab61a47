"""Putting goods back on their shelf that were picked for work which ended or shrank."""

from __future__ import annotations

from django.utils import timezone

from core import live
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from inventory.services.locking import retrying
from orders.models import PutBack
from orders.services import picking
from orders.services.leftovers import TOPIC


def scan(location_id: int, *, code: str, quantity: int = 1, actor: Actor) -> PutBack:
    """Units are on their shelf again; the oldest of that article here first.

    Refusal("nothing_to_put_back") for an article nobody waits for, ("unknown_code") for a code nobody knows.
    """
    if isinstance(quantity, bool) or quantity < 1:
        raise Invalid([Problem("quantity", "range", "must be a whole number from 1")], status=422)

    def work() -> PutBack:
        waiting = PutBack.objects.waiting().filter(location=location_id)
        among = set(waiting.values_list("item_id", flat=True))
        items = picking.items_of(code, "", among=among)
        row = waiting.filter(item__in=items).select_related("item", "fulfilment").order_by("pk")
        found = row.select_for_update(no_key=True, of=("self",)).first()
        if found is None:
            raise Refusal("nothing_to_put_back", f"Nothing of {code} is to be put back here.", scanned=code)
        if found.quantity - found.done < quantity:
            raise Refusal("too_many", f"Only {found.quantity - found.done} of it are to be put back.")
        found.done += quantity
        if found.done == found.quantity:
            found.done_at, found.done_by = timezone.now(), actor.label[:200]
        found.save(update_fields=["done", "done_at", "done_by"])
        live.poke(TOPIC)
        return found

    return retrying(work)
