"""What beyond a payout's own rows says that they are all of them: a total, the bank, the balance before and after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from core.actors import SYSTEM, Actor
from core.formats import money
from exceptions import reasons
from exceptions.services import cases
from finance.models import BankLine, BankStatement, Settlement
from finance.settlement_reasons import BALANCE_BREAKS, STATEMENT_BREAKS, UNPROVEN

EARLY, LATE = timedelta(days=2), timedelta(days=10)  # a payout's day and the bank's


@dataclass(frozen=True, slots=True)
class Break:
    """Two payouts of one account that follow each other, and what came between them."""

    before: str
    ended: Any
    closed: Decimal
    opened: Decimal

    @property
    def between(self) -> Decimal:
        return self.opened - self.closed


def broken(settlement_id: int) -> Break | None:
    """Where the balance a payout opens with isn't the one that its account's payout before it closed with.

    None where it is, where none came before it, and where the days of two overlap: then what lies between can't be
    told.
    """
    now = Settlement.objects.filter(pk=settlement_id, opening__isnull=False, starts_at__isnull=False).first()
    if now is None:
        return None
    others = _of_its_account(now)
    before = others.filter(ends_at__lte=now.starts_at).order_by("-ends_at", "-pk").first()
    if before is None or before.closing == now.opening:
        return None
    if others.filter(starts_at__lt=now.starts_at, ends_at__gt=now.starts_at).exists():
        return None
    return Break(before.ref, before.ends_at, before.closing, now.opening)


def _of_its_account(one: Settlement) -> Any:
    rows = Settlement.objects.filter(
        provider=one.provider, account=one.account, currency=one.currency, closing__isnull=False
    )
    return rows.exclude(pk=one.pk)


def look(settlement: Settlement, *, actor: Actor = SYSTEM) -> None:
    """Open or clear what is to be said of a payout that was written, and of the one after it. Safe to repeat."""
    uid = str(settlement.pk)
    if reasons.holds(UNPROVEN, uid):
        amount = money(settlement.payout, settlement.currency)
        words = f"Only its own {settlement.lines_count} rows say that it is {amount}."
        cases.open_(
            UNPROVEN, settlement.subject, summary=words, value=abs(settlement.payout), currency=settlement.currency,
            actor=actor,
        )  # fmt: skip
    if settlement.closing is None or settlement.ends_at is None:
        return
    after = _of_its_account(settlement).filter(starts_at__gte=settlement.ends_at).order_by("starts_at", "pk").first()
    for each in filter(None, (settlement, after)):
        if gap := broken(each.pk):
            cases.open_(
                BALANCE_BREAKS, each.subject, summary=said(gap, each.currency), value=abs(gap.between),
                currency=each.currency, actor=actor,
            )  # fmt: skip
        else:
            cases.recheck(each.subject, cause="The balance follows from the payout before.", actor=actor)


def said(gap: Break, currency: str) -> str:
    opened, closed, between = (money(each, currency) for each in (gap.opened, gap.closed, gap.between))
    return (
        f"Its first row's Balance begins at {opened}, {gap.before} closed with {closed}: {between} came between, and "
        "no row says why. The last rows of the one, the first of the other, or a file are missing."
    )


def statement_broken(statement_id: int) -> Break | None:
    """Where a bank statement doesn't open with what one of its account's last ones before it closed with.

    None where it does, where none came before it, and where the days of two overlap.
    """
    now = BankStatement.objects.defer("content").filter(pk=statement_id, opening__isnull=False).first()
    if now is None or now.starts_on is None or not now.account:
        return None
    others = BankStatement.objects.filter(account=now.account, currency=now.currency, closing__isnull=False)
    others = others.exclude(pk=now.pk)
    met = {"ends_on__lt": now.starts_on} if now.form == "csv" else {"ends_on__lte": now.starts_on}
    before = others.filter(**met).order_by("-ends_on", "-pk").only("ref", "closing", "ends_on").first()
    if before is None or others.filter(ends_on=before.ends_on, closing=now.opening).exists():
        return None
    if others.filter(starts_on__lte=now.starts_on, ends_on__gte=now.starts_on).exclude(pk=before.pk).exists():
        return None
    return Break(before.ref, before.ends_on, before.closing, now.opening)


def look_at_statement(statement: BankStatement, *, actor: Actor = SYSTEM) -> None:
    """Open or clear what is to be said of a statement that was kept, and of the next one. Safe to repeat."""
    if statement.closing is None or statement.ends_on is None:
        return
    rows = BankStatement.objects.filter(account=statement.account, currency=statement.currency)
    after = rows.filter(starts_on__gte=statement.ends_on).exclude(pk=statement.pk).order_by("starts_on", "pk").first()
    for each in filter(None, (statement, after)):
        if gap := statement_broken(each.pk):
            opened, closed, between = (money(one, each.currency) for one in (gap.opened, gap.closed, gap.between))
            words = f"It opens with {opened}, {gap.before} closed with {closed}: {between} came between, and no entry"
            cases.open_(STATEMENT_BREAKS, each.subject, summary=f"{words} says why.", actor=actor)
        else:
            cases.recheck(each.subject, cause="The balance follows from the statement before.", actor=actor)


def bank_lines(settlement: Settlement) -> list[BankLine]:
    """Lines of its days that are no payout's yet and name its provider or its account."""
    day = settlement.paid_on or (settlement.ends_at or settlement.imported_at).date()
    rows = BankLine.objects.filter(
        status="", currency=settlement.currency, booked_on__range=(day - EARLY, day + LATE)
    ).order_by("booked_on", "pk")
    names = [each.lower() for each in (settlement.provider, settlement.account) if each]
    return [line for line in rows[:200] if any(name in f"{line.text} {line.counterparty}".lower() for name in names)]
