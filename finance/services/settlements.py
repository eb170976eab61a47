"""A settlement file from its bytes to payouts whose totals are its own, or to the case that says why not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Now

from core import amounts, events
from core.actors import SYSTEM, Actor
from core.errors import Invalid, Problem, Refusal
from core.formats import money
from exceptions.services import cases
from finance import canonical, checking, labels, locks, stating
from finance import events as facts
from finance.canonical import ZERO, Document, Fault, Line, Payout, Rule, Terms
from finance.models import (
    BankLine,
    FileStatus,
    LineKind,
    Match,
    MatchSide,
    PayoutState,
    Settlement,
    SettlementFile,
    SettlementLine,
)
from finance.services import costs, proofs

MOST_BYTES = 64 * 1024 * 1024
AT_ONCE = 5_000
FIGURES = ("payout", "carried", "matched", "fees", "other", "written_off", "residual")
_LINE_TEXTS = (
    "label", "ref", "payment_ref", "refund_ref", "order_ref", "shipment_ref", "line_ref", "sku", "method", "note",
    "presentment_currency",
)  # fmt: skip
_LENGTHS = {"label": 160, "method": 60, "note": 200, "presentment_currency": 3}


@dataclass(slots=True)
class Imported:
    """What came of a file: `known` when the very same bytes were here before."""

    file_id: str
    status: str
    known: bool = False
    settlements: list[int] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)


def import_(
    provider: str,
    name: str,
    content: bytes,
    *,
    terms: Mapping[str, Any] | None = None,
    connection_uid: str = "",
    actor: Actor = SYSTEM,
) -> Imported:
    """Keep the bytes once by their hash, read them, and write the payouts in them. Twice changes nothing.

    A file that can't be read for certain is REFUSED as a whole, with a case for every rule it broke; one that can be
    is imported even where its figures disagree, and the disagreement is a case of the payout.
    """
    return take(keep(provider, name, content, terms=terms, connection_uid=connection_uid, actor=actor), actor=actor)


def keep(
    provider: str,
    name: str,
    content: bytes,
    *,
    terms: Mapping[str, Any] | None = None,
    connection_uid: str = "",
    actor: Actor = SYSTEM,
) -> SettlementFile:
    """Store a file as it came, once. New terms for one that wasn't imported are taken over."""
    if canonical.reader(provider) is None:
        known = ", ".join(reader.code for reader in canonical.readers())
        raise Invalid([Problem("provider", "unknown", f"Nobody reads {provider!r}; known are {known}.")], status=422)
    if len(content) > MOST_BYTES:
        raise Refusal("too_large", f"At most {MOST_BYTES // 1024 // 1024} MB at once.", status=413)
    given = stating.terms(terms or {}, canonical.COLUMNS)
    found, _ = SettlementFile.objects.get_or_create(
        provider=provider,
        sha256=hashlib.sha256(content).hexdigest(),
        defaults={
            "name": name.replace("\0", "")[-150:] or "file", "content": content, "size": len(content),
            "terms": given, "account": str(given.get("account", ""))[:120], "connection_uid": connection_uid,
            "owner_label": actor.label[:200],
        },
    )  # fmt: skip
    if terms is not None and found.status != FileStatus.IMPORTED and found.terms != given:
        found.terms, found.account = given, str(given.get("account", ""))[:120]
        found.status = FileStatus.WAITING
        found.save(update_fields=("terms", "account", "status"))
    return found


def read(file: SettlementFile) -> Document:
    """What the file says, with what is wrong with each payout; writes nothing."""
    reader = canonical.reader(file.provider)
    if reader is None:
        raise Refusal("unknown_provider", f"Nobody reads {file.provider}.", status=422)
    terms = Terms.of(file.terms)
    document = checking.checked(reader.read(bytes(file.content), terms), terms.stated)
    known = labels.meanings(file.provider)
    return replace(document, payouts=tuple(_labelled(payout, known) for payout in document.payouts))


def _labelled(payout: Payout, known: Mapping[str, str]) -> Payout:
    new: dict[str, Line] = {}
    for line in payout.lines:
        if line.label not in known:
            new.setdefault(line.label, line)
    said = [
        Fault(Rule.LABEL_UNKNOWN, f"Nobody has said what {label!r} means.", line.row) for label, line in new.items()
    ]
    return replace(payout, faults=(*payout.faults, *said))


@transaction.atomic
def take(file: SettlementFile, *, actor: Actor = SYSTEM) -> Imported:
    """Import a kept file. Safe to repeat; one at a time per provider."""
    locks.take(f"settlements:{file.provider}")
    file.refresh_from_db()
    if file.status in {FileStatus.IMPORTED, FileStatus.REFUSED}:
        ids = list(file.settlements.order_by("pk").values_list("pk", flat=True))
        return Imported(str(file.pk), file.status, True, ids, file.faults)
    document = read(file)
    if document.refused:
        return _refuse(file, _all_faults(document), actor)
    if not document.payouts:
        return _refuse(file, [Fault(Rule.UNREADABLE, "It holds no payout: not one row of it moves money.")], actor)
    found: list[int] = []
    against: list[Fault] = []
    for payout in document.payouts:
        settlement, faults = _payout(file, payout, actor)
        against += faults
        if settlement is not None:
            found.append(settlement.pk)
    if against and not found:
        return _refuse(file, against, actor)
    file.status, file.faults = FileStatus.IMPORTED, [fault.as_json() for fault in (*document.faults, *against)]
    SettlementFile.objects.filter(pk=file.pk).update(status=file.status, faults=file.faults, imported_at=Now())
    _open_file_cases(file, against, actor)
    return Imported(str(file.pk), file.status, False, found, file.faults)


def _all_faults(document: Document) -> list[Fault]:
    every = [*document.faults, *(fault for payout in document.payouts for fault in payout.faults)]
    serious = [fault for fault in every if fault.refuses]
    return list(dict.fromkeys(serious or every))


def _refuse(file: SettlementFile, faults: Sequence[Fault], actor: Actor) -> Imported:
    said = [fault.as_json() for fault in faults[:200]]
    SettlementFile.objects.filter(pk=file.pk).update(status=FileStatus.REFUSED, faults=said)
    file.status, file.faults = FileStatus.REFUSED, said
    _open_file_cases(file, faults, actor)
    return Imported(str(file.pk), file.status, False, [], said)


def _open_file_cases(file: SettlementFile, faults: Iterable[Fault], actor: Actor) -> None:
    for rule, said in by_rule(faults).items():
        words = said[0].message + (f" And {len(said) - 1} more." if len(said) > 1 else "")
        place = f"Row {said[0].row}: " if said[0].row else ""
        cases.open_(f"finance.file_{rule}", file.subject, summary=f"{place}{words}", actor=actor)


def by_rule(faults: Iterable[Fault]) -> dict[str, list[Fault]]:
    found: dict[str, list[Fault]] = {}
    for fault in faults:
        found.setdefault(str(fault.rule), []).append(fault)
    return found


# --- One payout ----------------------------------------------------------------------------------------------------


def _payout(file: SettlementFile, payout: Payout, actor: Actor) -> tuple[Settlement | None, list[Fault]]:
    """Write a payout, or say what it has against the one that is here already."""
    account = (payout.account or file.account)[:120]
    earlier = Settlement.objects.filter(
        provider=file.provider, account=account, ref=payout.ref[:120], currency=payout.currency
    ).first()
    if earlier is None:
        return _write(file, payout, account, actor), []
    if not payout.lines:
        return _told_of(earlier, payout, actor)
    if earlier.stated and earlier.state != PayoutState.PENDING:
        payout = checking.held(payout, earlier.payout)
    before = _lines_of(earlier)
    if not before or earlier.state == PayoutState.PENDING:
        return _write(file, payout, account, actor, instead=earlier), []
    difference = checking.changed(before, payout.lines)
    if not difference and payout.amount in {None, earlier.payout}:
        return earlier, []
    if earlier.faults and not payout.faults:
        return _write(file, payout, account, actor, instead=earlier), []
    own = [fault for fault in payout.faults if fault.rule != Rule.ROW_DISAGREES]
    return None, [*own, *(difference or [Fault(Rule.RESTATED, _restated(earlier, payout))])]


def _restated(earlier: Settlement, payout: Payout) -> str:
    return f"Payout {earlier.ref} was {earlier.payout} and is {payout.amount} now."


def _told_of(earlier: Settlement, payout: Payout, actor: Actor) -> tuple[Settlement | None, list[Fault]]:
    """A payout told again without its lines: where it stands now, and what it comes to."""
    if earlier.stated and payout.amount not in {None, earlier.payout}:
        return None, [Fault(Rule.RESTATED, _restated(earlier, payout))]
    Settlement.objects.filter(pk=earlier.pk).update(state=payout.state, paid_on=payout.paid_on or earlier.paid_on)
    return earlier if payout.amount is None or earlier.stated else hold(earlier, payout.amount, actor=actor), []


@transaction.atomic
def state_total(settlement_id: int, typed: str, *, actor: Actor) -> Settlement:
    """A person says what a payout whose file states no total comes to, as its provider's page has it.

    Where its rows come to it the payout is proven; where they don't, what is wrong is a case and the payout is that
    total. Invalid (422) for what is no amount, Refusal where a total is stated already.
    """
    found = Settlement.objects.select_for_update(no_key=True, of=("self",)).filter(pk=settlement_id).first()
    if found is None:
        raise Refusal("unknown_payout", "There is no such payout.", status=404)
    if found.stated:
        raise Refusal("stated", f"That it comes to {money(found.payout, found.currency)} is stated already.")
    total, problems = amounts.read(typed, found.currency, field="total", name="The total", negative=True, zero=True)
    if total is None:
        raise Invalid(problems or [Problem("total", "missing", "Say what the payout comes to.")], status=422)
    return hold(found, total, actor=actor)


def hold(settlement: Settlement, total: Decimal, *, actor: Actor) -> Settlement:
    """The payout held against a total that its file didn't state: it is that total from now on.

    Where its rows come to another, that is a case as it is of any file, and what is apart stays unexplained: the
    payout is matched again.
    """
    payout = Payout(settlement.ref, settlement.currency, (), amount=total, carried=_plain(settlement.carried))
    same = total == settlement.payout
    new = [] if same else checking.faults_of(replace(payout, lines=tuple(_lines_of(settlement))))
    settlement.stated, settlement.payout = True, total
    settlement.controls |= {"stated": str(total)}
    settlement.faults = [*settlement.faults, *(fault.as_json() for fault in new)][:200]
    settlement.matched_at = settlement.matched_at if same else None
    settlement.save(update_fields=("stated", "payout", "controls", "faults", "matched_at"))
    settlement.refresh_from_db()
    _open_cases(settlement, new, actor)
    cases.recheck(settlement.subject, cause="What it comes to was stated.", actor=actor)
    if not same:
        events.record(facts.SETTLEMENT_IMPORTED, settlement.subject, actor=actor, data=told(settlement))
    return settlement


def _lines_of(settlement: Settlement) -> list[Line]:
    return [_line_of(row) for row in settlement.lines.order_by("position")]


def _write(
    file: SettlementFile, payout: Payout, account: str, actor: Actor, *, instead: Settlement | None = None
) -> Settlement:
    known = labels.meanings(file.provider)
    faults = [*payout.faults, *_settled_before(file.provider, account, payout)]
    amount = payout.amount if payout.amount is not None else checking.total(payout.lines) - payout.carried
    values = {
        "file": file, "state": payout.state, "starts_at": payout.starts_at, "ends_at": payout.ends_at,
        "paid_on": payout.paid_on, "label_version": labels.version(file.provider),
        "controls": {key: str(value) for key, value in payout.controls.items()},
        "faults": [fault.as_json() for fault in faults[:200]], "lines_count": len(payout.lines), "payout": amount,
        "stated": payout.amount is not None and payout.proven, "opening": payout.opening, "closing": payout.closing,
        "carried": payout.carried, "matched": ZERO, "fees": ZERO, "other": ZERO, "written_off": ZERO,
        "exchange": ZERO, "rates": [], "unrated": False, "matchable": 0, "matched_at": None, "balanced_at": None,
    }  # fmt: skip
    if instead is None:
        settlement = Settlement.objects.create(
            provider=file.provider, account=account, ref=payout.ref[:120], currency=payout.currency, **values
        )
    else:
        clear(instead.pk)
        Settlement.objects.filter(pk=instead.pk).update(**values)
        settlement = instead
    _lines(settlement, payout.lines, known)
    costs.add_up(settlement.pk)
    settlement.refresh_from_db()
    _open_cases(settlement, faults, actor)
    proofs.look(settlement, actor=actor)
    if instead is not None:
        cases.recheck(settlement.subject, cause="A file that is whole was imported.", actor=actor)
    events.record(facts.SETTLEMENT_IMPORTED, settlement.subject, actor=actor, data=told(settlement))
    return settlement


def clear(settlement_id: int) -> None:
    """Take the lines of a payout out, and every match with them, to write it anew."""
    BankLine.objects.filter(settlement_id=settlement_id, status="SUGGESTED").update(settlement=None, status="")
    MatchSide.objects.filter(line__settlement_id=settlement_id).delete()
    Match.objects.filter(settlement_id=settlement_id).delete()
    SettlementLine.objects.filter(settlement_id=settlement_id).delete()


def _lines(settlement: Settlement, lines: Sequence[Line], known: Mapping[str, str]) -> None:
    rows = iter(enumerate(lines, start=1))
    while batch := list(islice(rows, AT_ONCE)):
        SettlementLine.objects.bulk_create([_model(settlement, n, line, known) for n, line in batch])


def _model(settlement: Settlement, position: int, line: Line, known: Mapping[str, str]) -> SettlementLine:
    texts = {name: getattr(line, name).replace("\0", "")[: _LENGTHS.get(name, 120)] for name in _LINE_TEXTS}
    return SettlementLine(
        settlement=settlement, position=position, row=line.row, kind=known.get(line.label, ""), at=line.at,
        gross=line.gross, fee=line.fee, net=line.net, parts={k: str(v) for k, v in line.parts.items()},
        presentment_amount=line.presentment_amount, **texts,
    )  # fmt: skip


def _line_of(row: SettlementLine) -> Line:
    return Line(
        row=row.row, label=row.label, gross=_plain(row.gross), fee=_plain(row.fee), net=_plain(row.net), ref=row.ref,
        payment_ref=row.payment_ref, refund_ref=row.refund_ref, order_ref=row.order_ref, line_ref=row.line_ref,
        note=row.note, at=row.at,
    )  # fmt: skip


def _plain(amount: Decimal) -> Decimal:
    """Without the noughts that the database keeps and no file wrote."""
    short = amount.quantize(Decimal("0.01"))
    return short if short == amount else amount.normalize()


def _settled_before(provider: str, account: str, payout: Payout) -> list[Fault]:
    """Lines that stand in another payout already: the same money can't be paid out twice."""
    if payout.state == PayoutState.PENDING:
        return []
    refs = {line.ref: line for line in payout.lines if line.ref}
    rows = SettlementLine.objects.filter(ref__in=refs, settlement__provider=provider, settlement__account=account)
    rows = rows.exclude(settlement__ref=payout.ref).exclude(settlement__state=PayoutState.PENDING)
    found = []
    for ref, label, net, other in rows.values_list("ref", "label", "net", "settlement__ref")[:50]:
        line = refs[ref]
        if (label, net) == (line.label, line.net):
            words = f"{ref} of {net} was in payout {other} already."
            found.append(Fault(Rule.LINE_DOUBLED, words, line.row, ref))
    return found


def _open_cases(settlement: Settlement, faults: Sequence[Fault], actor: Actor) -> None:
    if settlement.state == PayoutState.PENDING:
        faults = [fault for fault in faults if fault.rule != Rule.LINE_MISSING]
    for rule, said in by_rule(faults).items():
        place = f"Row {said[0].row}: " if said[0].row else ""
        more = f" And {len(said) - 1} more." if len(said) > 1 else ""
        cases.open_(
            f"finance.settlement_{rule}", settlement.subject, summary=f"{place}{said[0].message}{more}",
            value=abs(settlement.payout), currency=settlement.currency, actor=actor,
        )  # fmt: skip


def told(settlement: Settlement) -> dict[str, Any]:
    """A payout as its facts carry it: figures as text."""
    gross = sum_of(settlement.pk)
    return {
        "uid": str(settlement.pk), "provider": settlement.provider, "account": settlement.account,
        "ref": settlement.ref, "currency": settlement.currency, "state": settlement.state,
        "lines": settlement.lines_count, "gross": str(gross), "net": str(gross + settlement.fees),
        **{name: str(getattr(settlement, name)) for name in FIGURES},
    }  # fmt: skip


def sum_of(settlement_id: int) -> Any:
    rows = SettlementLine.objects.filter(settlement_id=settlement_id).exclude(kind=LineKind.FEE)
    return rows.aggregate(total=Sum("gross"))["total"] or ZERO


def discard(file_id: UUID | str, *, actor: Actor) -> None:
    """Give up a file that wasn't imported. Its bytes stay, its cases clear."""
    changed = SettlementFile.objects.filter(pk=file_id, status__in=(FileStatus.WAITING, FileStatus.REFUSED)).update(
        status=FileStatus.DISCARDED
    )
    if not changed:
        raise Refusal("not_waiting", "An imported file can't be discarded.")
    cases.recheck(SettlementFile.objects.get(pk=file_id).subject, cause="The file was discarded.", actor=actor)
