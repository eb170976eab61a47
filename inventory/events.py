"""The facts this app records."""

HELD = "reservation.held"  # subject: the demand; data: its lines
RELEASED = "reservation.released"  # subject: the demand; data: the ended parts and why
EXPIRED = "reservation.expired"  # subject: the demand; data: the ended parts
CONSUMED = "reservation.consumed"  # subject: the demand; data: the ended parts and the cause
MOVED = "stock.moved"  # subject: the stock row; data: what changed by how much, what it is now, and the cause
EXPECTED = "inbound.expected"  # subject: the cause; data: every line it brings and by when
SETTLED = "inbound.settled"  # subject: the cause; data: the lines that arrived or were given up
EXTENDED = "reservation.extended"  # subject: the demand; data: until when
CONFIRMED = "reservation.confirmed"  # subject: the demand, now FIRM; data: the reservations
KIT_DEFINED = "kit.defined"  # subject: the item; data: its parts
RULE_CHANGED = "buffer_rule.changed"  # subject: the rule; data: made, changed or retired, and how it stands now
SNAPSHOT_ASKED = "channel_feed.snapshot_asked"  # subject: the feed; data: how many items are told again

COUNT_REQUESTED = "count.requested"  # subject: the count; data: items, skus (the first 20), origin
COUNT_STARTED = "count.started"
COUNT_RECOUNT = "count.recount_asked"  # data: round, skus
COUNT_FINISHED = "count.finished"  # data: lines, units, value by currency
COUNT_REVIEW = "count.review_asked"  # data: why
COUNT_POSTED = "count.posted"  # data: lines [{item, sku, counted, difference, posted}], value by currency
COUNT_SETTLED = "count.settled"  # later facts or freed promises changed what had to be posted; data: lines
COUNT_CANCELLED = "count.cancelled"  # data: reason
TRANSFER_REQUESTED = "transfer.requested"  # subject: the transfer; data: lines [{sku, units}]
TRANSFER_APPROVED = "transfer.approved"  # data: units promised at the origin
TRANSFER_PICKED = "transfer.picked"  # data: units, missing [{sku, units}]
TRANSFER_SHIPPED = "transfer.shipped"  # data: units, carrier, tracking
TRANSFER_RECEIVED = "transfer.received"  # data: units, differences [{sku, kind, units}]
TRANSFER_SETTLED = "transfer.discrepancy_settled"  # data: sku, kind, units, resolution
TRANSFER_CANCELLED = "transfer.cancelled"  # data: reason
SOLD_UNNAMED = "stock.sold_unnamed"  # subject: the stock row; a sale did not say which; data: units, cause
SURPLUS_ACCEPTED = "stock.surplus_accepted"  # subject: the stock row; a person says sales beyond the books were right
SNAPSHOT_TAKEN = "snapshot.taken"  # subject: the snapshot; data: source, moment, and its lines by outcome
SNAPSHOT_RESOLVED = "snapshot.resolved"  # subject: the snapshot; data: lines that are understood now
STATUS_MAP_CHANGED = "stock_source.statuses_mapped"  # subject: the source; data: version and what changed
ALIAS_ADDED = "item.alias_added"  # subject: the item; data: system and code
LOCATION_ALIAS_ADDED = "location.alias_added"  # subject: the location; data: system and code
DIFFERENCE_CORRECTED = "stock.difference_corrected"  # subject: the stock row; data: what was added to which state
