"""FedEx: its tracking documents."""

from integrations.carriers import scans
from integrations.carriers.fedex import tracking

FEDEX = scans.vendor("fedex", "FedEx", tracking.VERSION, tracking.translate)
