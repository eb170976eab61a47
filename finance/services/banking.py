"""Bank statements: kept once, each entry counted once, and matched to the payouts they are."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Sum, When

from core import events
from core.actors import SYSTEM, Actor
from core.errors import Invalid, Problem, Refusal
from exceptions import reasons
from exceptions.services import cases
from finance import canonical, locks, stating
from finance import events as facts
from finance.canonical import ZERO, Entry, Statement, Terms
from finance.models import BankLine, BankStatement, MatchStatus, PayoutState, Settlement
from finance.services import proofs
from finance.settlement_reasons import BANK_DIFFERS, STATEMENT

ALIKE = Decimal("1.00")  # a payout of so little a difference is suggested: a fee the bank took
MOST = 16 * 1024 * 1024


def form_of(content: bytes) -> str:
    """By what it is: XML, SWIFT's fields, or a table."""
    head = content[:4_000].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")  # of UTF-16, too
    if head.startswith(b"<"):
        return "camt053"
    return "mt940" if re.search(rb"(^|\n|\})\s*:20:", content[:4_000]) else "csv"


def read(content: bytes, *, form: str = "", terms: Mapping[str, Any] | None = None) -> list[Statement]:
    """What a file says; writes nothing. Invalid (422) names why it can't be read, or the term that makes no sense."""
    given = Terms.of(stating.terms(terms or {}, canonical.BANK_COLUMNS))
    reader = canonical.bank_reader(form or form_of(content))
    if reader is None:
        raise Invalid([Problem("form", "unknown", "Known are camt053, mt940 and csv.")], status=422)
    if len(content) > MOST:
        raise Refusal("too_large", "At most 16 MB at once.", status=413)
    try:
        return reader(content, given)
    except Exception as error:
        fault = getattr(error, "fault", None)
        if fault is None:
            raise
        place = f"row {fault.row}: " if fault.row else ""
        raise Invalid([Problem("file", str(fault.rule), f"{place}{fault.message}")], status=422) from None


@transaction.atomic
def import_(
    name: str,
    content: bytes,
    *,
    form: str = "",
    terms: Mapping[str, Any] | None = None,
    owner: str = "",
    actor: Actor = SYSTEM,
) -> list[BankStatement]:
    """Keep every statement of a file, count each entry once, and match what came in. Twice changes nothing."""
    digest = hashlib.sha256(content).hexdigest()
    locks.take("bank")
    known = list(BankStatement.objects.filter(sha256__startswith=digest[:56]).order_by("pk"))
    if known:
        return known
    kept = []
    for n, statement in enumerate(read(content, form=form, terms=terms)):
        kept.append(_keep(name, content if n == 0 else b"", f"{digest[:56]}{n:08x}", statement, owner or actor.label))
    for each in kept:
        events.record(
            facts.BANK_IMPORTED, each.subject, actor=actor,
            data={"form": each.form, "account": each.account, "lines": each.lines.count()},
        )  # fmt: skip
        if each.faults:
            cases.open_(STATEMENT, each.subject, summary=each.faults[0]["message"], actor=actor)
        proofs.look_at_statement(each, actor=actor)
        match(each.pk, actor=actor)
    return kept


def _keep(name: str, content: bytes, digest: str, said: Statement, owner: str) -> BankStatement:
    kept = BankStatement.objects.create(
        name=name[-150:], form=said.form, account=said.account[:60], ref=said.ref[:120], currency=said.currency[:3],
        opening=said.opening, closing=said.closing, starts_on=said.starts_on, ends_on=said.ends_on, content=content,
        sha256=digest, faults=[fault.as_json() for fault in said.faults], owner_label=owner[:200],
    )  # fmt: skip
    # Two entries of a day may be word for word the same; the third copy of them in another file is one too many.
    times: Counter[str] = Counter()
    rows = []
    for position, entry in enumerate(said.entries, start=1):
        bare = _key(said.account, entry)
        times[bare] += 1
        key = hashlib.sha256(f"{bare}|{times[bare]}".encode()).hexdigest()
        rows.append(
            BankLine(
                statement=kept, position=position, key=key, booked_on=entry.booked_on, value_on=entry.value_on,
                amount=entry.amount, currency=entry.currency, text=entry.text, counterparty=entry.counterparty,
                ref=entry.ref, refs=list(entry.refs), original_amount=entry.original_amount,
                original_currency=entry.original_currency,
            )
        )  # fmt: skip
    BankLine.objects.bulk_create(rows, ignore_conflicts=True)
    return kept


def _key(account: str, entry: Entry) -> str:
    return "|".join(
        (account, f"{entry.booked_on}", f"{entry.amount.normalize():f}", entry.currency, entry.ref, entry.text)
    )


# --- Which payout a line is ----------------------------------------------------------------------------------------


@transaction.atomic
def match(statement_id: int, *, actor: Actor = SYSTEM) -> dict[str, int]:
    """Match a statement's lines to payouts: by reference or as the only one of its amount and days CONFIRMED, by an
    amount that is nearly it SUGGESTED. Safe to repeat."""
    locks.take("bank")
    lines = list(BankLine.objects.filter(statement_id=statement_id, settlement=None).exclude(amount=0).order_by("pk"))
    counts = {"confirmed": 0, "suggested": 0}
    for line in lines:
        found, why, sure = _payout_of(line, lines)
        if found is None:
            continue
        status = MatchStatus.CONFIRMED if sure else MatchStatus.SUGGESTED
        evidence = {"why": why, "payout": str(found.payout), "withdrawals": found.controls.get("withdrawals", "")[:200]}
        BankLine.objects.filter(pk=line.pk).update(settlement=found, status=status, evidence=evidence)
        counts["confirmed" if sure else "suggested"] += 1
        if sure:
            _banked(found.pk, actor)
    return counts


def _payout_of(line: BankLine, lines: Sequence[BankLine]) -> tuple[Settlement | None, str, bool]:
    words = f"{line.text} {line.ref} {' '.join(line.refs)} {line.counterparty}"
    named = [each for each in _open(line) if len(each.ref) > 3 and each.ref in words]
    if len(named) == 1:
        exact = _fits(named[0], _worth(line, named[0]))
        return named[0], f"It names {named[0].ref}", exact
    same = [each for each in _open(line) if _fits(each, _worth(line, each))]
    twins = [each for each in lines if (each.amount, each.currency) == (line.amount, line.currency)]
    if len(same) == 1 and len(twins) == 1:
        sure = _is_of(same[0], words)
        return same[0], "The only payout of its amount and days", sure or _within(same[0], line)
    by_name = [each for each in same if _is_of(each, words)]
    if len(by_name) == 1 and len(twins) == 1:
        return by_name[0], f"{by_name[0].provider} and the amount", True
    near = [
        each
        for each in _open(line)
        if _is_of(each, words) and abs(each.payout - each.banked - _worth(line, each)) <= ALIKE
    ]
    if len(near) == 1:
        return near[0], f"{near[0].provider}, and nearly the amount", False
    return None, "", False


def _worth(line: BankLine, settlement: Settlement) -> Decimal:
    """What of the payout it is: the bank may have turned it into the account's own currency."""
    worth = line.worth(settlement.currency)
    return ZERO if worth is None else worth


def _open(line: BankLine) -> list[Settlement]:
    """Payouts of about the line's day that haven't arrived yet."""
    first, last = line.booked_on - proofs.LATE, line.booked_on + proofs.EARLY
    rows = Settlement.objects.filter(currency__in=(line.currency, line.original_currency)).exclude(
        state__in=(PayoutState.PENDING,)
    )
    found = []
    for each in rows.filter(paid_on__gte=first).order_by("paid_on", "pk")[:400]:
        begins = each.starts_at.date() if each.starts_at else each.paid_on
        if each.banked != each.payout and begins is not None and begins <= last:
            found.append(each)
    return found


def _fits(settlement: Settlement, amount: Decimal) -> bool:
    """The whole payout, what is left of it, or one of the withdrawals it is made of."""
    if amount in {settlement.payout, settlement.payout - settlement.banked}:
        return True
    return any(Decimal(each.split()[1]) == amount for each in _withdrawals(settlement))


def _withdrawals(settlement: Settlement) -> list[str]:
    said = str(settlement.controls.get("withdrawals", ""))
    return [each for each in said.split("; ") if len(each.split()) > 1 and re.fullmatch(r"-?[0-9.]+", each.split()[1])]


def _is_of(settlement: Settlement, words: str) -> bool:
    return settlement.provider.lower() in words.lower() or bool(settlement.account and settlement.account in words)


def _within(settlement: Settlement, line: BankLine) -> bool:
    return settlement.paid_on is not None and abs((line.booked_on - settlement.paid_on).days) <= 3


def _banked(settlement_id: int, actor: Actor) -> None:
    """Add up what arrived of a payout; another amount than the payout is a case."""
    came = Case(When(currency=F("settlement__currency"), then=F("amount")), default=F("original_amount"))
    total = BankLine.objects.filter(settlement_id=settlement_id, status=MatchStatus.CONFIRMED).aggregate(t=Sum(came))
    Settlement.objects.filter(pk=settlement_id).update(banked=total["t"] or ZERO)
    found = Settlement.objects.get(pk=settlement_id)
    events.record(
        facts.SETTLEMENT_BANKED, found.subject, actor=actor,
        data={"amount": str(found.banked), "payout": str(found.payout), "currency": found.currency, "ref": found.ref},
    )  # fmt: skip
    partly = len(_withdrawals(found)) > 1 and found.banked < found.payout
    if reasons.holds(BANK_DIFFERS, str(found.pk)) and not partly:
        words = f"The bank says {found.banked}, the payout {found.payout} {found.currency}."
        cases.open_(
            BANK_DIFFERS, found.subject, summary=words, value=abs(found.payout - found.banked), currency=found.currency,
            actor=actor,
        )  # fmt: skip
    else:
        cases.recheck(found.subject, cause="Its bank lines add up to it.", actor=actor)
    proofs.look(found, actor=actor)


# --- What a person says --------------------------------------------------------------------------------------------


@transaction.atomic
def attach(line_id: int, settlement_id: int, *, actor: Actor) -> None:
    """A person says that this bank line is (part of) that payout.

    One in another currency, of which the bank doesn't say what was sent, is what is left of the payout: what the
    exchange made of it is booked.
    """
    locks.take("bank")
    line = BankLine.objects.select_for_update(no_key=True).filter(pk=line_id).first()
    settlement = Settlement.objects.filter(pk=settlement_id).first()
    if line is None or settlement is None:
        raise Refusal("unknown_line", "There is no such bank line or payout.", status=404)
    if line.status == MatchStatus.CONFIRMED:
        raise Refusal("taken", "The line is a payout's already.")
    evidence: dict[str, Any] = {"why": "Chosen by a person"}
    if line.worth(settlement.currency) is None:
        left = settlement.payout - settlement.banked
        if line.original_currency or (left > 0) != (line.amount > 0) or not left:
            said = line.original_currency or line.currency
            raise Refusal("other_currency", f"The line is in {said}, the payout in {settlement.currency}.", status=422)
        evidence["taken_as"] = str(left)
        BankLine.objects.filter(pk=line.pk).update(original_amount=left, original_currency=settlement.currency)
    BankLine.objects.filter(pk=line.pk).update(
        settlement=settlement, status=MatchStatus.CONFIRMED, evidence=evidence, actor_label=actor.label[:200]
    )
    _banked(settlement.pk, actor)


@transaction.atomic
def detach(line_id: int, *, actor: Actor) -> None:
    """The line is no longer this payout's."""
    locks.take("bank")
    line = BankLine.objects.select_for_update(no_key=True).filter(pk=line_id).first()
    if line is None or line.settlement_id is None:
        raise Refusal("not_attached", "The line is no payout's.", status=404)
    was = line.settlement_id
    if "taken_as" in line.evidence:
        BankLine.objects.filter(pk=line.pk).update(original_amount=None, original_currency="")
    BankLine.objects.filter(pk=line.pk).update(settlement=None, status="", evidence={}, actor_label=actor.label[:200])
    _banked(was, actor)
