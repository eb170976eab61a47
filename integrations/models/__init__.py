from integrations.models.clients import ApiClient
from integrations.models.connections import Breaker, Connection, ConnectionSecret
from integrations.models.messages import InboundMessage, OutboundCall

__all__ = ["ApiClient", "Breaker", "Connection", "ConnectionSecret", "InboundMessage", "OutboundCall"]
