"""The same small master data in the words of each ERP: a tee, a cap, a service, something that can't be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

GTIN = "4006381333931"
Masters = dict[str, list[dict[str, Any]]]


@dataclass
class Books:
    rows: Masters
    rename: Callable[[Masters], None]
    settings: dict[str, Any] = field(default_factory=dict)
    weight: int | None = 150
    tracking: str = "LOT"
    cost: tuple[Decimal | None, str] = (Decimal("4.25"), "EUR")
    unit: str = "Unit"
    measure: str = "on_hand"
    failures: int = 1
    # JSON has no tuples: what a server sorts by is put back.
    revive: Callable[[dict[str, Any]], dict[str, Any]] = lambda row: (
        {**row, "key": tuple(row["key"])} if isinstance(row.get("key"), list) else row
    )


def renaming(table: str, name: str, value: Any, moment: str, when: str) -> Callable[[Masters], None]:
    def rename(masters: Masters) -> None:
        masters[table][0] |= {name: value, moment: when}

    return rename


ODOO = {
    "product.product": [
        {"id": 1, "default_code": "TEE", "name": "Tee shirt", "barcode": GTIN, "active": True, "type": "consu",
         "tracking": "lot", "weight": 0.15, "weight_uom_name": "kg", "standard_price": 4.25,
         "cost_currency_id": [1, "EUR"], "uom_id": [1, "Unit"], "categ_id": [2, "All / Clothes"],
         "write_date": "2026-03-01 10:00:00"},
        {"id": 2, "default_code": "CAP", "name": "Cap", "barcode": False, "active": True, "type": "consu",
         "tracking": "none", "weight": 0.0, "weight_uom_name": "kg", "standard_price": 0.0,
         "write_date": "2026-03-01 10:00:00"},
        {"id": 3, "default_code": "FIX", "name": "Repair", "type": "service", "write_date": "2026-03-01 10:00:00"},
        {"id": 4, "default_code": "ODD", "name": "Odd", "type": "elephant", "write_date": "2026-03-01 10:00:00"},
    ],
    "stock.warehouse": [
        {"id": 5, "code": "MAIN", "name": "Main warehouse", "active": True, "lot_stock_id": [8, "MAIN/Stock"],
         "write_date": "2026-03-01 10:00:00"},
    ],
    "res.partner": [
        {"id": 6, "ref": "HALDEN", "name": "Halden Ltd", "active": True, "is_company": True, "vat": "GB123456789",
         "property_payment_term_id": [3, "Net 30"], "currency_id": [1, "EUR"], "write_date": "2026-03-01 10:00:00"},
    ],
    "stock.quant": [
        {"id": 7, "product_id": [1, "[TEE] Tee shirt"], "warehouse_id": [5, "Main warehouse"], "quantity": 4.0},
        {"id": 8, "product_id": [1, "[TEE] Tee shirt"], "warehouse_id": [5, "Main warehouse"], "quantity": 3.0},
        {"id": 9, "product_id": [2, "[CAP] Cap"], "warehouse_id": [5, "Main warehouse"], "quantity": 2.0},
    ],
}  # fmt: skip

ERPNEXT = {
    "Item": [
        {"doctype": "Item", "name": "TEE", "item_code": "TEE", "item_name": "Tee shirt", "disabled": 0,
         "is_stock_item": 1, "has_variants": 0, "has_serial_no": 0, "has_batch_no": 1, "stock_uom": "Unit",
         "item_group": "Clothes", "weight_per_unit": 0.15, "weight_uom": "Kg", "valuation_rate": 4.25,
         "modified": "2026-03-01 10:00:00.123456"},
        {"doctype": "Item", "name": "CAP", "item_code": "CAP", "item_name": "Cap", "disabled": 0, "is_stock_item": 1,
         "has_variants": 0, "stock_uom": "Unit", "weight_per_unit": 0.0, "weight_uom": None,
         "modified": "2026-03-01 10:00:00.123456"},
        {"doctype": "Item", "name": "FIX", "item_code": "FIX", "item_name": "Repair", "is_stock_item": 0,
         "modified": "2026-03-01 10:00:00.123456"},
        {"doctype": "Item", "name": "ODD", "item_code": "ODD", "item_name": "Odd", "is_stock_item": 1,
         "weight_per_unit": 3.0, "weight_uom": "Elephant", "modified": "2026-03-01 10:00:00.123456"},
    ],
    "Item Barcode": [{"parent": "TEE", "barcode": GTIN, "idx": 1}],
    "Warehouse": [
        {"doctype": "Warehouse", "name": "Stores - OS", "warehouse_name": "Main warehouse", "is_group": 0,
         "disabled": 0, "company": "Our Shop", "modified": "2026-03-01 10:00:00.123456"},
    ],
    "Customer": [
        {"doctype": "Customer", "name": "HALDEN", "customer_name": "Halden Ltd", "customer_type": "Company",
         "disabled": 0, "is_frozen": 0, "tax_id": "GB123456789", "default_currency": "EUR", "payment_terms": "Monthly",
         "modified": "2026-03-01 10:00:00.123456"},
    ],
    "Customer Credit Limit": [],
    "Payment Terms Template Detail": [
        {"parent": "Monthly", "credit_days": 30, "due_date_based_on": "Day(s) after invoice date",
         "invoice_portion": 100.0, "idx": 1},
    ],
    "Bin": [
        {"name": "b1", "item_code": "TEE", "warehouse": "Stores - OS", "actual_qty": 7.0},
        {"name": "b2", "item_code": "CAP", "warehouse": "Stores - OS", "actual_qty": 0.5},
    ],
}  # fmt: skip

NETSUITE = {
    "item": [
        {"key": 1, "id": "1", "itemid": "TEE", "displayname": "Tee shirt", "upccode": GTIN, "isinactive": "F",
         "itemtype": "InvtPart", "weight": "0.15", "weightunit": "kg", "stockunit": "Unit", "averagecost": "4.25",
         "isserialitem": "F", "islotitem": "T", "lastmodifieddate": "2026-03-01 10:00:00"},
        {"key": 2, "id": "2", "itemid": "CAP", "displayname": "Cap", "isinactive": "F", "itemtype": "InvtPart",
         "isserialitem": "F", "islotitem": "F", "lastmodifieddate": "2026-03-01 10:00:00"},
        {"key": 3, "id": "3", "itemid": "FIX", "displayname": "Repair", "itemtype": "Service",
         "lastmodifieddate": "2026-03-01 10:00:00"},
        {"key": 4, "id": "4", "itemid": "ODD", "displayname": "Odd", "itemtype": "Elephant",
         "lastmodifieddate": "2026-03-01 10:00:00"},
    ],
    "location": [
        {"key": 5, "id": "5", "name": "Main warehouse", "isinactive": "F", "makeinventoryavailable": "T"},
    ],
    "customer": [
        {"key": 6, "id": "6", "entityid": "HALDEN", "companyname": "Halden Ltd", "isperson": "F", "isinactive": "F",
         "creditholdoverride": "AUTO", "taxid": "GB123456789", "terms": "Monthly", "termdays": "30",
         "currency": "EUR", "lastmodifieddate": "2026-03-01 10:00:00"},
    ],
    "aggregateItemLocation": [
        {"key": [1, 1, 5], "id": "1", "itemid": "TEE", "locationid": "5", "location": "Main warehouse",
         "quantityonhand": "7", "quantityavailable": "6"},
    ],
}  # fmt: skip

BUSINESSCENTRAL = {
    "items": [
        {"id": "i-1", "number": "TEE", "displayName": "Tee shirt", "type": "Inventory", "blocked": False, "gtin": GTIN,
         "baseUnitOfMeasureCode": "Unit", "taxGroupCode": "FULL", "unitCost": 4.25, "inventory": 7,
         "lastModifiedDateTime": "2026-03-01T10:00:00.043Z"},
        {"id": "i-2", "number": "CAP", "displayName": "Cap", "type": "Inventory", "blocked": False, "gtin": "",
         "baseUnitOfMeasureCode": "Unit", "unitCost": 0, "inventory": 2,
         "lastModifiedDateTime": "2026-03-01T10:00:00.043Z"},
        {"id": "i-3", "number": "FIX", "displayName": "Repair", "type": "Service", "blocked": False,
         "baseUnitOfMeasureCode": "H", "inventory": 0, "lastModifiedDateTime": "2026-03-01T10:00:00.043Z"},
        {"id": "i-4", "number": "ODD", "displayName": "Odd", "type": "Elephant", "baseUnitOfMeasureCode": "Unit",
         "inventory": 0, "lastModifiedDateTime": "2026-03-01T10:00:00.043Z"},
    ],
    "locations": [
        {"id": "l-1", "code": "MAIN", "displayName": "Main warehouse", "addressLine1": "1 Dock Road", "city": "Leeds",
         "country": "GB", "postalCode": "LS1 1AA", "lastModifiedDateTime": "2026-03-01T10:00:00.043Z"},
    ],
    "customers": [
        {"id": "c-1", "number": "HALDEN", "displayName": "Halden Ltd", "type": "Company", "blocked": "_x0020_",
         "currencyCode": "EUR", "taxRegistrationNumber": "GB123456789", "creditLimit": 0,
         "paymentTerm": {"code": "1M", "dueDateCalculation": "30D"},
         "lastModifiedDateTime": "2026-03-01T10:00:00.043Z"},
    ],
}  # fmt: skip

SAP = {
    "A_Product": [
        {"Product": "TEE", "ProductType": "HAWA", "ProductStandardID": GTIN, "GrossWeight": "0.150",
         "WeightUnit": "KG", "BaseUnit": "Unit", "ProductGroup": "L001", "IsMarkedForDeletion": False,
         "IsBatchManagementRequired": True, "SerialNumberProfile": "",
         "to_Description": {"results": [{"Language": "DE", "ProductDescription": "Hemd"},
                                        {"Language": "EN", "ProductDescription": "Tee shirt"}]},
         "LastChangeDateTime": "/Date(1772359200000+0000)/"},
        {"Product": "CAP", "ProductType": "HAWA", "GrossWeight": "0.000", "WeightUnit": "", "BaseUnit": "Unit",
         "IsMarkedForDeletion": False, "IsBatchManagementRequired": False,
         "to_Description": {"results": [{"Language": "EN", "ProductDescription": "Cap"}]},
         "LastChangeDateTime": "/Date(1772359200000+0000)/"},
        {"Product": "FIX", "ProductType": "SERV", "LastChangeDateTime": "/Date(1772359200000+0000)/"},
        {"Product": "ODD", "ProductType": "HAWA", "GrossWeight": "3", "WeightUnit": "ELE",
         "LastChangeDateTime": "/Date(1772359200000+0000)/"},
    ],
    "A_Plant": [{"Plant": "1010", "PlantName": "Main warehouse"}],
    "A_Customer": [
        {"Customer": "HALDEN", "CustomerName": "Halden Ltd", "CustomerAccountGroup": "KUNA",
         "VATRegistration": "GB123456789", "OrderIsBlockedForCustomer": "", "DeliveryIsBlocked": "",
         "to_CustomerSalesArea": {"results": [
             {"SalesOrganization": "1010", "DistributionChannel": "10", "Division": "00", "Currency": "EUR",
              "CustomerPaymentTerms": "0030"}]}},
    ],
    "A_MatlStkInAcctMod": [
        {"Material": "TEE", "Plant": "1010", "StorageLocation": "101A", "Batch": "B1", "InventoryStockType": "01",
         "InventorySpecialStockType": "", "MatlWrhsStkQtyInMatlBaseUnit": "4"},
        {"Material": "TEE", "Plant": "1010", "StorageLocation": "101A", "Batch": "B2", "InventoryStockType": "01",
         "InventorySpecialStockType": "", "MatlWrhsStkQtyInMatlBaseUnit": "3"},
    ],
}  # fmt: skip

BOOKS = {
    "businesscentral": Books(
        BUSINESSCENTRAL,
        renaming("items", "displayName", "Tee shirt, long", "lastModifiedDateTime", "2099-01-01T10:00:00.043Z"),
        {"stock_location": "MAIN", "currency": "EUR"},
        weight=None,
        tracking="NONE",
    ),
    "erpnext": Books(
        ERPNEXT,
        renaming("Item", "item_name", "Tee shirt, long", "modified", "2099-01-01 10:00:00.1"),
        {"warehouses": {"MAIN": "Stores - OS"}},
        cost=(Decimal("4.25"), "USD"),
    ),
    "netsuite": Books(
        NETSUITE,
        renaming("item", "displayname", "Tee shirt, long", "lastmodifieddate", "2099-01-01 10:00:00"),
        {"warehouses": {"MAIN": "Main warehouse"}, "currency": "EUR"},
    ),
    "odoo": Books(ODOO, renaming("product.product", "name", "Tee shirt, long", "write_date", "2099-01-01 10:00:00")),
    "sap": Books(
        SAP,
        renaming(
            "A_Product",
            "to_Description",
            {"results": [{"Language": "EN", "ProductDescription": "Tee shirt, long"}]},
            "LastChangeDateTime",
            "/Date(4070908800000+0000)/",
        ),
        {"warehouses": {"MAIN": "1010"}, "payment_terms": {"0030": "NET30"}},
        cost=(None, ""),
        measure="sellable",
    ),
}
