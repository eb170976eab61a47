"""Deciding how much goes back, having it approved, and paying it: each cause once.

A decision is written under the order's lock. Up to the limit it is paid at once, by payment instructions in its name;
above it, somebody else than whoever entered it has to agree, in the inbox where every other approval waits. What became
of the money comes back as facts of the instructions, and `settle` follows them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from core import events
from core.actors import Actor, user_id
from core.errors import Invalid, Problem, Refusal
from core.formats import money
from core.subjects import Subject
from exceptions.services import cases
from inventory.services.locking import retrying
from orders import tenders as splitting
from orders.models import InstructionStatus, Order, OrderLine, PaymentInstruction
from orders.services import instructions, store_credit
from orders.services.desk import open_desk
from orders.services.instructions import ToTender
from returns import events as facts
from returns import refunding
from returns.models import RefundDecision, RefundPlan, RefundStatus, RefundTo, ReturnLine, ReturnRequest
from returns.services import refund_approval, refund_figures

S = RefundStatus
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Line:
    """Units of a line that are refunded: of a return (its line's id) or of an order. `amount` instead of what they are
    worth, where part of it was agreed; `fee` is kept back (restocking, wear)."""

    line: int
    quantity: int
    amount: Decimal | None = None
    fee: Decimal = ZERO


Lines = Sequence[Line] | Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a decision would be, and where its money would go."""

    refund: refunding.Refund
    left: Decimal  # what may still go back of the order at all
    to: str
    tenders: tuple[dict[str, Any], ...]
    approval: str  # why it would wait for somebody else; empty: it is paid at once
    limit: Decimal | None

    @property
    def amount(self) -> Decimal:
        return self.refund.amount


@dataclass(frozen=True, slots=True)
class _Case:
    """Everything asked for, whoever asks."""

    order: Order | None
    rma: ReturnRequest | None
    lines: list[tuple[refunding.Wanted, ReturnLine | None]]
    to: str
    shipping: Decimal | None
    fee: Decimal
    tenders: Sequence[ToTender] | None
    currency: str


# --- Deciding ------------------------------------------------------------------------------------------------------


def decide(
    return_id: int,
    lines: Lines,
    *,
    cause: str,
    actor: Actor,
    to: str | None = None,
    shipping: Decimal | None = None,
    tenders: Sequence[ToTender] | None = None,
    why: str = "",
) -> RefundDecision:
    """Refund these units of a return, once per cause; above the limit it waits for somebody else's word.

    Where nothing else is given, the return says to what, whether the carriage goes back in the goods' share, and which
    fees are kept. Locks the order. Invalid with every line's problem; Refusal("more_than_captured"),
    ("nothing_to_refund"), ("not_a_refund") for one that is exchanged.
    """
    return retrying(lambda: _decide(_of_return(return_id, lines, to, shipping, tenders), cause, why, actor))


def decide_for_order(
    order_id: int,
    lines: Lines,
    *,
    cause: str,
    actor: Actor,
    to: str = RefundTo.ORIGINAL,
    shipping: Decimal = ZERO,
    fee: Decimal = ZERO,
    tenders: Sequence[ToTender] | None = None,
    why: str = "",
) -> RefundDecision:
    """The same without a return: goodwill, or carriage alone. Lines are the order's; the customer keeps the goods."""
    return retrying(lambda: _decide(_of_order(order_id, lines, to, shipping, fee, tenders), cause, why, actor))


def preview(
    return_id: int,
    lines: Lines,
    *,
    to: str | None = None,
    shipping: Decimal | None = None,
    tenders: Sequence[ToTender] | None = None,
) -> Preview:
    """What `decide` would do. Writes nothing; raises what it raises."""
    return _preview(_of_return(return_id, lines, to, shipping, tenders))


def preview_for_order(
    order_id: int,
    lines: Lines,
    *,
    to: str = RefundTo.ORIGINAL,
    shipping: Decimal = ZERO,
    fee: Decimal = ZERO,
    tenders: Sequence[ToTender] | None = None,
) -> Preview:
    """What `decide_for_order` would do."""
    return _preview(_of_order(order_id, lines, to, shipping, fee, tenders))


def _of_return(
    return_id: int, lines: Lines, to: str | None, shipping: Decimal | None, tenders: Sequence[ToTender] | None
) -> _Case:
    rma = ReturnRequest.objects.select_related("order", "channel").filter(pk=return_id).first()
    if rma is None:
        raise Refusal("not_found", "No such return.", status=404)
    known = {line.pk: line for line in rma.lines.all()}
    wanted = []
    for n, each in enumerate(_lines(lines)):
        line = known.get(each.line)
        if line is None or (rma.order_id and line.order_line_id is None):
            words = "The return has no such line." if line is None else "It was not bought with this order."
            raise Invalid([Problem(f"lines[{n}]", "unknown", words)], status=422)
        wanted.append((_wanted(each, line.order_line_id or line.pk, line.restocking_percent), line))
    if shipping is None and not rma.refunds_shipping:
        shipping = ZERO
    order = rma.order
    where = to or rma.refund_to
    if order is None:
        where = RefundTo.STORE_CREDIT
    kept = RefundDecision.objects.filter(request=rma, fees__gt=0).exclude(status=S.DECLINED).exists()
    # The fee for the way back is kept once, from the first that goes back.
    return _Case(order, rma, _joined(wanted), where, shipping, ZERO if kept else rma.fee, tenders, rma.currency)


def _of_order(
    order_id: int, lines: Lines, to: str, shipping: Decimal, fee: Decimal, tenders: Sequence[ToTender] | None
) -> _Case:
    order = Order.objects.select_related("channel").filter(pk=order_id).first()
    if order is None:
        raise Refusal("not_found", "No such order.", status=404)
    wanted: list[tuple[refunding.Wanted, ReturnLine | None]] = [
        (_wanted(each, each.line, ZERO), None) for each in _lines(lines)
    ]
    return _Case(order, None, wanted, to, shipping, fee, tenders, order.currency)


def _lines(lines: Lines) -> list[Line]:
    if isinstance(lines, Mapping):
        return [Line(line, units) for line, units in lines.items()]
    return list(lines)


def _wanted(each: Line, line_id: int, percent: Decimal) -> refunding.Wanted:
    return refunding.Wanted(line_id, each.quantity, each.amount, each.fee, ZERO if each.fee else percent)


def _joined(
    wanted: list[tuple[refunding.Wanted, ReturnLine | None]],
) -> list[tuple[refunding.Wanted, ReturnLine | None]]:
    """Two lines of a return may be units of one line of the order."""
    found: dict[int, tuple[refunding.Wanted, ReturnLine | None]] = {}
    for each, line in wanted:
        if each.id not in found:
            found[each.id] = (each, line)
            continue
        before, first = found[each.id]
        amount = (
            None if before.amount is None and each.amount is None else (before.amount or ZERO) + (each.amount or ZERO)
        )
        found[each.id] = (
            refunding.Wanted(
                each.id, before.quantity + each.quantity, amount, before.fee + each.fee,
                max(before.fee_percent, each.fee_percent),
            ),
            first,
        )  # fmt: skip
    return list(found.values())


def _preview(case: _Case) -> Preview:
    if case.to == RefundTo.EXCHANGE:
        raise Refusal("not_a_refund", "It is exchanged: say where a difference goes back to.", status=422)
    if case.order is None:
        made, left = _blind(case), Decimal(10) ** 12
    else:
        figures = refund_figures.of_order(case.order)
        made = refunding.reckon(figures, [each for each, _ in case.lines], shipping=case.shipping, fee=case.fee)
        left = instructions.refundable(case.order.pk, case.currency) - refund_figures.waiting(case.order)
    if made.amount > left:
        left = max(left, ZERO)
        raise Refusal(
            "more_than_captured", f"{left} {case.currency} are left to give back, not {made.amount}.",
            left=str(left), asked=str(made.amount), currency=case.currency,
        )  # fmt: skip
    rule = refund_approval.rule(made.amount, case.currency)
    above = f"Above {money(rule.above, rule.currency)}" if rule else ""
    return Preview(made, left, case.to, tuple(_ways(case, made.amount)), above, rule.above if rule else None)


def _blind(case: _Case) -> refunding.Refund:
    """Without an order nobody knows what was paid: what the return says it is worth, as store credit."""
    lines = tuple(
        refunding.LineFigures(line.pk, line.quantity, line.unit_value) for _, line in case.lines if line is not None
    )
    figures = refunding.OrderFigures(case.currency, True, lines)
    return refunding.reckon(figures, [each for each, _ in case.lines], fee=case.fee)


def _ways(case: _Case, amount: Decimal) -> list[dict[str, Any]]:
    """Where the money would go, in order."""
    if case.to == RefundTo.STORE_CREDIT or case.order is None:
        return [{"tender": None, "via": "LEDGER", "gateway": "Store credit", "ref": "", "amount": str(amount)}]
    there = instructions.tenders_of(case.order.pk, case.currency)
    if case.tenders is not None:
        known = {tender.id: tender for tender in there}
        parts = [splitting.Part(known[t.payment_id], t.amount) for t in case.tenders if t.payment_id in known]
    else:
        parts = splitting.split(amount, there)
    ways = [
        {
            "tender": part.tender.id, "via": str(instructions.route(case.order, part.tender.gateway).via),
            "gateway": part.tender.gateway, "ref": part.tender.ref, "amount": str(part.amount),
        }
        for part in parts
    ]  # fmt: skip
    missing = amount - sum((part.amount for part in parts), ZERO)
    if missing > 0:
        ways.append({"tender": None, "via": "CHANNEL", "gateway": "", "ref": "", "amount": str(missing)})
    return ways


def _decide(case: _Case, cause: str, why: str, actor: Actor) -> RefundDecision:
    if case.order is not None:
        open_desk(case.order.pk, actor=actor)
    known = RefundDecision.objects.filter(cause=cause).first()
    if known is not None:
        if (known.order_id, known.request_id) != (case.order and case.order.pk, case.rma and case.rma.pk):
            raise Refusal("cause_used", "Another refund was decided in this name.", cause=cause)
        return known
    seen = _preview(case)
    decision = _create(case, seen, cause, why, actor)
    _tell(decision, facts.REFUND_DECIDED, actor, waits=seen.approval)
    if decision.status == S.WAITING:
        refund_approval.ask(decision, actor=actor)
    else:
        _pay(decision, actor)
    return decision


def _create(case: _Case, seen: Preview, cause: str, why: str, actor: Actor) -> RefundDecision:
    refund = seen.refund
    ids = [part.id for part in refund.parts]
    known = {line.pk: line for line in OrderLine.objects.filter(pk__in=ids)} if case.order else {}
    of = {each.id: line for each, line in case.lines}
    kept = case.rma is None or case.rma.refund_plan == RefundPlan.KEEP_IT
    return RefundDecision.objects.create(
        number=f"RF-{_next()}", order=case.order, request=case.rma, cause=cause[:120], to=case.to,
        status=S.WAITING if seen.approval else S.APPROVED, currency=case.currency, amount=refund.amount,
        goods=refund.goods, tax=refund.tax, shipping=refund.shipping, fees=refund.fees, keep_it=kept,
        lines=[_told(part, known.get(part.id), of.get(part.id)) for part in refund.parts],
        tenders=[{**way, "chosen": case.tenders is not None} for way in seen.tenders], why=why[:255],
        entered_by_id=user_id(actor), entered_label=actor.label[:200],
        decided_at=None if seen.approval else timezone.now(),
    )  # fmt: skip


def _told(part: refunding.Part, line: OrderLine | None, back: ReturnLine | None) -> dict[str, Any]:
    return {
        "line": line.pk if line else None, "return_line": back.pk if back else None,
        "ref": line.ref if line else "", "sku": (line or back).sku if line or back else "",  # type: ignore[union-attr]
        "title": (line or back).title if line or back else "",  # type: ignore[union-attr]
        "quantity": part.quantity, "amount": str(part.amount), "tax": str(part.tax),
        "discount": str(part.discount), "fee": str(part.fee),
    }  # fmt: skip


def _next() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('returns_refund_number')")
        return int(cursor.fetchone()[0])


# --- Agreeing, paying ----------------------------------------------------------------------------------------------


def release(decision_id: int, *, approver: Actor | None, actor: Actor) -> RefundDecision:
    """Agreed to by somebody else: it is paid. `refund_approval` asks who that is; nobody else calls this.

    Locks the order. Refusal("not_waiting"), ("own_refund"), and what paying refuses.
    """

    def work() -> RefundDecision:
        decision = _locked(decision_id, actor)
        if decision.status != S.WAITING:
            raise Refusal("not_waiting", f"{decision.number} doesn't wait for anybody.", status_now=decision.status)
        by = user_id(approver) if approver else None
        if approver is None or by is None or by == decision.entered_by_id:
            raise Refusal("own_refund", "Somebody else has to agree to what you entered.", status=403)
        decision.move(
            S.APPROVED, approved_by_id=by, approved_label=approver.label[:200], decided_at=timezone.now(),
        )  # fmt: skip
        _tell(decision, facts.REFUND_APPROVED, approver)
        _pay(decision, actor)
        cases.recheck(decision.subject, actor=actor)
        return decision

    return retrying(work)


def decline(decision_id: int, *, note: str, actor: Actor) -> RefundDecision:
    """Say no, with the reason: nothing goes back. Also for one that failed and is given up."""
    words = note.replace("\0", "").strip()[:500]
    if len(words) < 3:
        raise Refusal("needs_a_reason", "Say why not.", status=422)

    def work() -> RefundDecision:
        decision = _locked(decision_id, actor)
        if decision.status == S.DECLINED:
            return decision
        if decision.status not in {S.WAITING, S.FAILED}:
            raise Refusal("not_waiting", f"{decision.number} is {decision.get_status_display().lower()}.")
        rows = PaymentInstruction.objects.filter(cause=cause_of(decision))
        if rows.filter(status__in=(InstructionStatus.SENT, InstructionStatus.DONE)).exists():
            raise Refusal("partly_paid", "Part of it went back, or may have. Give up what failed on its own case.")
        for row in rows.filter(status__in=(InstructionStatus.WANTED, InstructionStatus.FAILED)):
            instructions.cancel(row.pk, reason=words, actor=actor)
        decision.move(S.DECLINED, note=words, decided_at=timezone.now())
        refund_approval.withdraw(decision)
        _tell(decision, facts.REFUND_DECLINED, actor, reason=words)
        cases.recheck(decision.subject, actor=actor)
        return decision

    return retrying(work)


def retry(decision_id: int, *, actor: Actor) -> RefundDecision:
    """Send again what failed of it. Refusal("not_failed")."""

    def work() -> RefundDecision:
        decision = _locked(decision_id, actor)
        if decision.status != S.FAILED:
            raise Refusal("not_failed", "Only a refund that failed can be tried again.")
        for row in PaymentInstruction.objects.filter(cause=cause_of(decision), status=InstructionStatus.FAILED):
            instructions.retry(row.pk, actor=actor)
        decision.move(S.APPROVED)
        return decision

    return retrying(work)


def settle(decision_id: int, *, actor: Actor) -> RefundDecision | None:
    """Follow what became of its instructions: paid back once all are done. Safe to repeat."""

    def work() -> RefundDecision | None:
        if not RefundDecision.objects.filter(pk=decision_id).exists():
            return None
        decision = _locked(decision_id, actor)
        rows = list(PaymentInstruction.objects.filter(cause=cause_of(decision)).order_by("pk"))
        _follow(decision, rows, actor)
        return decision

    return retrying(work)


def cause_of(decision: RefundDecision) -> str:
    return f"refund:{decision.pk}"


def _locked(decision_id: int, actor: Actor) -> RefundDecision:
    """The order first, then the decision. Must run inside a transaction."""
    order_id = RefundDecision.objects.filter(pk=decision_id).values_list("order_id", flat=True)
    if not order_id:
        raise Refusal("not_found", "No such refund.", status=404)
    if order_id[0] is not None:
        open_desk(order_id[0], actor=actor)
    return RefundDecision.objects.select_for_update(of=("self",)).select_related("order", "request").get(pk=decision_id)


def _pay(decision: RefundDecision, actor: Actor) -> None:
    if decision.order is None:
        _credit(decision, actor)
        return
    chosen = [ToTender(way["tender"], Decimal(way["amount"])) for way in decision.tenders if way.get("chosen")]
    rows = instructions.refund(
        decision.order.pk, decision.amount, cause=cause_of(decision), why=decision.why or f"Refund {decision.number}",
        tenders=chosen or None, to_credit=decision.to == RefundTo.STORE_CREDIT, document=_document(decision),
        actor=actor,
    )  # fmt: skip
    _follow(decision, rows, actor)


def _document(decision: RefundDecision) -> dict[str, Any]:
    """What stands among the order's refunds; a line's money is without the tax that is added to it."""
    included = decision.order is not None and decision.order.tax_included
    lines = [
        {
            "line_ref": part["ref"], "quantity": part["quantity"], "restock": "none" if decision.keep_it else "return",
            "amount": str(Decimal(part["amount"]) - (ZERO if included else Decimal(part["tax"]))), "tax": part["tax"],
        }
        for part in decision.lines
        if part["quantity"]
    ]  # fmt: skip
    return {
        "ref": decision.number, "lines": lines, "shipping": str(decision.shipping), "fees": str(decision.fees),
        "note": decision.why,
    }  # fmt: skip


def _credit(decision: RefundDecision, actor: Actor) -> None:
    """A blind return: a card for whoever brought it, or the credit of whoever they are."""
    rma = decision.request
    channel = rma.channel if rma else None
    if rma is None or channel is None:
        raise Refusal("no_channel", "Nobody knows which channel's store credit this would be.")
    account = (
        store_credit.of_customer(channel, rma.buyer_email, decision.currency)
        if rma.buyer_email
        else store_credit.open_card(channel, decision.currency)
    )
    entry = store_credit.give(
        account.pk,
        decision.amount,
        key=cause_of(decision),
        why=f"Refund {decision.number} of {rma.number}",
        actor=actor,
    )
    decision.tenders = [{**way, "ref": account.code} for way in decision.tenders]
    decision.move(S.POSTED, posted_at=timezone.now(), tenders=decision.tenders)
    paid = [
        {"ref": f"store-credit:{entry.pk}", "amount": str(decision.amount), "via": "LEDGER", "gateway": "store_credit"}
    ]
    _tell(decision, facts.REFUND_POSTED, actor, payments=paid)


def _follow(decision: RefundDecision, rows: Sequence[PaymentInstruction], actor: Actor) -> None:
    """From the instructions' states to the decision's own, with its fact."""
    states = {row.status for row in rows}
    if not rows or decision.status in {S.WAITING, S.DECLINED}:
        return
    if InstructionStatus.FAILED in states or states == {InstructionStatus.CANCELLED}:
        if decision.status != S.FAILED:
            reason = next((row.failure for row in rows if row.status == InstructionStatus.FAILED), "It was given up.")
            decision.move(S.FAILED, note=reason[:500])
            _tell(decision, facts.REFUND_FAILED, actor, reason=reason)
    elif states & {InstructionStatus.WANTED, InstructionStatus.SENT}:
        if decision.status == S.FAILED:
            decision.move(S.APPROVED)
    elif decision.status != S.POSTED:
        decision.move(S.POSTED, posted_at=timezone.now(), note="")
        paid = [
            {
                "ref": row.provider_ref, "amount": str(row.amount), "via": row.via,
                "gateway": row.tender.gateway if row.tender else "store_credit" if row.credit_id else "",
            }
            for row in rows
            if row.status == InstructionStatus.DONE
        ]  # fmt: skip
        _tell(decision, facts.REFUND_POSTED, actor, payments=paid)
    cases.recheck(decision.subject, actor=actor)


def _tell(decision: RefundDecision, event: str, actor: Actor, **more: Any) -> None:
    data = {
        "number": decision.number, "amount": str(decision.amount), "currency": decision.currency, "to": decision.to,
        "cause": decision.cause, "return": decision.request_id, "order": decision.order_id, "lines": decision.lines,
        "shipping": str(decision.shipping), "fees": str(decision.fees), "tax": str(decision.tax), **more,
    }  # fmt: skip
    related = [(each, name) for each, name in ((_order(decision), "order"), (_rma(decision), "return")) if each]
    events.record(event, decision.subject, actor=actor, data=data, related=related)


def _order(decision: RefundDecision) -> Subject | None:
    order = decision.order
    return Subject("order", str(order.pk), order.number) if order else None


def _rma(decision: RefundDecision) -> Subject | None:
    return decision.request.subject if decision.request else None
