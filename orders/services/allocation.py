"""Finding nodes for what an order still needs, and holding the stock there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from core.actors import SYSTEM, Actor
from core.subjects import Subject
from inventory.services import kits, reservations
from inventory.services.locking import retrying
from orders import events as facts
from orders import quantities, sourcing
from orders.models import Blocks, FulfilmentLine, FulfilmentPart, FulfilmentStatus, Method, OrderLine, SourcingDecision
from orders.services import holds, lifecycle, lookups, making, shadowing, ship_to_store, situation
from orders.services.desk import Desk, location_subject, open_desk
from orders.services.making import Recipes
from orders.services.policies import Standing
from orders.sourcing.explain import explain

ATTEMPTS = 4
LEFT = "left to other orders of its batch"
# What the policy does about it a moment later (services.aftermath) opens a case itself, if that comes to nothing.
SETTLED_LATER = frozenset(sourcing.Then) - {sourcing.Then.NEXT}


@dataclass(frozen=True, slots=True)
class Allocated:
    """What came of it: every unit wanted has a node (`ok`), or none of them got one and `short` says which lines."""

    ok: bool
    rule: str = ""
    picks: list[tuple[int, int, int]] = field(default_factory=list)  # (line, location, quantity)
    short: list[int] = field(default_factory=list)  # lines


def allocate(order_id: int, *, actor: Actor = SYSTEM, quietly: bool = False) -> Allocated:
    """Give every open unit of the order a node, all or none. Safe to repeat: nothing open, nothing done.

    Locks the order, then stock rows. A short order takes nothing and opens one case; `quietly`, it leaves no trace.
    """

    def work() -> Allocated:
        desk = open_desk(order_id, actor=actor)
        if not wants(desk):
            return Allocated(ok=True)
        result = source(desk)
        if result.ok or not quietly:
            lifecycle.save(desk)
        return result

    return retrying(work)


def allocate_waiting(*, limit: int = 200, actor: Actor = SYSTEM) -> int:
    """Try again for orders that wait for stock and could get some now; returns how many found a node. For a timer."""
    done = 0
    for order_id in lookups.waiting_orders(limit):
        done += bool(allocate(order_id, actor=actor, quietly=True).picks)
    return done


def wants(desk: Desk) -> tuple[sourcing.Want, ...]:
    """What still needs a node. A test order and lines whose SKU nobody knows take no stock."""
    if desk.order.test or holds.blocks(desk, Blocks.ALLOCATE):
        return ()
    return tuple(
        sourcing.Want(line.pk, line.item_id, line.open)
        for line in desk.lines
        if line.open and line.item_id and quantities.is_physical(line)
    )


def source(
    desk: Desk,
    *,
    nodes: list[sourcing.Node] | None = None,
    let_down: dict[int, frozenset[int]] | None = None,
    wanted: tuple[sourcing.Want, ...] | None = None,
    goods: dict[int, sourcing.Goods] | None = None,
    versions: Standing | None = None,
) -> Allocated:
    """Plan, hold, and put the outcome on the desk (not saved). Someone else may win the stock: then plan again.

    For everything open, unless `wanted` says for which part of it. What the caller has read already it gives; the rest
    is read here.
    """
    wanted = wants(desk) if wanted is None else wanted
    if not wanted:
        return Allocated(ok=True)
    order = desk.order
    order.sourcings += 1
    asked = situation.of(desk, wanted, let_down=let_down, goods=goods, versions=versions)
    recipes: Recipes | None = None
    for attempt in range(ATTEMPTS):
        if nodes is None:
            nodes = lookups.nodes_with({want.item_id for want in wanted})
        if recipes is None:
            recipes = making.recipes(wanted, nodes)
        if recipes:
            stocked = lookups.nodes_with(making.items(wanted, recipes))
            nodes = making.offer(wanted, recipes, stocked, careful=attempt > 0)
        nodes = asked.nodes(nodes)
        plan = sourcing.plan(asked.request, nodes, asked.ladder)
        if not plan.picks:
            break
        picks = [reservations.Want(str(p.line_id), p.item_id, p.location_id, p.quantity) for p in plan.picks]
        held = reservations.hold(
            f"order:{order.pk}:{order.sourcings}",
            kits.explode(picks, kits=recipes),
            actor=desk.actor,
            cause=Subject("order", str(order.pk), order.number),
        )
        if held.ok:
            shadowing.watch(desk, asked, nodes, plan)
            return _take(desk, asked.request, plan, held.reservations, recipes)
        nodes = None
    shadowing.watch(desk, asked, nodes or [], plan)
    here = ship_to_store.bring(desk, wanted) if order.method == Method.PICKUP else None
    if here is not None:
        # Some of it is on its way now, so the desk is to be saved whatever becomes of the rest.
        return replace(source(desk, wanted=here), ok=True, rule=ship_to_store.RULE)
    return _fall_short(desk, asked.request, plan)


def place_at(desk: Desk, places: Collection[int]) -> Allocated:
    """Source everything open with only these nodes asked; the caller has weighed the others, which the decision says.

    Saves the desk. The caller takes it back where the outcome isn't what it wants.
    """
    wanted = wants(desk)
    nodes = lookups.nodes_with({want.item_id for want in wanted}) if wanted else []
    asked = [node for node in nodes if node.location_id in places]
    found = source(desk, nodes=asked, wanted=wanted)
    if found.picks:
        told = desk.decisions[-1].explanation
        items = [item for _, item, _ in told["wants"]]
        told.setdefault("excluded_others", []).extend(
            [node.location_id, LEFT, [node.free.get(item, 0) for item in items]]
            for node in nodes
            if node.location_id not in places
        )
        lifecycle.save(desk)
    return found


def give_back_unstarted(desk: Desk) -> None:
    """Free everything no node has begun to work on, so that it can be sourced anew as a whole."""
    unstarted = [
        promise
        for promise in desk.promises
        if promise.fulfilment is None or promise.fulfilment.status == FulfilmentStatus.OPEN
    ]
    for promise in unstarted:
        line = desk.line(promise.order_line_id)
        line.allocated -= promise.quantity
        line.open += promise.quantity
    lifecycle.take_back(desk, [(p, p.quantity) for p in unstarted], reason="Sourced anew")


def _take(
    desk: Desk, request: sourcing.Request, plan: sourcing.Plan, held: list[reservations.Line], recipes: Recipes
) -> Allocated:
    lines = {line.pk: line for line in desk.lines}
    codes = {node.location_id: node.code for node, _ in plan.ranked}
    held_for: dict[tuple[int, int], list[reservations.Line]] = defaultdict(list)
    for reservation in held:
        held_for[int(reservation.ref), reservation.location_id].append(reservation)
    picks = []
    for pick in plan.picks:
        line, parts = lines[pick.line_id], held_for[pick.line_id, pick.location_id]
        line.open -= pick.quantity
        line.allocated += pick.quantity
        picks.append((line.pk, pick.location_id, pick.quantity))
        promise = FulfilmentLine(
            order_line_id=line.pk,
            location_id=pick.location_id,
            item_id=pick.item_id,
            is_kit=pick.item_id in recipes,
            reservation_id=parts[0].id,
            quantity=pick.quantity,
            promised=pick.quantity,
        )
        desk.new_promises.append(promise)
        if promise.is_kit:
            desk.new_parts += [
                FulfilmentPart(
                    fulfilment_line=promise,
                    item_id=part.item_id,
                    reservation_id=part.id,
                    per_kit=part.quantity // pick.quantity,
                )
                for part in parts
            ]
    desk.decisions.append(_decision(desk, request, plan))
    places = sorted({location for _, location, _ in picks})
    desk.note(
        facts.ALLOCATED,
        {"rule": plan.rule, "picks": [{"line": a, "location": b, "quantity": c} for a, b, c in picks]},
        [(location_subject(place, codes.get(place, "")), "location") for place in places],
    )
    return Allocated(ok=True, rule=plan.rule, picks=picks)


def _fall_short(desk: Desk, request: sourcing.Request, plan: sourcing.Plan) -> Allocated:
    lines: dict[int, OrderLine] = {line.pk: line for line in desk.lines}
    short = [(lines[want.line_id], want.quantity, available) for want, available in plan.short]
    desk.decisions.append(_decision(desk, request, plan))
    desk.note(
        facts.UNALLOCATED,
        {
            "short": [{"line": line.pk, "sku": line.sku, "wanted": n, "free": free} for line, n, free in short],
            "then": str(plan.then),
            "rule": plan.asked.name if plan.asked else "",
            "sequence": desk.order.sourcings,
        },
        [(Subject("item", str(line.item_id), line.sku), "item") for line, _, _ in short],
    )
    if plan.then not in SETTLED_LATER:
        words = ", ".join(f"{line.sku or line.title}: {n} wanted, {free} free" for line, n, free in short[:5])
        desk.case(
            "orders.unallocated",
            summary=words or "No node may take it.",
            value=desk.order.total,
            currency=desk.order.currency,
            promise_by=desk.order.promise_by,
            started_at=None,
        )
    return Allocated(ok=False, short=[line.pk for line, _, _ in short] or [want.line_id for want in request.wants])


def _decision(desk: Desk, request: sourcing.Request, plan: sourcing.Plan) -> SourcingDecision:
    return SourcingDecision(
        order_id=desk.order.pk,
        sequence=desk.order.sourcings,
        ladder=plan.ladder.name,
        ladder_version=plan.ladder.version,
        policy_version_id=plan.ladder.version_id,
        rule=plan.rule,
        explanation=explain(request, plan),
    )
