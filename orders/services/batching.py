"""A batch of waiting orders placed together: worked out and shown beside one-by-one, then done on a person's word.

Both are jobs. The first only reads. The second places each order in its own transaction through the usual allocation,
at the nodes it was shown for; whatever changed meanwhile is skipped and says why, and goes on waiting.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from core import actors, jobs
from core.actors import SYSTEM, Actor
from core.errors import Refusal
from core.models import Job
from core.models.jobs import JobStatus
from inventory.services.locking import retrying
from orders.models import Method
from orders.services import allocation, lookups, making, situation
from orders.services.desk import open_desk
from orders.sourcing import measures, together

PLAN, PLACE = "orders.plan_together", "orders.place_together"
MOST_ORDERS = 200


def start(*, actor: Actor) -> Job:
    """Ask for a batch of what waits now. Refusal("no_solver"), ("nothing_waits")."""
    together.require()
    waiting = len(lookups.waiting_orders(MOST_ORDERS))
    if not waiting:
        raise Refusal("nothing_waits", "No order waits that there is stock for.", status=422)
    return jobs.start(PLAN, actor, total=waiting, title="Place waiting orders together")


def work_out(job_id: int) -> None:
    """Plan them both ways and keep what each comes to in the job's result. Changes nothing else."""
    if not jobs.begin(job_id):
        return
    try:
        batch: list[together.Waiting] = []
        versions: dict[int, int] = {}
        for order_id in lookups.waiting_orders(MOST_ORDERS):
            jobs.checkpoint(job_id)
            found = _look(order_id)
            if found is not None:
                waiting, versions[order_id] = found
                batch.append(waiting)
            jobs.advance(job_id, 1)
        result = _told(together.place(batch), versions)
    except jobs.Stopped:
        jobs.stopped(job_id)
    except Exception as error:
        jobs.fail(job_id, f"{type(error).__name__}: {error}")
        raise
    else:
        jobs.finish(job_id, result)


def _look(order_id: int) -> tuple[together.Waiting, int] | None:
    """An order as sourcing would see it now. None where there is nothing to choose: a kit, or a collection."""
    with transaction.atomic():
        desk = open_desk(order_id, actor=SYSTEM)
    wanted = allocation.wants(desk)
    nodes = lookups.nodes_with({want.item_id for want in wanted}) if wanted else []
    if not wanted or desk.order.method == Method.PICKUP or making.recipes(wanted, nodes):
        return None
    asked = situation.of(desk, wanted, let_down=None, goods=None, versions=None)
    waiting = together.Waiting(order_id, asked.request, asked.priced(nodes), asked.ladder)
    return waiting, desk.order.version


def _told(batch: together.Batch, versions: dict[int, int]) -> dict[str, Any]:
    placing = [[pk, versions[pk], sorted(way.places)] for pk, way in batch.together.items()]
    sides = {"one_by_one": _sums(batch, batch.one_by_one), "together": _sums(batch, batch.together)}
    return {"orders": len(batch.orders), "proven": batch.proven, "placing": placing, **sides}


def _sums(batch: together.Batch, chosen: together.Chosen) -> dict[str, Any]:
    """What is left waiting, and over the placed: parcels, cost, and of the promises known those kept."""
    parcels, cost, promised, kept = 0, 0.0, 0, 0
    for each in batch.orders:
        way = chosen.get(each.order_id)
        if way is None:
            continue
        one = measures.of(each.request, way.picks, {node.location_id: node for node in each.nodes})
        parcels, cost = parcels + way.cost[2], cost + one.cost
        promised, kept = promised + (one.late is not None), kept + (one.late is False)
    return {"placed": len(chosen), "parcels": parcels, "cost": round(cost, 2), "promised": promised, "kept": kept}


# --- On a person's word


def confirm(plan_id: int, *, actor: Actor) -> Job:
    """Place the orders of a finished plan, once. Refusal("not_ready"), ("placed_already"). Locks the plan."""
    with transaction.atomic():
        plan = Job.objects.select_for_update(of=("self",)).filter(pk=plan_id, kind=PLAN).first()
        if plan is None:
            raise Refusal("not_found", "There is no such plan.", status=404)
        if plan.status != JobStatus.DONE:
            raise Refusal("not_ready", "It has to be worked out first.")
        if "placed_by" in plan.params:
            raise Refusal("placed_already", "These orders are being placed already.")
        placing = plan.result["placing"]
        job = jobs.start(PLACE, actor, {"plan": plan.pk}, total=len(placing), title="Placing orders together")
        plan.params = {**plan.params, "placed_by": job.pk}
        plan.save(update_fields=["params"])
    return job


def carry_out(job_id: int) -> None:
    """Each order in its own transaction; those that changed since are failed rows of the job, with the reason."""
    job = Job.objects.select_related("owner").get(pk=job_id)
    actor = actors.person(job.owner) if job.owner else SYSTEM
    rows = {pk: (version, at) for pk, version, at in Job.objects.get(pk=job.params["plan"]).result["placing"]}

    def one(pk: int) -> None:
        version, at = rows[pk]
        place(pk, version=version, at=at, actor=actor)

    jobs.run_over(job_id, rows, one, every=10)


def place(order_id: int, *, version: int, at: Iterable[int], actor: Actor) -> None:
    """Give everything the order waits for to these nodes, or refuse and leave it as it is. Locks order, then stock.

    Refusal("stale") where the order changed, ("taken") where these nodes no longer have it all.
    """
    places = frozenset(at)

    def work() -> None:
        with transaction.atomic():  # a refusal takes back what was tried, whoever calls
            desk = open_desk(order_id, actor=actor)
            if desk.order.version != version:
                raise Refusal("stale", f"{desk.order.number} was changed meanwhile.", version=desk.order.version)
            found = allocation.place_at(desk, places)
            if not found.picks or any(location not in places for _, location, _ in found.picks):
                raise Refusal("taken", f"{desk.order.number}: its stock was taken meanwhile.")

    retrying(work)
