"""EDI: X12 inventory advice (846) and product activity (852)."""

from integrations.channels import stock_documents
from integrations.channels.edi import stock
from integrations.channels.vendor import Vendor

EDI = Vendor(
    name="edi",
    title="X12 and EDIFACT",
    mapping_version=stock.VERSION,
    understand=stock.understand,
    verify=lambda body, headers, secrets, now: False,
    delivery=stock_documents.delivery,
)
