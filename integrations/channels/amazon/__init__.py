"""Amazon: FBA inventory in."""

from integrations.channels import stock_documents
from integrations.channels.amazon import stock

AMAZON = stock_documents.vendor("amazon", "Amazon", stock.VERSION, stock.translate)
