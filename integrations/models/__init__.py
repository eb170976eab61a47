from integrations.models.aliases import Alias, AliasChange, AliasKind
from integrations.models.clients import ApiClient
from integrations.models.connections import Breaker, CallSlot, Connection, ConnectionSecret, Pace
from integrations.models.drift import DriftFinding, DriftLook
from integrations.models.drops import DropStatus, FileDrop, FileMapping
from integrations.models.feeds import FeedState
from integrations.models.keys import ApiKey, ApiUsage
from integrations.models.listings import Listing
from integrations.models.masters import MasterRecord
from integrations.models.messages import InboundMessage, MessageEdit, OutboundCall
from integrations.models.numbers import DocumentNumber, NumberSequence, OutgoingDocument
from integrations.models.shadow import ShadowResult
from integrations.models.stock_documents import StockDocument
from integrations.models.webhooks import WebhookSubscription

__all__ = [
    "Alias",
    "AliasChange",
    "AliasKind",
    "ApiClient",
    "ApiKey",
    "ApiUsage",
    "Breaker",
    "CallSlot",
    "Connection",
    "ConnectionSecret",
    "DocumentNumber",
    "DriftFinding",
    "DriftLook",
    "DropStatus",
    "FeedState",
    "FileDrop",
    "FileMapping",
    "InboundMessage",
    "Listing",
    "MasterRecord",
    "MessageEdit",
    "NumberSequence",
    "OutboundCall",
    "OutgoingDocument",
    "Pace",
    "ShadowResult",
    "StockDocument",
    "WebhookSubscription",
]
