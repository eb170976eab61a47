from integrations.models.clients import ApiClient
from integrations.models.connections import Breaker, Connection, ConnectionSecret, Pace
from integrations.models.feeds import FeedState
from integrations.models.messages import InboundMessage, OutboundCall
from integrations.models.webhooks import WebhookSubscription

__all__ = [
    "ApiClient",
    "Breaker",
    "Connection",
    "ConnectionSecret",
    "FeedState",
    "InboundMessage",
    "OutboundCall",
    "Pace",
    "WebhookSubscription",
]
