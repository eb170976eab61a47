"""/api/v1/accounts: businesses that buy on terms, and what they owe."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.urls import reverse

from core.api import ApiView, etag, idempotent, keyset, page_reply, parse, reply, require_match
from core.errors import Invalid, Problem
from orders.account_filters import ORDER, AccountFilter
from orders.api.v1 import described_accounts
from orders.api.v1.bodies import AccountBody, NewAccount
from orders.models import Account, Channel
from orders.services import accounts, credit
from orders.services.accounts import Draft

PAGING = frozenset({"after", "before", "page_size"})


class Accounts(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "accounts:read", "POST": "accounts:write"}

    @described_accounts.ACCOUNTS
    def get(self, request: Any) -> HttpResponse:
        """By name, each with what it owes."""
        if unknown := sorted(set(request.GET) - PAGING - set(AccountFilter.base_filters)):
            raise Invalid([Problem(n[:60], "unknown", "Accounts can't be narrowed by this.") for n in unknown])
        rows = Account.objects.for_caller(request.auth).select_related("channel")
        page = keyset(AccountFilter(request.GET, queryset=rows).found(), request, ORDER)
        owed = credit.exposures([account.pk for account in page.rows])
        return page_reply(request, page, lambda account: _shape(account, owed[account.pk]))

    @described_accounts.NEW_ACCOUNT
    @idempotent()
    def post(self, request: Any) -> HttpResponse:
        """Make one; orders that named it before it was known are looked at again."""
        asked = parse(request, NewAccount)
        made = accounts.make(asked.code, _draft(asked, request.auth), actor=request.auth.actor)
        return _answer(made, status=201)


class OneAccount(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "accounts:read", "PUT": "accounts:write"}

    @described_accounts.ACCOUNT
    def get(self, request: Any, code: str) -> HttpResponse:
        """The account with its exposure, read now: it has no lasting version, so it is never 304."""
        return _answer(_find(request, code))

    @described_accounts.PUT_ACCOUNT
    @idempotent()
    def put(self, request: Any, code: str) -> HttpResponse:
        """Replace what is known about it. Send If-Match: two people change limits, one of them has to look again."""
        asked = parse(request, AccountBody)
        found = _find(request, code)
        if found.channel is None and request.auth.channels is not None:
            raise PermissionDenied  # an account of every channel isn't one channel's to change
        require_match(request, found.version)
        draft = _draft(asked, request.auth)
        return _answer(accounts.change(found.pk, draft, actor=request.auth.actor, version=found.version))


def _find(request: Any, code: str) -> Account:
    found = Account.objects.for_caller(request.auth).select_related("channel").filter(code=code).first()
    if found is None:
        raise Http404
    return found


def _draft(asked: AccountBody | NewAccount, caller: Any) -> Draft:
    """A key of some channels makes accounts of those only."""
    channel = None
    if asked.channel is not None:
        channel = Channel.objects.for_caller(caller).filter(code=asked.channel).first()
        if channel is None:
            raise Invalid([Problem("channel", "unknown", "There is no such channel.")], status=422)
    elif caller.channels is not None:
        raise Invalid([Problem("channel", "required", "This key is bound to channels: say which.")], status=422)
    return Draft(
        name=asked.name,
        currency=asked.currency,
        payment_terms=asked.payment_terms or "NET30",
        credit_limit=asked.credit_limit,
        requires_approval=asked.requires_approval,
        approval_above=asked.approval_above,
        on_stop=asked.on_stop,
        channel_id=channel.pk if channel else None,
    )


def _answer(account: Account, *, status: int = 200) -> HttpResponse:
    headers = {"ETag": etag(account.version)}
    if status == 201:
        headers["Location"] = reverse("api:v1:account", args=[account.code])
    return reply(_shape(account, credit.exposures([account.pk])[account.pk]), status=status, headers=headers)


def _shape(account: Account, owed: credit.Exposure) -> dict[str, Any]:
    return {
        "code": account.code,
        "name": account.name,
        "channel": account.channel.code if account.channel else None,
        "currency": account.currency,
        "payment_terms": account.payment_terms,
        "credit_limit": account.credit_limit,
        "requires_approval": account.requires_approval,
        "approval_above": account.approval_above,
        "on_stop": account.on_stop,
        "version": account.version,
        "exposure": {
            "total": owed.total,
            "open": owed.open,
            "unpaid": owed.unpaid,
            "orders": owed.orders,
            "held": owed.held,
            "held_orders": owed.held_orders,
        },
        "headroom": None if account.credit_limit is None else account.credit_limit - owed.total,
    }
