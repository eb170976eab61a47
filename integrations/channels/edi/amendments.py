"""Changes of an order worked into what it was. Pure."""

from __future__ import annotations

from dataclasses import replace

from integrations.channels.edi.purchase import CANCEL, Party, Purchase, PurchaseLine
from integrations.reading import Faults


def amended(base: Purchase, change: Purchase) -> Purchase:
    """The order after a change to it: its cancellation, or lines added, altered and taken off.

    Raises Unreadable for what can't be done to what was ordered.
    """
    if change.purpose == CANCEL:
        return replace(base, purpose=CANCEL, version=change.version, notes=[*base.notes, *change.notes])
    faults = Faults()
    lines = list(base.lines)
    for said in change.lines:
        _amend(lines, said, faults)
    faults.raise_if_any()
    after = replace(
        base,
        version=change.version,
        lines=lines or base.lines,
        purpose=base.purpose if lines else CANCEL,
        total=change.total,
        dates=base.dates | change.dates,
        notes=[*base.notes, *(note for note in change.notes if note not in base.notes)],
        parties=_renewed(base.parties, change.parties),
    )
    after.sums = [anew or known for anew, known in zip(change.sums, base.sums, strict=True)]
    return after


def _renewed(before: list[Party], said: list[Party]) -> list[Party]:
    """A change that names a place by its address means another place; one by its code alone repeats it."""
    anew = {each.role: each for each in said if each.is_addressed}
    return [anew.pop(each.role, each) for each in before] + list(anew.values())


def _amend(lines: list[PurchaseLine], said: PurchaseLine, faults: Faults) -> None:
    at = next((index for index, line in enumerate(lines) if _same(line, said)), None)
    if said.change == "add":
        if at is None:
            lines.append(said)
        else:
            faults.add(said.path, f"adds line {said.ref}, which is ordered already")
        return
    if at is None:
        faults.add(said.path, f"changes line {said.ref or '?'}, which was never ordered")
        return
    known = lines[at]
    if said.change == "keep":
        return
    if said.change == "delete":
        del lines[at]
        return
    quantity = known.quantity
    if said.quantity_said:
        quantity = {"more": quantity + said.quantity, "less": quantity - said.quantity}.get(said.change, said.quantity)
    wrong = {"up": quantity <= known.quantity, "down": quantity >= known.quantity}.get(said.change, False)
    if wrong and said.quantity_said:
        words = f"{'raises' if said.change == 'up' else 'lowers'} line {known.ref} to {quantity}, {known.quantity} are "
        hint = 'ordered; where it means by how many, set "change_quantities": "difference"'
        faults.add(said.path, words + hint)
    elif quantity < 0:
        faults.add(said.path, f"takes {said.quantity} off line {known.ref}, of which {known.quantity} are ordered")
    elif quantity == 0:
        del lines[at]
    else:
        lines[at] = replace(
            known,
            quantity=quantity,
            price=known.price if said.price is None else said.price,
            spread=said.spread or (known.spread if quantity == known.quantity else []),
            title=said.title or known.title,
            ids=said.ids if said.change == "replace" and said.ids else known.ids,
        )


def _same(line: PurchaseLine, said: PurchaseLine) -> bool:
    """By its number; a change that gives none names the article."""
    if said.ref:
        return line.ref == said.ref
    return bool(set(said.ids) & set(line.ids))
