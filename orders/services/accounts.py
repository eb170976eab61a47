"""Making and changing the accounts that businesses buy on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from orders import currencies
from orders import events as facts
from orders.models import Account, Channel
from orders.models.account import TERMS
from orders.models.order import MONEY_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An account as somebody wants it. None as a limit: none is watched; `approval_above` None: every order;
    `tax_id` None: whatever it was."""

    name: str
    currency: str
    payment_terms: str = "NET30"
    credit_limit: Decimal | None = None
    requires_approval: bool = False
    approval_above: Decimal | None = None
    on_stop: bool = False
    channel_id: int | None = None
    tax_id: str | None = None


def draft_of(account: Account) -> Draft:
    """The account as it stands, for whoever changes a part of it."""
    return Draft(**{field.name: getattr(account, field.name) for field in fields(Draft)})


def make(code: str, draft: Draft, *, actor: Actor) -> Account:
    """A new account; orders that named it before it was known are weighed again.

    Raises Invalid naming every field that breaks a rule, Refusal("code_taken") for a code in use.
    """
    check(draft, code=code)
    try:
        with transaction.atomic():
            account = Account.objects.create(code=code, **_told(draft))
            _record(account, {"made": True}, actor)
    except IntegrityError as error:
        if "orders_account_code" not in str(error):
            raise
        raise Refusal("code_taken", f"Another account has the code {code}.") from None
    return account


def change(account_id: int, draft: Draft, *, actor: Actor, version: int | None = None) -> Account:
    """Change an account; its waiting orders are weighed again. Its code is for ever: orders name it.

    Raises Invalid, Refusal("stale") when `version` isn't the account's.
    """
    check(draft)
    with transaction.atomic():
        account = Account.objects.select_for_update(no_key=True, of=("self",)).filter(pk=account_id).first()
        if account is None:
            raise Refusal("not_found", "No such account.", status=404)
        if version is not None and version != account.version:
            raise Refusal("stale", "The account changed meanwhile.", version=account.version, sent=version)
        wanted = _told(draft)
        changes = [
            {"field": name, "before": _plain(getattr(account, name)), "after": _plain(value)}
            for name, value in wanted.items()
            if getattr(account, name) != value
        ]
        if not changes:
            return account
        for name, value in wanted.items():
            setattr(account, name, value)
        account.version += 1
        account.updated_at = timezone.now()
        account.save()
        _record(account, {"made": False, "changes": changes}, actor)
    return account


def check(draft: Draft, *, code: str | None = None) -> None:
    problems = []
    if code is not None and not (
        code and len(code) <= 60 and code.isprintable() and code == code.strip() and "/" not in code
    ):
        problems.append(Problem("code", "text", "A code has 1 to 60 printable characters, without a slash."))
    if not draft.name.strip() or len(draft.name) > 120 or "\0" in draft.name:
        problems.append(Problem("name", "text", "A name has 1 to 120 characters."))
    if not currencies.is_known(draft.currency):
        problems.append(Problem("currency", "currency", "Must be a currency of ISO 4217 in capitals."))
    if not TERMS.fullmatch(draft.payment_terms):
        problems.append(Problem("payment_terms", "terms", "PREPAID, or NET and the days: NET30."))
    if draft.tax_id is not None and (len(draft.tax_id) > 40 or not draft.tax_id.isprintable()):
        problems.append(Problem("tax_id", "text", "A tax number has at most 40 printable characters."))
    for name in ("credit_limit", "approval_above"):
        amount = getattr(draft, name)
        if amount is not None and not 0 <= amount < MONEY_LIMIT:
            problems.append(Problem(name, "range", "An amount of money, not negative."))
    if draft.approval_above is not None and not draft.requires_approval:
        problems.append(
            Problem("approval_above", "contradiction", "Says from where approval is needed, which it isn't.")
        )
    if draft.channel_id is not None and not Channel.objects.filter(pk=draft.channel_id).exists():
        problems.append(Problem("channel", "unknown", "There is no such channel."))
    if problems:
        raise Invalid(problems, status=422)


def _told(draft: Draft) -> dict[str, Any]:
    told = asdict(draft)
    if told["tax_id"] is None:
        del told["tax_id"]
    return told


def _record(account: Account, data: dict[str, Any], actor: Actor) -> None:
    events.record(facts.ACCOUNT_CHANGED, account.subject, actor=actor, data=data)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
