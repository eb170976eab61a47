"""The cases of settlements: each way a file, a payout or a bank line can be wrong has its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.urls import reverse

from core.actors import Actor
from core.formats import money
from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Action, Cell, Column, Context, Evidence, Impact, Opening, Param, Reason, Row
from finance.canonical import Rule
from finance.models import (
    MATCHED,
    NOT_PROVEN,
    BankLine,
    BankStatement,
    FileStatus,
    OpenLine,
    PayoutState,
    Settlement,
    SettlementFile,
    SettlementLine,
)

RESIDUAL = "finance.settlement_residual"
NOT_SETTLED = "finance.payment_not_settled"
BANK_DIFFERS = "finance.bank_differs"
STATEMENT = "finance.statement_disagrees"
RATE_MISSING = "finance.rate_missing"
UNPROVEN = "finance.settlement_unproven"
BALANCE_BREAKS = "finance.balance_breaks"
STATEMENT_BREAKS = "finance.statement_breaks"
SHOWN = 20

# Title, what it means, severity.
WORDS: dict[Rule, tuple[str, str]] = {
    Rule.UNREADABLE: ("A settlement file can't be read", "A cell, a row or the file isn't what the format says."),
    Rule.TERMS_UNSTATED: (
        "How a settlement file is written isn't stated",
        "Its dates or numbers could mean two things; state on the connection which.",
    ),
    Rule.DECIMAL_COMMA: (
        "A settlement file mixes decimal points and commas",
        "Some amounts are written the other way round, so none of the file is taken.",
    ),
    Rule.UNICODE_MINUS: (
        "A settlement file has dashes for minus signs",
        "A typographic dash stands before an amount; whether it is a minus isn't guessed.",
    ),
    Rule.IDS_ROUNDED: (
        "The ids of a settlement were rounded",
        "A spreadsheet turned ids into numbers, so they name nothing any more.",
    ),
    Rule.CURRENCY_MIXED: (
        "A settlement has a line in another currency",
        "Amounts of two currencies can't be added up, and a rate of one between two is none.",
    ),
    Rule.LINE_DOUBLED: ("A settlement line stands there twice", "The same movement is in the payout more than once."),
    Rule.LINE_MISSING: ("A settlement lacks a line", "Its lines don't add up to its own control figure."),
    Rule.CENT_SHIFTED: ("A settlement is off by cents", "A row or a total is a few of the smallest unit off."),
    Rule.ROW_DISAGREES: ("A settlement row doesn't add up", "Its gross, its fees and its net don't agree."),
    Rule.TOTALS_DISAGREE: ("A settlement doesn't add up to its total", "The rows say another total than the file."),
    Rule.LABEL_UNKNOWN: ("A settlement label nobody knows", "Nobody has said what the label means, so its line waits."),
    Rule.RESTATED: ("A payout was stated anew, differently", "The file says otherwise than the one imported before."),
}


def _settlement(uid: str) -> Settlement | None:
    return Settlement.objects.filter(pk=uid).first() if uid.isdigit() else None


def _file(uid: str) -> SettlementFile | None:
    return SettlementFile.objects.defer("content").filter(pk=uid).first()


def _worth(uid: str) -> tuple[Decimal, str] | None:
    found = _settlement(uid)
    return (abs(found.payout), found.currency) if found else None


def _impact(uid: str) -> Impact | None:
    """What of the payout nobody can explain yet; all of it while that isn't known."""
    found = _settlement(uid)
    return Impact(value=abs(found.residual or found.payout), currency=found.currency) if found else None


def _context(uid: str) -> Context | None:
    found = _settlement(uid)
    if found is None:
        return None
    facts = [
        ("Provider", found.provider),
        ("Payout", money(found.payout, found.currency)),
        ("Lines", str(found.lines_count)),
        ("Not explained", money(found.residual, found.currency)),
    ]
    return Context(found.subject.label, found.subject, facts)


def _describe(uid: str) -> Opening | None:
    found = _settlement(uid)
    if found is None:
        return None
    return Opening(
        label=found.subject.label, summary=f"{found.provider}, {money(found.payout, found.currency)}",
        value=abs(found.payout), currency=found.currency, started_at=found.imported_at,
    )  # fmt: skip


def _said(faults: list[dict[str, Any]], rule: Rule) -> Evidence:
    rows = [
        Row([str(each["row"] or ""), each["ref"], each["message"]], hot=True) for each in faults if each["rule"] == rule
    ]
    return Evidence(WORDS[rule][1], [Column("Row", True), "What", "Why"], rows[:SHOWN])


def _about_payout(**given: Any) -> Reason:
    """A case of one payout, as every one of them is unless it says otherwise."""
    usual: dict[str, Any] = {
        "queue": "finance", "subject_kind": "settlement", "icon": "scale", "severity": reasons.HIGH,
        "acknowledge_minutes": 240, "resolve_minutes": 2 * 24 * 60, "context": _context, "describe": _describe,
        "value": _worth, "impact": _impact,
    }  # fmt: skip
    return Reason(**usual | given)


def _of_settlement(rule: Rule) -> Reason:
    title, description = WORDS[rule]

    def holds(uid: str) -> bool:
        return Settlement.objects.filter(pk=uid, faults__contains=[{"rule": str(rule)}]).exists()

    def evidence(uid: str) -> list[Evidence]:
        found = _settlement(uid)
        return [_said(found.faults, rule)] if found else []

    return _about_payout(
        code=f"finance.settlement_{rule}",
        title=title,
        description=description,
        clears="a file of the same payout without this fault is imported.",
        predicate=holds,
        evidence=evidence,
    )


def _of_label() -> Reason:
    title, description = WORDS[Rule.LABEL_UNKNOWN]

    def rows(uid: str) -> Any:
        return SettlementLine.objects.filter(settlement_id=uid, kind="")

    def evidence(uid: str) -> list[Evidence]:
        found = rows(uid).order_by("position").values_list("row", "label", "net", "order_ref")[:SHOWN]
        shown = [Row([str(row), Cell(label, code=True), f"{net:f}", ref], hot=True) for row, label, net, ref in found]
        return [Evidence(description, [Column("Row", True), "Label", Column("Amount", True), "Order"], shown)]

    def standing() -> Iterable[str]:
        ids = SettlementLine.objects.filter(kind="").values_list("settlement_id", flat=True).distinct()
        return map(str, ids[:1000])

    return _about_payout(
        code="finance.settlement_label_unknown",
        title=title,
        description=description,
        clears="somebody has said what each label means.",
        predicate=lambda uid: rows(uid).exists(),
        evidence=evidence,
        standing=standing,
        actions=(
            Action(
                code="map_label",
                title="Say what the label means",
                detail="The next version of the provider's map; lines that wait are classified at once.",
                permission="finance.map_labels",
                href=lambda uid: reverse("finance:labels"),
                primary=True,
            ),
        ),
    )


def _of_file(rule: Rule) -> Reason:
    title, description = WORDS[rule]

    def holds(uid: str) -> bool:
        rows = SettlementFile.objects.filter(pk=uid, faults__contains=[{"rule": str(rule)}])
        return rows.exclude(status=FileStatus.DISCARDED).exists()

    def evidence(uid: str) -> list[Evidence]:
        found = _file(uid)
        return [_said(found.faults, rule)] if found else []

    def context(uid: str) -> Context | None:
        found = _file(uid)
        if found is None:
            return None
        facts = [("Provider", found.provider), ("File", found.name), ("Status", found.get_status_display())]
        return Context(found.name, found.subject, facts)

    def drop(uid: str, *, actor: Actor) -> str:
        from finance.services import settlements

        settlements.discard(uid, actor=actor)
        return "The file is discarded; its bytes stay."

    return Reason(
        code=f"finance.file_{rule}",
        weightless="What a file that can't be taken is worth isn't known.",
        title=title,
        queue="finance",
        subject_kind="settlement_file",
        icon="file-text",
        severity=reasons.HIGH,
        acknowledge_minutes=240,
        resolve_minutes=2 * 24 * 60,
        description=description,
        clears="the file is discarded, or imported by other terms.",
        predicate=holds,
        evidence=evidence,
        context=context,
        describe=lambda uid: Opening(label=found.name) if (found := _file(uid)) else None,
        actions=(
            Action(
                code="discard_file",
                title="Discard the file",
                detail="For when a whole one was fetched in its place.",
                permission="finance.import_settlement",
                run=drop,
                rehearsed=True,
                lasting="The same bytes stay discarded; fetch the file again.",
                offered=lambda uid: SettlementFile.objects.filter(
                    pk=uid, status__in=(FileStatus.WAITING, FileStatus.REFUSED)
                ).exists(),
                primary=True,
            ),
        ),
    )


# --- What is left of a payout --------------------------------------------------------------------------------------


def unexplained() -> Any:
    """Payouts that were matched and of which something is left."""
    rows = Settlement.objects.exclude(residual=0).filter(matched_at__isnull=False, lines_count__gt=0)
    return rows.exclude(state__in=(PayoutState.PENDING, PayoutState.CANCELLED, PayoutState.FAILED))


def open_lines(uid: str) -> Any:
    waiting = OpenLine.objects.filter(settlement_id=uid)
    return SettlementLine.objects.filter(pk__in=waiting.values("pk"), kind__in=MATCHED)


def _residual_evidence(uid: str) -> list[Evidence]:
    found = _settlement(uid)
    if found is None:
        return []
    figures = [
        ("Payout", found.payout), ("Stays on the provider's balance", found.carried), ("Matched", -found.matched),
        ("Fees", -found.fees), ("Other movements", -found.other), ("Written off", -found.written_off),
    ]  # fmt: skip
    bridge = [Row([name, money(figure, found.currency)]) for name, figure in figures if figure]
    bridge.append(Row(["Not explained", money(found.residual, found.currency)], hot=True))
    lines = open_lines(uid).order_by("position")[:SHOWN]
    rows = [
        Row(
            [
                str(line.row),
                line.label,
                line.order_ref or line.payment_ref or line.ref,
                money(line.gross, found.currency),
            ]
        )
        for line in lines
    ]
    return [
        Evidence("The payout and what it is made of", ["What", Column("Amount", True)], bridge),
        Evidence("Lines without their entry in the books", [Column("Row", True), "Label", "Reference",
            Column("Amount", True)], rows),
    ]  # fmt: skip


def _write_off(uid: str, why: str, *, actor: Actor) -> str:
    from finance.services import matches

    count = matches.write_off_rest(int(uid), why=why, actor=actor)
    return f"{count} lines are written off."


def _left(uid: str, **given: Any) -> tuple[Decimal, str] | None:
    found = _settlement(uid)
    return (abs(found.residual), found.currency) if found else None


SETTLEMENT_RESIDUAL = _about_payout(
    code=RESIDUAL,
    title="A payout isn't explained to the cent",
    description="Matched lines and classified fees don't add up to the payout.",
    clears="nothing is left of the payout.",
    predicate=lambda uid: unexplained().filter(pk=uid).exists(),
    evidence=_residual_evidence,
    standing=lambda: map(str, unexplained().order_by("pk").values_list("pk", flat=True)[:1000]),
    value=_left,
    actions=(
        Action(
            code="match_lines",
            title="Open the match workbench",
            permission="finance.match_settlement",
            href=lambda uid: reverse("finance:settlement", args=[uid]),
            primary=True,
        ),
        Action(
            code="write_off_rest",
            title="Write off what is left",
            detail="Every open line whose amount is within the limit.",
            permission="finance.write_off_settlement",
            run=_write_off,
            params=(Param("why", "Why"),),
            rehearsed=True,
            amount=_left,
            stake="what is left of the payout",
            lasting="Undo each on the payout's page.",
        ),
    ),
)


def _not_settled_evidence(uid: str) -> list[Evidence]:
    from finance.services import gaps

    rows = [
        Row(
            [Cell(number, Subject("order", str(order), number)), ref, money(amount, currency), f"{at:%Y-%m-%d %H:%M}"],
            hot=True,
        )
        for order, number, ref, amount, currency, at in gaps.unsettled(int(uid))[:SHOWN]
    ]
    return [Evidence("Captured while others of this payout were, and in no payout", ["Order", "Payment",
        Column("Amount", True), "When"], rows)]  # fmt: skip


def _gap(uid: str) -> bool:
    from finance.services import gaps

    return bool(uid.isdigit() and gaps.unsettled(int(uid)))


PAYMENT_NOT_SETTLED = _about_payout(
    code=NOT_SETTLED,
    title="Captured payments are in no payout",
    severity=reasons.NORMAL,
    acknowledge_minutes=8 * 60,
    resolve_minutes=5 * 24 * 60,
    description="Payments of the payout's own days and provider stand in no payout: a line is missing, or late.",
    clears="each of them is in a payout.",
    predicate=_gap,
    evidence=_not_settled_evidence,
)


# --- What only its own rows say ------------------------------------------------------------------------------------


def unproven() -> Any:
    """Payouts of which nothing beyond their own rows says what they come to."""
    rows = Settlement.objects.filter(NOT_PROVEN, lines_count__gt=0)
    return rows.exclude(state__in=(PayoutState.PENDING, PayoutState.CANCELLED, PayoutState.FAILED))


def _unproven_evidence(uid: str) -> list[Evidence]:
    from finance.services import proofs

    found = _settlement(uid)
    if found is None:
        return []
    rows = [
        Row([f"{line.booked_on}", line.text[:120], money(line.amount, line.currency),
             money(line.amount - found.payout, found.currency)], hot=True)
        for line in proofs.bank_lines(found)[:SHOWN]
    ]  # fmt: skip
    rows.append(Row(["", "The payout, as its rows add up", money(found.payout, found.currency), ""]))
    return [Evidence("What the bank has of its provider and its days that is no payout's yet", ["Day", "Text",
        Column("Amount", True), Column("Apart", True)], rows)]  # fmt: skip


def _state_total(uid: str, total: str, *, actor: Actor) -> str:
    from finance.services import settlements

    found = settlements.state_total(int(uid), total, actor=actor)
    return f"Payout {found.ref} is {money(found.payout, found.currency)}."


NOTHING_STATED = _about_payout(
    code=UNPROVEN,
    title="A payout has no total of its own",
    severity=reasons.NORMAL,
    acknowledge_minutes=3 * 24 * 60,
    resolve_minutes=7 * 24 * 60,
    description="Its file states none, so a row that is missing from it would show nowhere.",
    clears="the bank's line of that amount is the payout's, or its total is stated and its rows come to it.",
    predicate=lambda uid: unproven().filter(pk=uid).exists(),
    evidence=_unproven_evidence,
    standing=lambda: map(str, unproven().order_by("-pk").values_list("pk", flat=True)[:1000]),
    actions=(
        Action(
            code="state_total",
            title="State its total",
            detail="What the provider's own page, or the bank, says it comes to. Rows that come to another are a case.",
            permission="finance.import_settlement",
            run=_state_total,
            params=(Param("total", "Total", hint="Below zero where the provider took it"),),
            rehearsed=True,
            lasting="A payout is what was stated of it; import a whole file of it in place of this one.",
            primary=True,
        ),
        Action(
            code="attach_bank_line",
            title="Choose its bank line",
            permission="finance.match_settlement",
            href=lambda uid: f"{reverse('finance:bank')}?status=none",
        ),
    ),
)


def _break_evidence(uid: str) -> list[Evidence]:
    from finance.services import proofs

    found, gap = _settlement(uid), proofs.broken(int(uid)) if uid.isdigit() else None
    if found is None or gap is None:
        return []
    ended, began = f"{gap.ended:%Y-%m-%d %H:%M}", f"{found.starts_at:%Y-%m-%d %H:%M}"
    return [
        _gap_between("The provider's balance", ["Payout", "", "When"], gap, ended, found.ref, began, found.currency)
    ]


def _gap_between(title: str, columns: list[str], gap: Any, ended: str, ref: str, began: str, currency: str) -> Evidence:
    """What the one before closed with, what this one opens with, and what came between."""
    rows = [
        Row([gap.before, "closed with", ended, money(gap.closed, currency)]),
        Row([ref, "opens with", began, money(gap.opened, currency)]),
        Row(["", "Came between", "", money(gap.between, currency)], hot=True),
    ]
    return Evidence(title, [*columns, Column("Balance", True)], rows)


def _breaks(uid: str) -> bool:
    from finance.services import proofs

    return bool(uid.isdigit() and proofs.broken(int(uid)))


BALANCE = _about_payout(
    code=BALANCE_BREAKS,
    title="A payout doesn't begin where the one before it ended",
    description="The provider's balance moved between two of its files, and no row says why: one lacks rows, or one "
    "between them wasn't imported.",
    clears="the file that lies between is imported, or a whole one takes the place of the one that lacks rows.",
    predicate=_breaks,
    evidence=_break_evidence,
)


def _bank_off(uid: str) -> bool:
    return Settlement.objects.filter(pk=uid).exclude(banked=0).exclude(banked__isnull=True).extra(
        where=["banked <> payout"]
    ).exists()  # fmt: skip


def _of_bank(line: BankLine, currency: str) -> str:
    said = money(line.amount, line.currency)
    return said if line.currency == currency else f"{money(line.original_amount, currency)} as {said}"


def _bank_evidence(uid: str) -> list[Evidence]:
    found = _settlement(uid)
    if found is None:
        return []
    rows = [
        Row([f"{line.booked_on}", line.text[:120], _of_bank(line, found.currency)])
        for line in found.bank_lines.filter(status="CONFIRMED")[:SHOWN]
    ]
    rows.append(Row(["", "The payout", money(found.payout, found.currency)], hot=True))
    return [Evidence("What the bank says arrived", ["Day", "Text", Column("Amount", True)], rows)]


BANK_LINE_DIFFERS = _about_payout(
    code=BANK_DIFFERS,
    title="The bank says another amount than the payout",
    description="The bank lines of a payout don't add up to it.",
    clears="they do, or the line is taken off the payout.",
    predicate=_bank_off,
    evidence=_bank_evidence,
)


def _rate_evidence(uid: str) -> list[Evidence]:
    found = _settlement(uid)
    rows = [
        Row([each["given"], each["wanted"], each["on"], each["rate"] or "Nobody stated one"], hot=each["rate"] is None)
        for each in (found.rates if found else ())
    ]
    return [Evidence("Rates its postings go by", ["One of", "In", "On", Column("Rate", True)], rows[:SHOWN])]


RATE = _about_payout(
    code=RATE_MISSING,
    title="A payout waits for an exchange rate",
    severity=reasons.NORMAL,
    description="Money passed from one currency to another, and no rate says what the exchange made or lost.",
    clears="the rates are stated; what the exchange made is booked at once.",
    predicate=lambda uid: Settlement.objects.filter(pk=uid, unrated=True).exists(),
    evidence=_rate_evidence,
    standing=lambda: map(
        str, Settlement.objects.filter(unrated=True).order_by("-pk").values_list("pk", flat=True)[:1000]
    ),
    actions=(
        Action(
            code="state_rate",
            title="State the rate",
            detail="One of a currency in another, on the day or up to a week before it.",
            permission="finance.add_exchangerate",
            href=lambda uid: reverse("admin:finance_exchangerate_add"),
            primary=True,
        ),
    ),
)

# --- Bank statements -----------------------------------------------------------------------------------------------


def _statement(uid: str) -> BankStatement | None:
    return BankStatement.objects.defer("content").filter(pk=int(uid)).first() if uid.isdigit() else None


def _statement_evidence(uid: str) -> list[Evidence]:
    found = _statement(uid)
    rows = [Row([str(each["row"] or ""), each["message"]], hot=True) for each in (found.faults if found else ())]
    return [Evidence("What the statement says of itself", [Column("Entry", True), "Why"], rows[:SHOWN])]


def _statement_context(uid: str) -> Context | None:
    found = _statement(uid)
    if found is None:
        return None
    facts = [("File", found.name), ("Account", found.account), ("Statement", found.ref)]
    return Context(found.name, found.subject, facts)


STATEMENT_DISAGREES = Reason(
    code=STATEMENT,
    weightless="What a statement lacks isn't known.",
    title="A bank statement doesn't add up",
    queue="finance",
    subject_kind="bank_statement",
    icon="scale",
    severity=reasons.HIGH,
    acknowledge_minutes=240,
    resolve_minutes=2 * 24 * 60,
    description="Its opening balance and its entries don't come to its closing one: one is missing, doubled or off.",
    clears="a person says why, with a waiver.",
    predicate=lambda uid: bool((found := _statement(uid)) and found.faults),
    evidence=_statement_evidence,
    context=_statement_context,
    describe=lambda uid: Opening(label=found.name) if (found := _statement(uid)) else None,
)


def _statement_gap(uid: str) -> list[Evidence]:
    from finance.services import proofs

    found, gap = _statement(uid), proofs.statement_broken(int(uid)) if uid.isdigit() else None
    if found is None or gap is None:
        return []
    ended, began = f"{gap.ended}", f"{found.starts_on}"
    columns = ["Statement", "", "Day"]
    return [_gap_between("The account's balance", columns, gap, ended, found.ref, began, found.currency)]


STATEMENT_GAP = replace(
    STATEMENT_DISAGREES,
    code=STATEMENT_BREAKS,
    title="A bank statement doesn't begin where the one before it ended",
    severity=reasons.NORMAL,
    description="The account's balance moved between two statements, and no entry says why: one lacks entries, or one "
    "between them wasn't imported.",
    clears="the statement that lies between is imported, or a person says why, with a waiver.",
    predicate=lambda uid: bool(_statement_gap(uid)),
    evidence=_statement_gap,
)

_FILES = tuple(rule for rule in Rule if rule not in {Rule.ROW_DISAGREES, Rule.TOTALS_DISAGREE})
_PAYOUTS: tuple[Rule, ...] = (
    Rule.IDS_ROUNDED, Rule.CURRENCY_MIXED, Rule.LINE_DOUBLED, Rule.LINE_MISSING, Rule.CENT_SHIFTED,
    Rule.ROW_DISAGREES, Rule.TOTALS_DISAGREE,
)  # fmt: skip


def register() -> None:
    makers: list[tuple[Callable[[Rule], Reason], tuple[Rule, ...]]] = [(_of_file, _FILES), (_of_settlement, _PAYOUTS)]
    for make, rules in makers:
        for rule in rules:
            reasons.register(make(rule))
    reasons.register(_of_label())
    for reason in (
        SETTLEMENT_RESIDUAL, PAYMENT_NOT_SETTLED, NOTHING_STATED, BALANCE, BANK_LINE_DIFFERS, RATE, STATEMENT_DISAGREES,
        STATEMENT_GAP,
    ):  # fmt: skip
        reasons.register(reason)
