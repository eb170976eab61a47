"""The facts this app records. All are about the return; related: its order and the location it comes back to."""

REQUESTED = "return.requested"  # data: kind, proof, units, value, currency, verdict, rule, refund_plan, refund_to
APPROVED = "return.approved"  # data: location, refund_plan, refund_to, by (policy | person), expires_at, lines
DECLINED = "return.declined"  # data: reason, rule
CANCELLED = "return.cancelled"  # data: reason, lines [{line, sku, quantity}]: these are not awaited any more
EXPIRED = "return.expired"  # data: lines [{line, sku, quantity}]: approved, and never sent
CHANGED = "return.changed"  # data: changes [{field, before, after}]
LABEL_WANTED = "return.label_wanted"  # data: label, service
LABEL_READY = "return.label_ready"  # data: label, carrier, tracking_number, cost, currency
LABEL_FAILED = "return.label_failed"  # data: label, reason
LABEL_VOID_WANTED = "return.label_void_wanted"  # data: label, reason
LABEL_VOIDED = "return.label_voided"  # data: label, taken_back
TRACKED = "return.tracked"  # data: label, tracking_number, state, before, words, place, at, to_customer
LOST = "return.lost"  # data: label, tracking_number, why, lines [{line, sku, quantity}]: given up on their way
COMPLETED = "return.completed"  # every unit has come, is kept or was given up, and all that came was judged

RECEIVED = "return.received"  # data: arrival, kind, location, serial, lines [{line, order_line, sku, quantity}]
SHORT = "return.short"  # data: lines [{line, sku, quantity}] that were not in the parcel, location
INSPECTED = "return.inspected"  # data: inspection, line, sku, quantity, grade, verdict, serial, note, photos
ACCEPTED = "return.accepted"  # data: inspection, grade, location, lines [{line, order_line, sku, quantity}]
REJECTED = "return.rejected"  # the same, with the note a customer may read
CHOSEN = "return.rejected_chosen"  # data: choice, inspection, kind, status, words, cost, currency, lines
SENT_BACK = "return.sent_back"  # data: choice, inspection, label, tracking_number, lines: rejected goods went home
DISPOSED = "return.disposed"  # data: disposition, inspection, line, sku, quantity, kind, was, proposed, rule, state
RESTOCKED = "return.restocked"  # the same, where the units are sellable from now on
EXCHANGED = "return.exchanged"  # data: exchange, order, credit, worth, difference, currency, advance
EXCHANGE_ENDED = "return.exchange_ended"  # data: exchange, order, status, why
REASON_READ = "return.reason_read"  # data: line, reason, share, because: read from the customer's words
REASON_CORRECTED = "return.reason_corrected"  # data: line, before, after: a person said so

RULES_LAUNCHED = "disposition_rules.launched"  # about the version; data: version, before, rules
SIGNALLED = "return_signal.found"  # about the signal; data: kind, dimension, label, figures
SIGNAL_ENDED = "return_signal.ended"  # about the signal; data: kind, dimension, label
POLICY_CHANGED = "return_policy.changed"  # about the policy; data: what, version, rules

# About the refund; related: its order and its return. Amounts are text.
REFUND_DECIDED = "refund.decided"  # data: number, amount, currency, to, cause, waits, lines, shipping, fees, tax
REFUND_APPROVED = "refund.approved"  # data: the same
REFUND_POSTED = "refund.posted"  # data: the same and payments [{ref, amount, via, gateway}]
REFUND_FAILED = "refund.failed"  # data: the same and reason
REFUND_DECLINED = "refund.declined"  # data: the same and reason
