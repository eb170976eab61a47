"""WooCommerce: product stock in."""

from integrations.channels import stock_documents
from integrations.channels.woocommerce import stock

WOOCOMMERCE = stock_documents.vendor("woocommerce", "WooCommerce", stock.VERSION, stock.translate)
