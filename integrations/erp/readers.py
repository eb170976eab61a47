"""Every ERP as a sender of documents, and `erp`: a document whose ERP is told by its keys."""

from __future__ import annotations

from integrations.channels.meaning import Meaning
from integrations.channels.vendor import Vendor
from integrations.documents import read_json
from integrations.erp.businesscentral import feeds as businesscentral_feeds
from integrations.erp.businesscentral import masters as businesscentral
from integrations.erp.erpnext import feeds as erpnext_feeds
from integrations.erp.erpnext import masters as erpnext
from integrations.erp.netsuite import feeds as netsuite_feeds
from integrations.erp.netsuite import masters as netsuite
from integrations.erp.odoo import feeds as odoo_feeds
from integrations.erp.odoo import masters as odoo
from integrations.erp.reading import Reader, Settings
from integrations.erp.sap import feeds as sap_feeds
from integrations.erp.sap import masters as sap
from integrations.erp.tryton import feeds as tryton_feeds
from integrations.erp.tryton import masters as tryton
from integrations.erp.vendors import vendor
from integrations.failures import unparsable

# The more a document says of its ERP by itself, the earlier it is asked for.
_TELLING = (tryton.READER, erpnext.READER, sap.READER, businesscentral.READER, netsuite.READER, odoo.READER)


class _Any(Reader):
    """Whichever of them knows the document."""

    def understand(self, topic: str, body: bytes, settings: Settings) -> Meaning:
        try:
            document = read_json(body)
        except RecursionError:
            raise unparsable("nested too deeply to be an honest document") from None
        for reader in _TELLING:
            if reader.knows(document):
                return reader.understand(topic, body, settings)
        raise unparsable("no ERP that is spoken here writes such a document; the bytes are kept")


ANY = _Any("an ERP", lambda row: "", lambda document: None, {})

READERS: tuple[Vendor, ...] = (
    vendor("businesscentral", businesscentral.READER, businesscentral_feeds.FEEDS),
    vendor("erp", ANY, ()),
    vendor("erpnext", erpnext.READER, erpnext_feeds.FEEDS),
    vendor("netsuite", netsuite.READER, netsuite_feeds.FEEDS),
    vendor("odoo", odoo.READER, odoo_feeds.FEEDS),
    vendor("sap", sap.READER, sap_feeds.FEEDS),
    vendor("tryton", tryton.READER, tryton_feeds.FEEDS),
)
