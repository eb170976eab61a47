"""The facts integrations records."""

MESSAGE_FAILED = "message.failed"
MESSAGE_REPROCESSED = "message.reprocessed"  # a person asked for another try
MESSAGE_DISCARDED = "message.discarded"
MESSAGE_RECOVERED = "message.recovered"  # one that had failed went through
CONNECTION_PAUSED = "connection.paused"
CONNECTION_RESUMED = "connection.resumed"
CONNECTION_SUSPENDED = "connection.suspended"  # its breaker opened; data: reason
CONNECTION_RESTORED = "connection.restored"  # and closed again
SHIPMENT_TOLD = "shipment.told"  # the channel knows of a shipment
