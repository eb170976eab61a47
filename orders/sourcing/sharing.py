"""Sharing wants out over a set of nodes: pure, exact.

Wants of one item compete for the same units, and each may refuse other nodes, so this is a small transport problem:
units flow from wants to nodes, and where the direct way is full, an earlier want moves over to another of its nodes.
"""

from __future__ import annotations

from collections.abc import Sequence

from orders.sourcing.candidates import Node, Pick, Request, Want

Flow = dict[tuple[int, int], int]  # (want, node) -> units, by their places in the lists


def share(request: Request, nodes: Sequence[Node]) -> list[Pick]:
    """Where each want comes from, better nodes (earlier ones) first; empty unless everything finds a place.

    A line is split only where no node has enough of it left.
    """
    flow = _whole_lines_first(request, nodes)
    if flow is None:
        flow, unmet = _flow(request, nodes)
        if unmet:
            return []
    picks = [
        Pick(request.wants[w].line_id, request.wants[w].item_id, nodes[n].location_id, units)
        for (w, n), units in flow.items()
        if units
    ]
    return sorted(picks, key=lambda p: (p.line_id, p.location_id))


def unmet(request: Request, nodes: Sequence[Node]) -> list[list[Want]]:
    """For each want these nodes can't meet, the wants whose further nodes would help it (itself included)."""
    return _flow(request, nodes)[1]


def _allowed(request: Request, want: Want, node: Node) -> bool:
    return node.location_id not in request.let_down.get(want.line_id, ())


def _whole_lines_first(request: Request, nodes: Sequence[Node]) -> Flow | None:
    """Every line whole from one node where that works without looking ahead; None where it doesn't work out."""
    free = [dict(node.free) for node in nodes]
    flow: Flow = {}
    choices = [[n for n, node in enumerate(nodes) if _allowed(request, want, node)] for want in request.wants]
    order = sorted(range(len(request.wants)), key=lambda w: (len(choices[w]), -request.wants[w].quantity, w))
    for w in order:
        want, left = request.wants[w], request.wants[w].quantity
        enough = [n for n in choices[w] if free[n].get(want.item_id, 0) >= left]
        for n in enough[:1] or choices[w]:
            units = min(left, free[n].get(want.item_id, 0))
            if units > 0:
                free[n][want.item_id] -= units
                flow[w, n] = units
                left -= units
        if left > 0:
            return None
    return flow


def _flow(request: Request, nodes: Sequence[Node]) -> tuple[Flow, list[list[Want]]]:
    """As many units as can be placed (augmenting paths), and the wants that stay short."""
    free = [{item: max(0, units) for item, units in node.free.items()} for node in nodes]
    flow: Flow = {}
    short: list[list[Want]] = []
    for w, want in enumerate(request.wants):
        left = want.quantity
        while left:
            path, reached = _way_out(request, nodes, free, flow, w)
            if not path:
                short.append([request.wants[r] for r in reached])
                break
            left -= _push(free, flow, path, left, want.item_id)
    return flow, short


def _way_out(
    request: Request, nodes: Sequence[Node], free: list[dict[int, int]], flow: Flow, start: int
) -> tuple[list[tuple[int, int]], list[int]]:
    """The shortest chain (want, node), (other want, other node) … that ends at free units, and the wants reached."""
    item = request.wants[start].item_id
    came: dict[int, tuple[int, int] | None] = {start: None}  # want -> (the want before, the node it gives up)
    queue = [start]
    for w in queue:
        for n, node in enumerate(nodes):
            if not _allowed(request, request.wants[w], node):
                continue
            if free[n].get(item, 0) > 0:
                path, at, through = [(w, n)], w, came[w]
                while through is not None:
                    before, given_up = through
                    path += [(at, given_up), (before, given_up)]
                    at, through = before, came[before]
                return path, []
            for (other, place), units in flow.items():
                if place == n and units and other not in came and request.wants[other].item_id == item:
                    came[other] = (w, n)
                    queue.append(other)
    return [], queue


def _push(free: list[dict[int, int]], flow: Flow, path: list[tuple[int, int]], most: int, item: int) -> int:
    """Send units along the chain; returns how many. Places alternate: taken, given up, taken, given up …"""
    end = path[0][1]
    units = min([most, free[end][item], *(flow[step] for step in path[1::2])])
    free[end][item] -= units
    for i, step in enumerate(path):
        flow[step] = flow.get(step, 0) + (units if i % 2 == 0 else -units)
    return units
