"""Which postings somebody has to approve, and up to how much each person may."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q

from core.formats import money
from finance.models import ApprovalLimit, ApprovalRule, Kind

# What people enter is always somebody else's to approve; what follows from facts is where a rule says so.
ENTERED = (Kind.ADJUSTMENT, Kind.WRITE_OFF, Kind.REVERSAL)


def needed(kind: str, total: Decimal, currency: str, *, entered: bool) -> str:
    """The rule that wants a second person, in words; empty where none does."""
    rules = {rule.currency: rule for rule in ApprovalRule.objects.filter(kind=kind, currency__in=("", currency))}
    rule = rules.get(currency) or rules.get("")
    if rule is not None:
        return f"Above {money(rule.above, currency)}" if abs(total) > rule.above else ""
    if entered or kind in ENTERED:
        return "A person entered it" if entered else "It isn't a sale"
    return ""


@dataclass(frozen=True, slots=True)
class Held:
    """Up to how much a person may approve of a kind in a currency; empty is any, no amount is without limit."""

    kind: str
    currency: str
    amount: Decimal | None

    @property
    def words(self) -> str:
        of = str(Kind(self.kind).label) if self.kind in Kind.values else "Any posting"
        if self.amount is None:
            return f"{of}: without limit"
        return f"{of}: up to {money(self.amount, self.currency) if self.currency else f'{self.amount:,.2f}'}"


def held_by(user: Any) -> list[Held]:
    """Every limit as it holds for this person: their own before their roles', the closer before the wider."""
    theirs = ApprovalLimit.objects.filter(Q(user=user) | Q(group__in=user.groups.all()))
    said = {("", ""), *theirs.values_list("kind", "currency")}
    return [Held(kind, currency, limit_of(user, kind, currency)) for kind, currency in sorted(said)]


def limit_of(user: Any, kind: str, currency: str) -> Decimal | None:
    """Up to how much this person may approve; None is without limit, nothing said is nothing for those with a role.

    A limit of the person's own counts before their roles'; of several roles the highest. The closer one counts: of the
    kind before every kind's, in the currency before any.
    """
    fitting = ApprovalLimit.objects.filter(kind__in=(kind, ""), currency__in=(currency, ""))
    own = list(fitting.filter(user=user))
    found = own or list(fitting.filter(Q(group__in=user.groups.all())))
    if not found:
        return None if not ApprovalLimit.objects.exists() else Decimal(0) if not user.is_superuser else None
    closest = max((bool(each.kind), bool(each.currency)) for each in found)
    return max(each.amount for each in found if (bool(each.kind), bool(each.currency)) == closest)
