"""Adobe Commerce (Magento): source items in."""

from integrations.channels import stock_documents
from integrations.channels.magento import stock

MAGENTO = stock_documents.vendor("magento", "Magento", stock.VERSION, stock.translate)
