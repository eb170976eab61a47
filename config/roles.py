"""What each role may do: groups of permissions a retailer starts with. An administrator may change them afterwards.

`manage.py sync_roles` creates missing groups and adds missing permissions; it never takes one away, so local changes
survive an upgrade.
"""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission

SEE_WORK = ("exceptions.view_case", "orders.view_order", "orders.view_fulfilmentorder", "inventory.view_item")
WORK_CASES = ("exceptions.work_case",)
CALL_VANS = ("orders.view_vancall", "orders.book_vancall")
# Whoever looks after money agrees to what an approval rule holds back; nobody to what they asked for themselves.
AGREE_TO_ACTIONS = ("exceptions.approve_action",)
APPROVE_ACTIONS = ("exceptions.approve_action", "exceptions.bulk_action")
WORD_RULES = (
    "exceptions.view_rulebook", "exceptions.change_rulebook", "exceptions.launch_rulebook",
)  # fmt: skip
SEE_STOCK_WORK = ("inventory.view_count", "inventory.view_transfer")
WORK_STOCK = (
    *SEE_STOCK_WORK, "inventory.work_count", "inventory.request_count", "inventory.work_transfer",
    "inventory.request_transfer",
)  # fmt: skip
APPROVE_STOCK = (
    "inventory.approve_count", "inventory.approve_transfer", "inventory.settle_transfer", "inventory.view_countplan",
    "inventory.change_countplan", "inventory.change_countpolicy", "inventory.change_stock",
)  # fmt: skip
SEE_BELIEFS = ("inventory.view_stockdifference", "inventory.view_stocksnapshot")
PUT_RIGHT = (
    *SEE_BELIEFS, "inventory.correct_difference", "inventory.export_difference", "inventory.import_stock",
    "inventory.view_stocksource", "inventory.map_stocksource",
)  # fmt: skip
FLOOR = (
    "orders.view_wave", "orders.plan_wave", "orders.view_manifest", "orders.close_manifest", "orders.view_putback",
)  # fmt: skip
SEE_SOURCING = ("orders.view_sourcingpolicy", "orders.view_nodeterms")
WORD_SOURCING = (
    *SEE_SOURCING, "orders.change_sourcingpolicy", "orders.launch_sourcingpolicy", "orders.change_nodeterms",
)  # fmt: skip
SEE_ACCOUNTS = ("orders.view_account",)
GRANT = (*SEE_ACCOUNTS, "orders.change_account", "orders.approve_order", "orders.grant_credit")
SEE_PROMISES = ("inventory.view_bufferrule", "inventory.view_channelfeed")
SEE_REFUNDS = ("returns.view_refunddecision", "orders.view_storecredit")
REFUND = (*SEE_REFUNDS, "returns.decide_refund", "orders.refund_order")
SEE_ROUTES = ("orders.view_paymentroute",)
APPROVE_MONEY = ("returns.approve_refund", "orders.approve_payment", "orders.approve_storecredit")
HANDLE_MONEY = (
    *REFUND, *APPROVE_MONEY, *SEE_ROUTES, "orders.pay_order", "orders.give_storecredit", "orders.change_paymentroute",
)  # fmt: skip
WRITE_TO_CUSTOMERS = ("orders.view_messagetemplate", "orders.change_messagetemplate")

BENCH = ("returns.view_returnrequest", "returns.inspect_return")
SEE_SIGNALS = ("returns.view_returnsignal",)
SETTLE_RETURNS = ("returns.exchange_return", *SEE_SIGNALS, "returns.change_returnsignal")
WORD_DISPOSITIONS = (
    "returns.view_dispositionrules", "returns.change_dispositionrules", "returns.launch_dispositionrules",
)  # fmt: skip
SEE_RETURNS = ("returns.view_returnrequest",)
ASK_RETURNS = (*SEE_RETURNS, "returns.request_return")
DECIDE_RETURNS = (*ASK_RETURNS, "returns.approve_return")
WORD_RETURNS = (
    "returns.view_returnpolicy", "returns.change_returnpolicy", "returns.launch_returnpolicy",
)  # fmt: skip

SEE_PAYOUTS = ("finance.view_settlement", "finance.view_bankstatement", "finance.view_labelmapping")
MATCH_PAYOUTS = (
    *SEE_PAYOUTS, "finance.import_settlement", "finance.match_settlement", "finance.map_labels",
    "finance.write_off_settlement",
)  # fmt: skip
SEE_BOOKS = ("finance.view_posting", "finance.view_period", "finance.view_chartmapping")
BOOKS = (
    *SEE_BOOKS, "finance.enter_posting", "finance.approve_posting", "finance.reverse_posting",
    "finance.change_chartmapping", "finance.launch_chartmapping", "finance.prepare_close", "finance.lock_period",
)  # fmt: skip

RUN_CLOCKS = (
    "exceptions.view_slapolicy", "exceptions.change_slapolicy", "exceptions.view_escalationpolicy",
    "exceptions.change_escalationpolicy", "exceptions.view_rota", "exceptions.change_rota", "core.view_calendar",
    "core.change_calendar",
)  # fmt: skip

ROLES: dict[str, tuple[str, ...]] = {
    "Store": (
        *SEE_WORK, *WORK_CASES, *WORK_STOCK, "orders.work_fulfilment", "orders.cancel_fulfilment", *CALL_VANS, *REFUND,
        *BENCH, *ASK_RETURNS, "returns.exchange_return",
    ),
    "Warehouse": (
        *SEE_WORK, *WORK_CASES, *WORK_STOCK, "orders.work_fulfilment", "orders.cancel_fulfilment", *FLOOR, *CALL_VANS,
        *BENCH,
    ),
    "Service": (
        *SEE_WORK, *WORK_CASES, "exceptions.assign_case", "exceptions.waive_case", "exceptions.export_case",
        *APPROVE_ACTIONS, *WORD_RULES,
        *SEE_ACCOUNTS, "orders.cancel_order", "orders.edit_order", "orders.release_order", "orders.view_hold",
        "orders.view_holdrule", "orders.answer_partnerrequest", "orders.cancel_fulfilment", "finance.view_posting",
        "integrations.view_inboundmessage", *WRITE_TO_CUSTOMERS, *REFUND,
        *SETTLE_RETURNS, *DECIDE_RETURNS, "returns.view_returnpolicy",
    ),
    "Stock control": (
        *SEE_WORK, *WORK_CASES, "exceptions.assign_case", *WORK_STOCK, *APPROVE_STOCK, *PUT_RIGHT, *SEE_PROMISES,
        *WORD_SOURCING, *BENCH, *WORD_DISPOSITIONS, *SEE_SIGNALS,
        "inventory.change_stock_rules", "inventory.publish_stock",
    ),
    "Finance": (
        *SEE_WORK, *WORK_CASES, "exceptions.assign_case", "exceptions.export_case", "finance.view_posting",
        "finance.retry_posting", *BOOKS, *GRANT, *HANDLE_MONEY, *SEE_RETURNS, *MATCH_PAYOUTS, *AGREE_TO_ACTIONS,
    ),
    "Integration": (
        *SEE_WORK, *WORK_CASES, "exceptions.assign_case", "exceptions.waive_case", "exceptions.export_case",
        *APPROVE_ACTIONS, *WORD_RULES,
        "finance.view_posting", "finance.retry_posting", "integrations.view_inboundmessage",
        "integrations.reprocess_inboundmessage", "integrations.see_message_payload",
        "integrations.view_connection", "integrations.pause_connection", "integrations.cut_over_connection",
        "integrations.map_connection", "integrations.drop_file",
        "integrations.view_webhooksubscription",
        "integrations.manage_webhook", "integrations.view_apiclient", "integrations.manage_apiclient",
        "core.view_delivery", *SEE_BELIEFS,
        "inventory.view_stocksource", "inventory.map_stocksource", "inventory.import_stock",
        "inventory.view_channelfeed", "inventory.publish_stock", "inventory.change_item",
    ),
    "Leader": (
        *SEE_WORK, *RUN_CLOCKS, *SEE_SIGNALS, "returns.view_returnrequest", "returns.view_dispositionrules",
        "orders.view_hold", "orders.view_holdrule", "orders.change_hold_rules",
        *SEE_STOCK_WORK, *SEE_PROMISES, *SEE_SOURCING, *SEE_ACCOUNTS, "orders.approve_order",
        *SEE_REFUNDS, *SEE_ROUTES, *APPROVE_MONEY, *AGREE_TO_ACTIONS,
        "exceptions.export_case", *SEE_BOOKS, "integrations.view_connection", *WRITE_TO_CUSTOMERS,
        *SEE_PAYOUTS, "orders.publish_messagetemplate", *DECIDE_RETURNS, "returns.override_return", *WORD_RETURNS,
    ),
}  # fmt: skip


def sync() -> list[str]:
    """Bring the groups up to `ROLES`; returns permissions that are named here but don't exist (a mistake in code)."""
    known = {
        f"{label}.{codename}": pk
        for label, codename, pk in Permission.objects.values_list("content_type__app_label", "codename", "pk")
    }
    missing: list[str] = []
    for name, wanted in ROLES.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*[known[p] for p in wanted if p in known])
        missing += [f"{name}: {p}" for p in wanted if p not in known]
    return missing
