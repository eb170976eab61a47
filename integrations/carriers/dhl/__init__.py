"""DHL: its unified tracking documents, and what its express API answers to a shipment."""

from integrations.carriers import scans
from integrations.carriers.dhl import tracking

DHL = scans.vendor("dhl", "DHL", tracking.VERSION, tracking.translate, lists="shipments")
