"""What was bought where, what stops it, who delivers it, and the money events of it."""

from orders.models.account import PREPAID, Account, Approval, ApprovalKind
from orders.models.batch import BatchStatus, BatchWork, DeviceScan, PickBatch
from orders.models.carriage import CarrierService
from orders.models.change import ChangeStatus, OrderChange, Told
from orders.models.channel import Channel, ChannelKind
from orders.models.collection import Collection, Proof, RefundDue
from orders.models.fulfilment import (
    ACTIVE,
    COLLECTED_HERE,
    ENDED,
    GONE,
    FulfilmentLine,
    FulfilmentMethod,
    FulfilmentOrder,
    FulfilmentPart,
    FulfilmentStatus,
    ShortPick,
    ShortReason,
)
from orders.models.hold import Blocks, Hold, HoldStatus, HoldType
from orders.models.hold_rule import HoldRule, PriceListEntry
from orders.models.imports import OrderImport, OrderImportRow
from orders.models.instruction import (
    UNDER_WAY,
    InstructionKind,
    InstructionStatus,
    PaymentInstruction,
    PaymentRoute,
    Via,
)
from orders.models.label import LabelStatus, ParcelLabel, SerialReference
from orders.models.manifest import Manifest, ManifestParcel, ManifestStatus
from orders.models.message import (
    CustomerMessage,
    Medium,
    MessageStatus,
    MessageTemplate,
    TemplateStatus,
)
from orders.models.nodes import NodeMeasure, NodeTerms
from orders.models.note import NOTE_LENGTH, OrderNote
from orders.models.order import MONEY_LIMIT, OWED, Method, Order, OrderLine, OrderStatus, PaymentState
from orders.models.outages import CarrierOutage
from orders.models.packing import Carton, PackCheck
from orders.models.partners import PartnerLink, PartnerRequest, PartnerRequestStatus, RejectReason
from orders.models.payment import Payment, PaymentDisagreement, PaymentKind, Refund
from orders.models.payment_notice import NoticeKind, NoticeState, PaymentNotice
from orders.models.policy import PolicyReplay, PolicyStatus, PolicyVersion, ShadowDecision, SourcingPolicy
from orders.models.putback import PutBack
from orders.models.shipment import Package, Shipment, Tracker
from orders.models.sourcing import NodeExclusion, SourcingDecision
from orders.models.store import IdCheck, ShortRule, StockEffect, StorePolicy
from orders.models.store_credit import CreditKind, StoreCredit, StoreCreditEntry
from orders.models.supply import BackOrder, BackOrderStatus
from orders.models.tracking import CarrierScan, TrackingEvent
from orders.models.van_call import CalledParcel, VanCall, VanCallStatus
from orders.models.wave import Wave, WaveStatus, WaveWork

__all__ = [
    "ACTIVE",
    "COLLECTED_HERE",
    "ENDED",
    "GONE",
    "MONEY_LIMIT",
    "NOTE_LENGTH",
    "OWED",
    "PREPAID",
    "UNDER_WAY",
    "Account",
    "Approval",
    "ApprovalKind",
    "BackOrder",
    "BackOrderStatus",
    "BatchStatus",
    "BatchWork",
    "Blocks",
    "CalledParcel",
    "CarrierOutage",
    "CarrierScan",
    "CarrierService",
    "Carton",
    "ChangeStatus",
    "Channel",
    "ChannelKind",
    "Collection",
    "CreditKind",
    "CustomerMessage",
    "DeviceScan",
    "FulfilmentLine",
    "FulfilmentMethod",
    "FulfilmentOrder",
    "FulfilmentPart",
    "FulfilmentStatus",
    "Hold",
    "HoldRule",
    "HoldStatus",
    "HoldType",
    "IdCheck",
    "InstructionKind",
    "InstructionStatus",
    "LabelStatus",
    "Manifest",
    "ManifestParcel",
    "ManifestStatus",
    "Medium",
    "MessageStatus",
    "MessageTemplate",
    "Method",
    "NodeExclusion",
    "NodeMeasure",
    "NodeTerms",
    "NoticeKind",
    "NoticeState",
    "Order",
    "OrderChange",
    "OrderImport",
    "OrderImportRow",
    "OrderLine",
    "OrderNote",
    "OrderStatus",
    "PackCheck",
    "Package",
    "ParcelLabel",
    "PartnerLink",
    "PartnerRequest",
    "PartnerRequestStatus",
    "Payment",
    "PaymentDisagreement",
    "PaymentInstruction",
    "PaymentKind",
    "PaymentNotice",
    "PaymentRoute",
    "PaymentState",
    "PickBatch",
    "PolicyReplay",
    "PolicyStatus",
    "PolicyVersion",
    "PriceListEntry",
    "Proof",
    "PutBack",
    "Refund",
    "RefundDue",
    "RejectReason",
    "SerialReference",
    "ShadowDecision",
    "Shipment",
    "ShortPick",
    "ShortReason",
    "ShortRule",
    "SourcingDecision",
    "SourcingPolicy",
    "StockEffect",
    "StoreCredit",
    "StoreCreditEntry",
    "StorePolicy",
    "TemplateStatus",
    "Told",
    "Tracker",
    "TrackingEvent",
    "VanCall",
    "VanCallStatus",
    "Via",
    "Wave",
    "WaveStatus",
    "WaveWork",
]
