"""Which account each side of a posting goes to: roles, an entity's accounts for them, and rules that know better. Pure.

A rule is `{"role", "account", "when": {field: [values]}, "note"}`. It fits where every field it names has one of its
values; `*` stands for any run of characters, case doesn't matter. The first rule that fits decides, else the role's
own account, else none: then the ERP's own setting for that kind of document counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from core.errors import Invalid, Problem

ROLES = {
    "receivable": "Owed by the channel",
    "sales": "Sales",
    "returns": "Returns and allowances",
    "gift_cards": "Gift cards outstanding",
    "store_credit": "Store credit outstanding",
    "deferred": "Paid before it left",
    "shipping": "Shipping charged",
    "other_charges": "Tips, duties and fees",
    "return_fees": "Fees kept of refunds",
    "discounts": "Discounts given",
    "tax_collected": "Tax collected",
    "tax_marketplace": "Tax the marketplace hands on",
    "adjustments": "Differences in the channel's figures",
    "provider_fees": "What payment providers and channels keep",
    "bank": "Money on its way to the bank",
    "intercompany": "Owed between our own entities",
    "conversion": "Money between two currencies",
    "exchange": "Made or lost by exchange",
    "chargebacks": "Lost to chargebacks",
    "write_offs": "Written off",
}
FIELDS = {
    "kind": "Kind of posting",
    "channel": "Channel",
    "currency": "Currency",
    "code": "Promotion or discount code",
    "funded_by": "Who pays for the discount",
    "collected_by": "Who hands the tax on",
    "tax": "Tax in the price: included or added",
    "provider": "Payment provider",
    "sku": "SKU",
    "reason": "Reason",
    "entity": "The other entity",
    "exchange": "Exchange: gain or loss",
}
MOST_RULES, MOST_VALUES = 200, 50
_ACCOUNT = re.compile(r"[^\x00-\x1f\x7f]{1,60}")
_PLAIN = re.compile(r"[^\x00-\x1f\x7f]*")


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a posting before it has an account; `about` is what rules look at.

    `ledger` is its account where that is settled: what is taken back leaves where it was booked, whatever the chart
    says since.
    """

    role: str
    debit: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)
    note: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    ledger: str = ""


def side(role: str, amount: Decimal, note: str = "", **about: str) -> Side:
    """A debit, or below zero a credit."""
    return (
        Side(role, amount, note=note, about=about)
        if amount >= 0
        else Side(role, credit=-amount, note=note, about=about)
    )


@dataclass(frozen=True, slots=True)
class Chart:
    """A version's accounts and rules as they are asked."""

    accounts: Mapping[str, str] = field(default_factory=dict)
    rules: Sequence[Mapping[str, Any]] = ()

    def account(self, role: str, about: Mapping[str, str]) -> str:
        decided = self.rule(role, about)
        return str(decided["account"]) if decided else self.accounts.get(role, "")

    def rule(self, role: str, about: Mapping[str, str]) -> Mapping[str, Any] | None:
        """The rule that decides; None where the role's own account does."""
        return next((rule for rule in self.rules if rule["role"] == role and _fits(rule, about)), None)


def _fits(rule: Mapping[str, Any], about: Mapping[str, str]) -> bool:
    return all(
        any(fnmatchcase(about.get(name, "").casefold(), str(value).casefold()) for value in values)
        for name, values in rule.get("when", {}).items()
    )


def read(accounts: Any, rules: Any) -> Chart:
    """A chart from a form or a document. Invalid names every part that makes no sense."""
    problems: list[Problem] = []
    if not isinstance(accounts, Mapping):
        raise Invalid([Problem("accounts", "mapping", "must name an account for each role")], status=422)
    for role, account in accounts.items():
        if role not in ROLES:
            problems.append(Problem(f"accounts.{role}", "unknown", "is no role of a posting"))
        elif not isinstance(account, str) or (account and not _ACCOUNT.fullmatch(account)):
            problems.append(Problem(f"accounts.{role}", "account", "must be an account of at most 60 characters"))
    if not isinstance(rules, list) or len(rules) > MOST_RULES:
        problems.append(Problem("rules", "list", f"must be a list of at most {MOST_RULES} rules"))
        rules = []
    read_rules = [_rule(f"rules[{n}]", rule, problems) for n, rule in enumerate(rules)]
    if problems:
        raise Invalid(problems, status=422)
    return Chart({role: account for role, account in accounts.items() if account}, read_rules)


def _rule(path: str, rule: Any, problems: list[Problem]) -> dict[str, Any]:
    if not isinstance(rule, Mapping):
        problems.append(Problem(path, "mapping", "must be a rule"))
        return {}
    role, account, when = rule.get("role"), rule.get("account"), rule.get("when", {})
    if role not in ROLES:
        problems.append(Problem(f"{path}.role", "unknown", "is no role of a posting"))
    if not isinstance(account, str) or not _ACCOUNT.fullmatch(account):
        problems.append(Problem(f"{path}.account", "account", "must be an account of at most 60 characters"))
    note = rule.get("note") or ""
    if not isinstance(note, str) or not _PLAIN.fullmatch(note) or len(note) > 200:
        problems.append(Problem(f"{path}.note", "text", "must be plain text of at most 200 characters"))
        note = ""
    if unknown := set(rule) - {"role", "account", "when", "note"}:
        problems.append(Problem(path, "unknown", f"has parts nobody knows: {', '.join(sorted(map(str, unknown)))}"))
    if not isinstance(when, Mapping) or not when:
        problems.append(Problem(f"{path}.when", "missing", "must say when the rule decides"))
        when = {}
    return {
        "role": role, "account": account, "when": {name: _values(path, name, when[name], problems) for name in when},
        **({"note": note} if note else {}),
    }  # fmt: skip


def _values(path: str, name: Any, values: Any, problems: list[Problem]) -> list[str]:
    values = [values] if isinstance(values, str) else values
    if name not in FIELDS:
        problems.append(Problem(f"{path}.when.{name}", "unknown", "is nothing a rule can look at"))
    elif not isinstance(values, list) or not 0 < len(values) <= MOST_VALUES:
        problems.append(Problem(f"{path}.when.{name}", "list", f"must name 1 to {MOST_VALUES} values"))
    elif not all(isinstance(value, str) and 0 < len(value) <= 120 and _PLAIN.fullmatch(value) for value in values):
        problems.append(Problem(f"{path}.when.{name}", "text", "must be plain texts of 1 to 120 characters"))
    else:
        return list(values)
    return []


def note(text: Any) -> str:
    """What changes, in words. Invalid where it is no plain text of at most 300 characters."""
    said = text.strip() if isinstance(text, str) else None
    if said is None or len(said) > 300 or not _PLAIN.fullmatch(said):
        raise Invalid([Problem("note", "text", "must be plain text of at most 300 characters")], status=422)
    return said


def balanced(sides: Iterable[Side]) -> bool:
    sides = list(sides)
    return sum((s.debit for s in sides), Decimal(0)) == sum((s.credit for s in sides), Decimal(0))
