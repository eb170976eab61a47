"""TikTok Shop: stock per warehouse in."""

from integrations.channels import stock_documents
from integrations.channels.tiktok import stock

TIKTOK = stock_documents.vendor("tiktok", "TikTok Shop", stock.VERSION, stock.translate)
