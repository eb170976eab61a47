"""BigCommerce: inventory webhooks, as files."""

from integrations.channels import stock_documents
from integrations.channels.bigcommerce import stock

BIGCOMMERCE = stock_documents.vendor("bigcommerce", "BigCommerce", stock.VERSION, stock.translate)
