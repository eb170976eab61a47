"""Square: inventory counts in."""

from integrations.channels import stock_documents
from integrations.channels.square import stock

SQUARE = stock_documents.vendor("square", "Square", stock.VERSION, stock.translate)
