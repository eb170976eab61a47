"""The facts integrations records."""

MESSAGE_FAILED = "message.failed"
MESSAGE_REPROCESSED = "message.reprocessed"  # a person asked for another try
MESSAGE_DISCARDED = "message.discarded"
MESSAGE_EDITED = "message.edited"  # a person's version is read from now on; data: version, reason, sha256
MESSAGE_OPENED = "message.opened"  # a person read it unmasked; data: what
MESSAGE_RECOVERED = "message.recovered"  # one that had failed went through
DOCUMENT_WANTED = "document.wanted"  # a message only named it; data: connection, what, ref
ADJUSTMENT_PREPARED = "adjustment.prepared"  # units found or lost, on their way to the ERP; data: key
ADJUSTMENT_POSTED = "adjustment.posted"  # the ERP has it; data: number
ADJUSTMENT_RETRIED = "adjustment.retried"
CONNECTION_CUT_OVER = "connection.cut_over"  # taken live or back, in part or whole; data: from, to, words, reason
CONNECTION_PAUSED = "connection.paused"
CONNECTION_RESUMED = "connection.resumed"
CONNECTION_SUSPENDED = "connection.suspended"  # its breaker opened; data: reason
CONNECTION_RESTORED = "connection.restored"  # and closed again
API_KEY_ROTATED = "api_key.rotated"  # subject: the client; data: ends (prefixes of the keys before), at
API_KEY_REVOKED = "api_key.revoked"  # data: key (its prefix)
WEBHOOK_CREATED = "webhook.created"  # subject: the webhook; data: code, and what it is set up with
WEBHOOK_CHANGED = "webhook.changed"  # data: name, url, event_types, channels, sites, queues, payload
WEBHOOK_ROTATED = "webhook.rotated"  # it has a new secret; data: old_until
WEBHOOK_DISABLED = "webhook.disabled"  # data: reason
WEBHOOK_REPLAYED = "webhook.replayed"  # data: since, until, per_minute, missed_only, facts
SHIPMENT_TOLD = "shipment.told"  # the channel knows of a shipment
