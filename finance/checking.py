"""Whether a payout adds up to its own control figures, and, if not, what most likely happened to it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from finance.canonical import ZERO, Document, Fault, Line, Payout, Rule
from orders import currencies

PENDING = "pending"  # what no payout holds yet
FEW = 5  # so many of the smallest unit off is a rounding or a typing slip, not a line


def checked(document: Document, stated: Decimal | None = None) -> Document:
    """The document whose payouts carry what is wrong with each. `stated` is the total somebody else says.

    Of one that can't be taken no payout is shown: what its figures say of each other means nothing.
    """
    if document.refused:
        return replace(document, payouts=())
    told = [n for n, payout in enumerate(document.payouts) if payout.state != PENDING]
    held = told if len(told) == 1 else [0] if len(document.payouts) == 1 else []
    mild = _of_their_payouts(document)
    payouts = tuple(
        _with_faults(replace(payout, faults=(*payout.faults, *mild[n])), stated if n in held else None)
        for n, payout in enumerate(document.payouts)
    )
    return replace(document, payouts=payouts)


def _of_their_payouts(document: Document) -> list[list[Fault]]:
    """What is wrong with a file and doesn't refuse it is wrong with the payout of its row, or with the first one."""
    found: list[list[Fault]] = [[] for _ in document.payouts]
    for fault in document.faults:
        places = (n for n, payout in enumerate(document.payouts) if any(line.row == fault.row for line in payout.lines))
        if found:
            found[next(places, 0) if fault.row else 0].append(fault)
    return found


def held(payout: Payout, stated: Decimal) -> Payout:
    """The payout held against a total that somebody stated before, where it states none of its own."""
    if payout.amount is not None or not payout.lines:
        return payout
    kept = tuple(fault for fault in payout.faults if fault.rule != Rule.LINE_DOUBLED)  # twins may be two, and belong
    return _with_faults(replace(payout, faults=kept), stated)


def _with_faults(payout: Payout, stated: Decimal | None) -> Payout:
    if payout.amount is None and stated is not None:
        payout = replace(payout, amount=stated, controls={**payout.controls, "stated": stated})
    elif stated is not None and stated != payout.amount:
        words = f"It was said to be {stated}, the file says {payout.amount}."
        payout = replace(payout, faults=(*payout.faults, Fault(Rule.TOTALS_DISAGREE, words, ref=payout.ref)))
    return replace(payout, faults=(*payout.faults, *faults_of(payout)))


def faults_of(payout: Payout) -> list[Fault]:
    """What the lines and the payout's own figure say of each other."""
    if not payout.lines:
        return []  # the payout was told before its lines
    if {Rule.LINE_MISSING, Rule.LINE_DOUBLED} & {fault.rule for fault in payout.faults}:
        return []  # its translator knows more than the sum tells: the file has a running balance
    off = ZERO if payout.amount is None else total(payout.lines) - payout.amount - payout.carried
    twins = doubled(payout.lines)
    if payout.amount is None or (off and off == sum((line.net for line in twins), ZERO)):
        return told_twice(payout.lines)
    if not off:
        return []
    if twins and any(off == line.net for line in twins):
        return [_twice(line) for line in twins if line.net == off][:1]
    unit = Decimal(1).scaleb(-currencies.EXPONENTS.get(payout.currency, 2))
    words = f"Its lines add up to {total(payout.lines)}, the payout says {payout.amount + payout.carried}"
    if abs(off) <= unit * FEW:
        if any(fault.rule == Rule.CENT_SHIFTED for fault in payout.faults):
            return []
        return [Fault(Rule.CENT_SHIFTED, f"{words}: {off} off.", ref=payout.ref)]
    if any(fault.rule == Rule.ROW_DISAGREES for fault in payout.faults):
        return [Fault(Rule.TOTALS_DISAGREE, f"{words}.", ref=payout.ref)]
    if turned := next((line for line in payout.lines if off == 2 * line.net), None):
        return [Fault(Rule.TOTALS_DISAGREE, f"{words}; row {turned.row} may have lost its minus.", turned.row)]
    return [Fault(Rule.LINE_MISSING, f"{words}: lines of {-off} are missing.", ref=payout.ref)]


def total(lines: Iterable[Line]) -> Decimal:
    return sum((line.net for line in lines), ZERO)


def doubled(lines: Iterable[Line]) -> list[Line]:
    """Every line that stands there a second time, word for word."""
    seen: set[object] = set()
    found = []
    for line in lines:
        if line.identity in seen:
            found.append(line)
        seen.add(line.identity)
    return found


def told_twice(lines: Iterable[Line]) -> list[Fault]:
    """A fault for every line that stands there a second time."""
    return [_twice(line) for line in doubled(lines)]


def _twice(line: Line) -> Fault:
    name = line.ref or line.payment_ref or line.order_ref or line.label
    return Fault(Rule.LINE_DOUBLED, f"{name} of {line.net} stands there twice.", line.row, name)


def changed(before: Iterable[Line], now: Iterable[Line]) -> list[Fault]:
    """What of a payout that was imported before the same payout now says otherwise."""
    old, new = Counter(map(_told, before)), Counter(map(_told, now))
    gone, come = list((old - new).elements()), list((new - old).elements())
    faults = []
    for name, label, net in list(come):
        was = next((other for other in gone if other[0] == name), None)
        if (name, label, net) in old:
            faults.append(Fault(Rule.LINE_DOUBLED, f"{name} of {net} stands there more often than before.", ref=name))
        elif was is not None:
            gone.remove(was)
            slight = label == was[1] and abs(net - was[2]) <= Decimal("0.05")
            rule = Rule.CENT_SHIFTED if slight else Rule.RESTATED
            faults.append(Fault(rule, f"{name} was {was[1]} {was[2]} and is {label} {net} now.", ref=name))
        else:
            faults.append(Fault(Rule.RESTATED, f"{name} of {net} wasn't there before.", ref=name))
    faults += [Fault(Rule.LINE_MISSING, f"{name} of {net} was there and is gone.", ref=name) for name, _, net in gone]
    return faults[:50]


def _told(line: Line) -> tuple[str, str, Decimal]:
    name = line.ref or "/".join(filter(None, (line.payment_ref, line.refund_ref, line.order_ref, line.line_ref)))
    return name or line.note or line.label, line.label, line.net
