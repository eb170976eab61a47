"""UPS: its tracking documents."""

from integrations.carriers import scans
from integrations.carriers.ups import tracking

UPS = scans.vendor("ups", "UPS", tracking.VERSION, tracking.translate)
