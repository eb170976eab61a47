"""Every event and who hears it, on one page.

`events.subscribe(TYPE, "name", function, …)`: the name is stored with each delivery, so it never changes once used.
"""

from __future__ import annotations

from core import events


def connect() -> None:
    """Called once, when every app is ready."""
    _deliveries()
    _stock()
    _snapshots()
    _orders()
    _refunds()
    _returns()
    _payments()
    _finance()
    _erp()
    _channels()
    _partners()
    _carriers()
    _customers()
    _webhooks()


def _deliveries() -> None:
    from core import outbox
    from exceptions import deliveries, handlers
    from exceptions import events as case_facts
    from exceptions.services import suggestions

    events.subscribe(outbox.DEAD, "exceptions.open_dead_delivery", deliveries.open_case)
    events.subscribe(outbox.REPLAYED, "exceptions.recheck_replayed", handlers.recheck)
    events.subscribe(outbox.DISCARDED, "exceptions.recheck_discarded", handlers.recheck)
    events.subscribe(case_facts.ACTED, "exceptions.judge_suggestion", suggestions.acted)
    for ended in (case_facts.RESOLVED, case_facts.CLEARED, case_facts.WAIVED, case_facts.REOPENED):
        events.subscribe(ended, "exceptions.settle_suggestion", suggestions.ended)


def _stock() -> None:
    from inventory import handlers
    from orders import events as facts

    events.subscribe(facts.SHORT_PICKED, "inventory.count_after_short_pick", handlers.count_after_short_pick)


def _snapshots() -> None:
    from integrations import aliases
    from inventory import events as facts
    from inventory import snapshot_handlers

    events.subscribe(facts.ALIAS_ADDED, "inventory.resolve_named_items", snapshot_handlers.resolve_named)
    events.subscribe(facts.LOCATION_ALIAS_ADDED, "inventory.resolve_named_places", snapshot_handlers.resolve_named)
    events.subscribe(facts.STATUS_MAP_CHANGED, "inventory.resolve_mapped_statuses", snapshot_handlers.resolve_mapped)
    for said in (facts.ALIAS_ADDED, facts.ALIAS_REMOVED, facts.LOCATION_ALIAS_ADDED, facts.LOCATION_ALIAS_REMOVED):
        events.subscribe(said, "integrations.note_alias", aliases.note_elsewhere)


def _orders() -> None:
    from exceptions import events as case_facts
    from orders import events as facts
    from orders import floor, tasks

    events.subscribe(facts.ALLOCATED, "orders.release", tasks.release)
    events.subscribe(case_facts.APPROVAL, "orders.follow_approval", tasks.follow_approval)
    events.subscribe(facts.UNALLOCATED, "orders.after_sourcing", tasks.after_sourcing)
    events.subscribe(facts.HOLD_RESOLVED, "orders.release_after_hold", tasks.release)
    events.subscribe("item.alias_added", "orders.map_lines", tasks.map_lines)
    events.subscribe(facts.ACCOUNT_CHANGED, "orders.reweigh_account", tasks.reweigh_account)
    for ended in (facts.FULFILMENT_CANCELLED, facts.REJECTED):
        events.subscribe(ended, "orders.withdraw_from_partner", tasks.withdraw_from_partner)
    events.subscribe(facts.CARRIER_OUT, "orders.leave_carrier", tasks.leave_carrier)
    events.subscribe(facts.SITE_CLOSED, "orders.clear_site", tasks.clear_site)
    events.subscribe("inbound.expected", "orders.follow_delivery", tasks.follow_delivery)
    events.subscribe("inbound.settled", "orders.fill_from_delivery", tasks.follow_delivery)
    for ended in (facts.FULFILMENT_CANCELLED, facts.REJECTED):
        events.subscribe(ended, "orders.give_labels_back", tasks.give_labels_back)
    for passed in (facts.PICKED, facts.FULFILMENT_CANCELLED, facts.REJECTED):
        events.subscribe(passed, "orders.settle_wave", floor.settle_wave)
    events.subscribe(facts.MANIFEST_CLOSED, "orders.follow_manifest", floor.follow_manifest)
    events.subscribe(facts.MANIFEST_CLOSED, "orders.settle_collection", floor.settle_collection)
    for ended in (facts.VAN_CAME, facts.VAN_MISSED):
        events.subscribe(ended, "orders.follow_collection", floor.follow_collection)


def _refunds() -> None:
    from exceptions import events as case_facts
    from orders import events as facts
    from returns import handlers

    for became in (facts.PAYMENT_DONE, facts.PAYMENT_FAILED, facts.PAYMENT_CANCELLED, facts.PAYMENT_WANTED):
        events.subscribe(became, "returns.follow_payment", handlers.follow_payment)
    for became in (facts.PAYMENT_DONE, facts.PAYMENT_FAILED, facts.PAYMENT_CANCELLED):
        events.subscribe(became, "returns.follow_exchange_payment", handlers.follow_exchange_payment)
    events.subscribe(case_facts.APPROVAL, "returns.follow_approval", handlers.follow_approval)


def _returns() -> None:
    from orders import events as order_facts
    from returns import bench_handlers, handlers
    from returns import events as facts

    events.subscribe(order_facts.SHIPPED, "returns.follow_shipment", handlers.follow_shipment)
    events.subscribe(order_facts.CHANGED, "returns.follow_order", handlers.follow_order)

    events.subscribe(facts.REQUESTED, "returns.read_reasons", bench_handlers.read_reasons)
    events.subscribe(facts.ACCEPTED, "returns.decide_refund", bench_handlers.decide_refund)
    for judged in (facts.ACCEPTED, facts.REJECTED, facts.COMPLETED, facts.CANCELLED, facts.LOST, facts.EXPIRED):
        events.subscribe(judged, "returns.follow_exchange", bench_handlers.follow_exchange)
    events.subscribe(facts.EXCHANGE_ENDED, "returns.refund_instead", bench_handlers.refund_instead)


def _payments() -> None:
    from integrations.payments import tasks
    from orders import events as facts

    # One lane per tender: what is captured is refunded afterwards.
    events.subscribe(
        facts.PAYMENT_WANTED, "payments.carry", tasks.carry, queue="outside", max_attempts=60, lane=tasks.lane
    )
    events.subscribe(facts.SHIPPED, "payments.capture_shipped", tasks.capture_shipped)
    events.subscribe(facts.HOLD_RESOLVED, "payments.catch_up", tasks.catch_up)
    for ended in (facts.CANCELLED, facts.COMPLETED):
        events.subscribe(ended, "payments.let_go", tasks.let_go)


def _finance() -> None:
    from finance import events as money
    from finance import handlers
    from orders import events as facts

    for told in (facts.RECEIVED, facts.CHANGED, facts.CANCELLED, facts.PAID, facts.REFUNDED):
        events.subscribe(told, "finance.keep_charges", handlers.keep_charges)
    for told in ("refund.posted", "refund.failed"):
        events.subscribe(told, "finance.keep_refund_charges", handlers.keep_refund_charges)
    events.subscribe("settlement.matched", "finance.keep_fees", handlers.keep_fees)
    events.subscribe("settlement.matched", "finance.keep_reinstated", handlers.keep_reinstated)
    for told in ("settlement.matched", "settlement.unmatched", "settlement.written_off", "settlement.banked"):
        events.subscribe(told, "finance.book_payout", handlers.book_payout)
    for told in ("return.received", "return.sent_back", "return.rejected_chosen", "return.disposed"):
        events.subscribe(told, "finance.receive_return", handlers.receive_return)
    events.subscribe(facts.SHIPPED, "finance.invoice_shipment", handlers.invoice_shipment)
    events.subscribe(facts.COMPLETED, "finance.prepare_posting", handlers.prepare_posting)
    events.subscribe(facts.CHANGED, "finance.correct_posting", handlers.correct_posting)
    events.subscribe(money.SETTLEMENT_IMPORTED, "finance.match_settlement", handlers.match_settlement)


def _erp() -> None:
    from finance import events as facts
    from integrations import events as outside
    from integrations.erp import adjusting, tasks

    # With full-jitter backoff this many attempts outlast a day: an ERP that is down overnight is no dead delivery.
    for told in (facts.PREPARED, facts.RETRIED, facts.APPROVED):
        events.subscribe(told, "erp.post", tasks.post, queue="outside", max_attempts=60)
    for told in (outside.ADJUSTMENT_PREPARED, outside.ADJUSTMENT_RETRIED):
        events.subscribe(told, "erp.adjust", adjusting.send, queue="outside", max_attempts=60)


def _channels() -> None:
    from integrations import events as outside
    from integrations.channels import changes, polling, standing, tasks
    from orders import events as facts

    # Messages that came before the order they speak of.
    events.subscribe(facts.RECEIVED, "integrations.let_waiting_go", tasks.let_waiting_go)
    events.subscribe(
        outside.DOCUMENT_WANTED, "channels.fetch_wanted", polling.fetch_wanted, queue="outside", max_attempts=60
    )
    events.subscribe(facts.CHANGE_CONFIRMED, "channels.tell_change", changes.tell, queue="outside", max_attempts=60)
    for stands in (facts.HELD, facts.HOLD_RESOLVED, facts.OPENED, facts.RESOURCED):
        events.subscribe(
            stands, "channels.tell_standing", standing.tell, queue="outside", max_attempts=60, lane=standing.lane
        )
    events.subscribe(facts.SHIPPED, "channels.tell_shipment", tasks.tell_channel, queue="outside", max_attempts=60)


def _partners() -> None:
    from integrations.suppliers import tasks
    from orders import events as facts

    events.subscribe(facts.ASKED, "suppliers.ask", tasks.ask, queue="outside", max_attempts=60)
    events.subscribe(facts.WITHDRAWN, "suppliers.withdraw", tasks.withdraw, queue="outside", max_attempts=60)


def _carriers() -> None:
    from integrations import events as outside
    from integrations.carriers import tasks
    from orders import events as facts
    from returns import events as back

    # One lane per label for both: it is bought before it is given back.
    for asked in (facts.LABEL_WANTED, facts.LABEL_VOID_WANTED):
        events.subscribe(
            asked, "carriers.carry_label", tasks.carry_label, queue="outside", max_attempts=60, lane=tasks.lane
        )
    for asked in (back.LABEL_WANTED, back.LABEL_VOID_WANTED):
        events.subscribe(
            asked, "carriers.carry_return_label", tasks.carry_label_back, queue="outside", max_attempts=60,
            lane=tasks.lane_back,
        )  # fmt: skip
    # One lane per collection: it is booked before it is cancelled.
    for asked in (facts.VAN_ASKED, facts.VAN_CANCEL_WANTED):
        events.subscribe(asked, "carriers.carry_call", tasks.carry_call, queue="outside", max_attempts=60)
    for turned in (outside.CONNECTION_SUSPENDED, outside.CONNECTION_RESTORED):
        events.subscribe(turned, "carriers.follow_account", tasks.follow_account)
    # Scans that came before the parcel had its number, or before its work was marked as sent.
    for event, name in ((facts.LABEL_READY, "carriers.let_scans_go"), (facts.SHIPPED, "carriers.let_scans_go_sent")):
        events.subscribe(event, name, tasks.let_waiting_go)
    events.subscribe(back.LABEL_READY, "carriers.let_scans_go_back", tasks.let_waiting_go_back)


def _customers() -> None:
    from integrations.messaging import tasks as outside
    from orders import events as facts
    from orders import tasks
    from orders.message_words import TELLABLE

    for told in TELLABLE:
        events.subscribe(told, "orders.tell_customer", tasks.tell_customer)
    events.subscribe(
        facts.MESSAGE_QUEUED, "messaging.send", outside.send, queue="outside", max_attempts=60, lane=outside.lane
    )


def _webhooks() -> None:
    from integrations.models.webhooks import FAMILY
    from integrations.webhooks import sending

    # What each receiver hears of is data (core.models.Listener). So many attempts outlast the days after which one is
    # disabled; a single fact it never takes is a case before that.
    events.family(FAMILY, sending.deliver, queue="webhooks", max_attempts=120)
