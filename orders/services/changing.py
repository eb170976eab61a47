"""Changing what was ordered: previewed by doing it and taking it back, then confirmed once.

The same code judges, does and shows a change, so a preview can't promise what the confirmation won't do. Everything
happens under the order's lock; whatever races ends in exactly one outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from core.actors import Actor
from core.errors import Refusal
from inventory.services.locking import retrying
from orders import edits as shapes
from orders import events as facts
from orders import quantities
from orders.edits import Cancel, Edits
from orders.models import ChangeStatus, OrderChange
from orders.services import change_log, changes, edit_checks, edit_steps, effects, lifecycle, refunds_due
from orders.services.desk import Desk, open_desk
from orders.services.effects import Effect

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Preview:
    """What the edits would do. With `refusals` they can't be confirmed and there is no effect to show.

    `stock`, `short`, `money`, `promise` and `holds` as in effects.Effect; `version` is the order's, `token` names what
    was shown: passed to `confirm`, it refuses where the outcome would be another by then.
    """

    version: int
    summary: str
    refusals: tuple[Refusal, ...] = ()
    stock: list[dict[str, Any]] = field(default_factory=list)
    short: list[dict[str, Any]] = field(default_factory=list)
    money: dict[str, Any] = field(default_factory=dict)
    promise: dict[str, Any] = field(default_factory=dict)
    holds: dict[str, list[str]] = field(default_factory=dict)
    token: str = ""


class _Undo(Exception):
    """Carries the preview out of the transaction that is taken back."""

    def __init__(self, seen: Preview):
        super().__init__()
        self.seen = seen


def preview(order_id: int, edits: Edits, *, actor: Actor) -> Preview:
    """Do it, look, and take it back: nothing is left behind. Locks the order and stock rows for that moment."""

    def work() -> Preview:
        try:
            with transaction.atomic():
                desk = open_desk(order_id, actor=actor)
                raise _Undo(_preview(desk, edits))
        except _Undo as undo:
            return undo.seen

    return retrying(work)


def _preview(desk: Desk, edits: Edits) -> Preview:
    version, summary = desk.order.version, change_log.words(desk, edits)
    if refusals := edit_checks.why_not(desk, edits):
        return Preview(version, summary, tuple(refusals))
    effect = _perform(desk, edits)
    if refusals := edit_checks.why_not_after(edits, effect):
        return Preview(version, summary, tuple(refusals))
    return Preview(version, summary, token=effect.token, **effect.as_json())


def confirm(
    order_id: int, edits: Edits, *, version: int | None, actor: Actor, key: str, token: str = "", note: str = ""
) -> int:
    """Make the change; returns its id. Safe to repeat by `key`.

    Refusal("stale") when the order is not at `version`, Refusal("preview_changed") when `token` is another's, and the
    first of the preview's refusals. The channel, the ERP and the customer hear of it (`order.change_confirmed`).
    """

    def work() -> int:
        desk = open_desk(order_id, actor=actor)
        if (done := change_log.known(order_id, key)) is not None:
            return _again(done, edits)
        lifecycle.require_version(desk, version)
        effect = _do(desk, edits, token)
        change = change_log.record(desk, edits, effect, key=key or f"change:{desk.order.version}", note=note)
        lifecycle.save(desk)
        return change.pk

    return retrying(work)


def cancel(order_id: int, *, actor: Actor, reason: str = "", version: int | None = None) -> None:
    """Cancel what has not left yet, where nobody looked first. Safe to repeat.

    Locks the order, so a cancellation and a dispatch that race end in one of the two. Raises Refusal("already_shipped")
    when everything has left, Refusal("stale") when `version` isn't the order's.
    """

    def work() -> None:
        desk = open_desk(order_id, actor=actor)
        waiting = any(quantities.to_deliver(line) for line in desk.lines)
        if desk.order.cancelled_here or (desk.order.source_cancelled and not waiting):
            return
        lifecycle.require_version(desk, version)
        edits = [Cancel(reason=reason[:255])]
        change_log.record(desk, edits, _do(desk, edits, ""), key=f"cancel:{desk.order.version}", note=reason)
        lifecycle.save(desk)

    retrying(work)


def propose(order_id: int, edits: Edits, *, version: int | None, actor: Actor, key: str, note: str = "") -> int:
    """Write a change down that somebody still has to agree to (the buyer to a substitute); returns its id.

    Nothing moves yet. Refused like a confirmation, so that nothing is offered that can't be done now.
    """
    seen = preview(order_id, edits, actor=actor)
    if seen.refusals:
        raise seen.refusals[0]

    def work() -> int:
        desk = open_desk(order_id, actor=actor)
        if (done := change_log.known(order_id, key)) is not None:
            return _again(done, edits)
        lifecycle.require_version(desk, version)
        names = ("stock", "short", "money", "promise", "holds")
        change = OrderChange.objects.create(
            order_id=order_id,
            key=(key or f"offer:{desk.order.version}")[:255],
            edits=shapes.write(edits),
            effect={name: getattr(seen, name) for name in names},
            summary=seen.summary,
            seen_version=desk.order.version,
            note=note[:500],
            created_by=actor.label[:200],
        )
        desk.note(facts.CHANGE_PROPOSED, change_log.told(change))
        lifecycle.save(desk)
        return change.pk

    return retrying(work)


def accept(change_id: int, *, actor: Actor) -> int:
    """The answer is yes: do what was proposed, as the order stands now; returns the change's id. Safe to repeat."""

    def decide(desk: Desk, change: OrderChange) -> None:
        edits = shapes.read(change.edits)
        effect = _do(desk, edits, "")
        _decide(change, ChangeStatus.CONFIRMED, actor, effect=effect.as_json())
        change_log.tell(desk, change)

    return _answer(change_id, actor, decide, already=ChangeStatus.CONFIRMED)


def decline(change_id: int, *, reason: str = "", actor: Actor) -> int:
    """The answer is no: nothing happens to the order. Safe to repeat."""

    def decide(desk: Desk, change: OrderChange) -> None:
        _decide(change, ChangeStatus.DECLINED, actor, note=reason[:500] or change.note)
        desk.note(facts.CHANGE_DECLINED, {"change": change.pk, "summary": change.summary, "reason": reason})

    return _answer(change_id, actor, decide, already=ChangeStatus.DECLINED)


def _answer(change_id: int, actor: Actor, decide: Callable[[Desk, OrderChange], None], *, already: str) -> int:
    def work() -> int:
        change = OrderChange.objects.filter(pk=change_id).first()
        if change is None:
            raise Refusal("not_found", "No such change.", status=404)
        desk = open_desk(change.order_id, actor=actor)
        change.refresh_from_db()
        if change.status != already:
            if change.status != ChangeStatus.PENDING:
                words = f"This change is {change.get_status_display().lower()} already."
                raise Refusal("decided_already", words, status_now=change.status)
            decide(desk, change)
            lifecycle.save(desk)
        return change_id

    return retrying(work)


def _decide(change: OrderChange, to: str, actor: Actor, **fields: Any) -> None:
    change.move(to, decided_at=timezone.now(), decided_by=actor.label[:200], **fields)


def _again(done: OrderChange, edits: Edits) -> int:
    """The same key once more: the same change. Another change under a used key is a mistake of the caller."""
    if done.edits != shapes.write(edits):
        raise Refusal("key_reused", "This key was used for another change.", status=422)
    return done.pk


def _do(desk: Desk, edits: Edits, token: str) -> Effect:
    if refusals := edit_checks.why_not(desk, edits):
        raise refusals[0]
    effect = _perform(desk, edits)
    if refusals := edit_checks.why_not_after(edits, effect):
        raise refusals[0]
    if token and token != effect.token:
        raise Refusal("preview_changed", "It would do something else by now. Look again.", **effect.as_json())
    return effect


def _perform(desk: Desk, edits: Edits) -> Effect:
    """The edits on the desk, sourced, not saved."""
    before, wanted = effects.look(desk), changes.demand(desk)
    whole = next((each for each in edits if isinstance(each, Cancel) and not each.lines), None)
    if whole is not None:
        changes.cancel_rest(desk, reason=whole.reason)
    else:
        edit_steps.take(desk, edits)
        changes.reconsider(desk, before=wanted, changed=shapes.fields_of(edits))
        refunds_due.owe_cut(desk, before, effects.look(desk), why=change_log.words(desk, edits))
    return effects.difference(desk, before, effects.look(desk))
