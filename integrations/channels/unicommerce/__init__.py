"""Unicommerce: what its bulk inventory adjustments set."""

from integrations.channels import stock_documents
from integrations.channels.unicommerce import stock

UNICOMMERCE = stock_documents.vendor("unicommerce", "Unicommerce", stock.VERSION, stock.translate)
