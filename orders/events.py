"""The facts this app records. `order.*` and `hold.*` are about the order, `fulfilment.*` about the fulfilment order."""

RECEIVED = "order.received"  # data: channel, channel_ref, total, currency, units
CHANGED = "order.changed"  # data: changes [{field, line?, before, after}]
STALE_UPDATE = "order.stale_update"  # an older or losing update was dropped; data: version
CANCELLED = "order.cancelled"  # data: reason, by (source | here), lines [{line, units}]
ALLOCATED = "order.allocated"  # data: rule, picks [{line, location, quantity}]; related: the locations
UNALLOCATED = "order.unallocated"  # data: short [{line, sku, wanted}]
COMPLETED = "order.completed"
REFUNDED = "order.refunded"  # data: ref, amount, currency, lines
RETURNED = "order.returned"  # data: lines [{line, sku, quantity, returned}], why; less than nothing: sent back again
PAID = "order.paid"  # data: payments [{ref, kind, amount, currency}]

PROMISE_CHANGED = "order.promise_changed"  # data: before, after (moments or null), why
BACKORDERED = "order.backordered"  # data: lines [{line, sku, quantity, due_at, receipt}], promise_by
BACKORDER_FILLED = "order.backorder_filled"  # data: lines [{line, sku, quantity}]
BACKORDER_SLIPPED = "order.backorder_slipped"  # data: before, after, receipt

CONTACT_SHOWN = "order.contact_shown"  # a person looked at the customer's contact in clear

NOTED = "order.noted"  # data: note, text
APPROVED = "order.approved"  # data: kind (APPROVAL | CREDIT), total, currency, note
ACCOUNT_CHANGED = "account.changed"  # about the account; data: made, changes [{field, before, after}]

HELD = "order.held"  # data: type, blocks, reason
HOLD_RESOLVED = "hold.resolved"  # data: type, blocks, how, note, status
HOLD_RULE_CHANGED = "hold_rule.changed"  # about the rule; data: rule, version, active
RISK_JUDGED = "order.risk_judged"  # data: provider, level, score, reasons

CHANGE_PROPOSED = "order.change_proposed"  # data: change, summary
CHANGE_CONFIRMED = "order.change_confirmed"  # data: change, summary, edits, effect (stock, money, promise)
CHANGE_DECLINED = "order.change_declined"  # data: change, summary, reason

OPENED = "fulfilment.opened"  # related to all of these: the order and the location
ACCEPTED = "fulfilment.accepted"
PICK_STARTED = "fulfilment.pick_started"
PICKED = "fulfilment.picked"
SHORT_PICKED = "fulfilment.short_picked"  # data: line, item, quantity, reason, counts
PACKED = "fulfilment.packed"
SHIPPED = "fulfilment.shipped"  # data: shipment uid, carrier, tracking, lines: what channels and the ERP hear of
FULFILMENT_CANCELLED = "fulfilment.cancelled"
REJECTED = "fulfilment.rejected"
READY = "fulfilment.ready"  # data: code, shelf, collect_by
COLLECT_SOON = "fulfilment.collect_soon"  # it waits on the ready shelf for the last days; data: code, collect_by
RESOURCED = "fulfilment.resourced"  # taken off a node that couldn't make it; data: why, to [{location, quantity}]
UNCOLLECTED = "fulfilment.uncollected"
DECLINED_AT_COUNTER = "fulfilment.declined_at_counter"  # the customer left units; data: lines [{line, sku, quantity}]

REFUND_DUE = "order.refund_due"  # data: amount, currency, why, lines [{line, quantity, amount}]

ASKED = "partner.asked"  # these are about the fulfilment order, too; data: request, answer_by
ANSWERED = "partner.answered"  # data: request, accepted, reason, said
WITHDRAWN = "partner.withdrawn"  # data: request, why

SITE_CLOSED = "site.closed"  # subject: the location; data: until, reason
SITE_REOPENED = "site.reopened"
CARRIER_OUT = "carrier.out"  # subject: the carrier; data: reason
CARRIER_BACK = "carrier.back"
POLICY_CHANGED = "sourcing_policy.changed"  # data: what, version, rules
NODE_TERMS_CHANGED = "node_terms.changed"  # about the location; data: what it says now

# Parcels: about the fulfilment order; `label` in their data is the label's id, `parcel` the parcel's number.
LABEL_WANTED = "parcel.label_wanted"  # data: label, parcel, service
LABEL_READY = "parcel.label_ready"  # data: label, parcel, carrier, service, tracking_number, cost, currency
LABEL_FAILED = "parcel.label_failed"  # data: label, parcel, service, reason
LABEL_FELL_BACK = "parcel.label_fell_back"  # data: label, parcel, service, instead_of, reason
LABEL_VOID_WANTED = "parcel.label_void_wanted"  # data: label, parcel, reason
LABEL_VOIDED = "parcel.label_voided"  # data: label, parcel, taken_back
LABEL_PRINTED = "parcel.label_printed"  # data: label, parcel, prints
TRACKED = "parcel.tracked"  # data: parcel, tracking_number, state, before, words, place
DELIVERED = "fulfilment.delivered"

# What customers were told: about the order; `message` in their data is the message's id.
MESSAGE_QUEUED = "customer.message_queued"  # data: message, event, medium
MESSAGE_SENT = "customer.message_sent"  # data: message, event, medium
MESSAGE_FAILED = "customer.message_failed"  # data: message, event, medium, why
MESSAGE_NOT_SENT = "customer.message_not_sent"  # data: message, event, medium, why

# The warehouse's floor: about the wave or the manifest.
WAVE_PLANNED = "wave.planned"  # data: works
WAVE_RELEASED = "wave.released"
WAVE_HELD = "wave.held"  # data: because
WAVE_RESUMED = "wave.resumed"
WAVE_CHANGED = "wave.changed"  # data: dropped
WAVE_CANCELLED = "wave.cancelled"
WAVE_DONE = "wave.done"
# Carriers' collections: about the van that was called; `call` in their data is its id. Related: the location.
VAN_ASKED = "van_call.asked"  # data: call, parcels: its account is to book it
VAN_BOOKED = "van_call.booked"  # data: call, confirmation
VAN_FAILED = "van_call.failed"  # data: call, carrier, reason
VAN_CANCEL_WANTED = "van_call.cancel_wanted"  # data: call, reason: its account is to cancel it
VAN_CANCELLED = "van_call.cancelled"  # data: call, carrier, reason
VAN_CAME = "van_call.came"  # data: call, parcels, left (ids of packages)
VAN_MISSED = "van_call.missed"  # data: call, carrier, reason
MANIFEST_CLOSED = "manifest.closed"  # data: carrier, parcels, work, left_behind; related: the location

# What is done to an order's money: about the payment instruction; related: the order. Amounts are text.
PAYMENT_WANTED = "payment.wanted"  # data: kind, amount, currency, via, cause
PAYMENT_DONE = "payment.done"  # data: kind, amount, currency, via, cause, ref, tender
PAYMENT_FAILED = "payment.failed"  # data: kind, amount, currency, via, cause, code, reason
PAYMENT_CANCELLED = "payment.cancelled"  # data: kind, amount, currency, via, cause, reason
PAYMENT_EXPIRING = "payment.expiring"  # about the order; data: ref, amount, currency, expires_at
PAYMENT_DISPUTED = "payment.disputed"  # about the order; data: ref, kind, amount, currency, gateway, parent_ref
PAYMENT_QUESTIONED = "payment.questioned"  # about the order; data: ref, kind, state, reason, amount, currency, due_at
ROUTE_CHANGED = "payment_route.changed"  # about the route; data: channel, before, after
CREDIT_CHANGED = "store_credit.changed"  # about the credit; data: amount, balance, currency, why
