"""Runs inside Tryton's own environment, never in ours: gives a fresh Tryton a company and books, or adds products.

    python tryton_setup.py --config CONF --database NAME found|stock < wishes.json

`found` once per database: currencies, company, chart of accounts, years, taxes, warehouses, the channels' customer,
service products and the REST key. `stock` any number of times: goods that are missing, with or without opening stock.
Both print one JSON object with the ids they made. Everything goes through Tryton's own models and wizards.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--config", required=True)
    options.add_argument("--database", required=True)
    options.add_argument("action", choices=("found", "stock"))
    asked = options.parse_args()

    from trytond import config

    config.update_etc(asked.config)
    wishes = json.load(sys.stdin)
    database = Database(asked.database)
    made = found(database, wishes) if asked.action == "found" else stock(database, wishes)
    json.dump(made, sys.stdout)


class Database:
    """One Tryton database."""

    def __init__(self, name: str) -> None:
        from trytond.pool import Pool
        from trytond.transaction import Transaction

        self.name = name
        self.transaction = Transaction
        self.pool = Pool(name)
        with Transaction().start(name, 0, readonly=True):
            self.pool.init()
            self.admin = self.pool.get("res.user").search([("login", "=", "admin")])[0].id

    def run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """`work(get, …)` in one committed transaction as the administrator.

        Tryton asks for a table lock by failing the first try: `fix` says what the next one must start with.
        """
        from trytond.transaction import TransactionError
        from trytond.worker import run_task

        extras: dict[str, Any] = {}
        while True:
            with self.transaction().start(self.name, self.admin, **extras) as running:
                preferences = self.pool.get("res.user").get_preferences(context_only=True)
                try:
                    with running.set_context(preferences):
                        answer = work(self.pool.get, *arguments)
                except TransactionError as needs:
                    running.rollback()
                    needs.fix(extras)
                    continue
                running.commit()
            break
        while running.tasks:
            run_task(self.pool, running.tasks.pop())
        return answer


def found(database: Database, wishes: dict[str, Any]) -> dict[str, Any]:
    currencies = database.run(_currencies, wishes["currencies"])
    _company(database, wishes["company"], currencies[0])
    made: dict[str, Any] = database.run(_books, wishes, database.admin)
    return made


def _books(get: Any, wishes: dict[str, Any], admin: int) -> dict[str, Any]:
    company = get("company.company").search([])[0]
    accounts = _accounts(get, company)
    _years(get, company)
    taxes = _taxes(get, company, accounts["tax"], wishes["taxes"])
    _categories(get, accounts)
    places = _warehouses(get, wishes["warehouses"])
    customer = _parties(get)
    _services(get, wishes["services"])
    get("res.user.application").create(
        [{"user": admin, "application": "rest", "key": wishes["key"], "state": "validated"}]
    )
    return {"company": company.id, "customer": customer, "taxes": taxes, "warehouses": places}


def _currencies(get: Any, codes: list[str]) -> list[int]:
    currency = get("currency.currency")
    since = datetime.date(2020, 1, 1)
    return [
        made.id
        for made in currency.create(
            [
                {
                    "name": code,
                    "code": code,
                    "symbol": code,
                    "digits": 0 if code == "JPY" else 2,
                    "rounding": Decimal(1) if code == "JPY" else Decimal("0.01"),
                    "rates": [("create", [{"date": since, "rate": Decimal(1)}])],
                }
                for code in codes
            ]
        )
    ]


def _company(database: Database, name: str, currency: int) -> None:
    """The company and its chart of accounts, by the wizards an ERP person would click through."""
    from proteus import Model, Wizard, config

    here = config.set_trytond(database=f"{_uri()}{database.name}", user="admin", config_file=None)
    party = Model.get("party.party")(name=name)
    party.save()
    wizard = Wizard("company.company.config")
    wizard.execute("company")
    wizard.form.party = party
    wizard.form.currency = Model.get("currency.currency")(currency)
    wizard.execute("add")
    here._context = Model.get("res.user").get_preferences(True, {})  # noqa: SLF001  (its documented habit)

    company = Model.get("company.company").find()[0]
    template = Model.get("ir.model.data").get_id("account.account_template_root_en", here.context)
    chart = Wizard("account.create_chart")
    chart.execute("account")
    chart.form.account_template = Model.get("account.account.template")(template)
    chart.form.company = company
    chart.execute("create_account")
    kinds = {
        kind: Model.get("account.account").find(
            [(f"type.{kind}", "=", True), ("closed", "!=", True)], order=[("code", "ASC")], limit=1
        )[0]
        for kind in ("receivable", "payable", "revenue", "expense")
    }
    form = chart.form
    form.account_receivable, form.account_payable = kinds["receivable"], kinds["payable"]
    if hasattr(form, "category_account_expense"):
        form.category_account_expense, form.category_account_revenue = kinds["expense"], kinds["revenue"]
    chart.execute("create_properties")


def _uri() -> str:
    from trytond import config

    base: str = config.get("database", "uri")
    scheme, _, rest = base.partition("://")
    authority, _, query = rest.partition("/")
    del query
    return f"{scheme}://{authority}/"


def _accounts(get: Any, company: Any) -> dict[str, int]:
    account = get("account.account")
    bookable = [("company", "=", company.id), ("closed", "!=", True)]  # a chart's headings are closed accounts

    def first(*clause: Any) -> int:
        return int(account.search([clause, *bookable], order=[("code", "ASC")], limit=1)[0].id)

    return {
        "revenue": first("type.revenue", "=", True),
        "expense": first("type.expense", "=", True),
        "tax": first("name", "ilike", "Accrued Taxes%"),
    }


def _years(get: Any, company: Any) -> None:
    """Last, this and next calendar year, so that a sale dated around New Year has a period."""
    kind = get("ir.sequence.type")
    sequence = get("ir.sequence.strict")
    year_model = get("account.fiscalyear")
    move_kind = kind.search([("name", "=", "Account Move")])[0].id
    invoice_kind = kind.search([("name", "=", "Invoice")])[0].id
    this = datetime.date.today().year  # noqa: DTZ011  (the books follow the machine's calendar)
    years = []
    for year in (this - 1, this, this + 1):
        moves, invoices = sequence.create(
            [
                {"name": f"{year}", "sequence_type": move_kind, "company": company.id},
                {"name": f"{year}", "sequence_type": invoice_kind, "company": company.id},
            ]
        )
        numbers = dict.fromkeys(
            ("out_invoice_sequence", "in_invoice_sequence", "out_credit_note_sequence", "in_credit_note_sequence"),
            invoices.id,
        )
        years += year_model.create(
            [
                {
                    "name": f"{year}",
                    "start_date": datetime.date(year, 1, 1),
                    "end_date": datetime.date(year, 12, 31),
                    "company": company.id,
                    "move_sequence": moves.id,
                    "invoice_sequences": [("create", [{"company": company.id, **numbers}])],
                }
            ]
        )
    year_model.create_period(years)


def _taxes(get: Any, company: Any, account: int, wishes: list[dict[str, str]]) -> dict[str, int]:
    made = get("account.tax").create(
        [
            {
                "name": wish["name"],
                "description": wish["name"],
                "type": "percentage",
                "rate": Decimal(wish["rate"]),
                "company": company.id,
                "invoice_account": account,
                "credit_note_account": account,
            }
            for wish in wishes
        ]
    )
    return {tax.name: tax.id for tax in made}


def _categories(get: Any, accounts: dict[str, int]) -> None:
    get("product.category").create(
        [
            {
                "name": "Goods",
                "accounting": True,
                "account_revenue": accounts["revenue"],
                "account_expense": accounts["expense"],
            }
        ]
    )


def _warehouses(get: Any, wishes: list[dict[str, str]]) -> dict[str, int]:
    """The warehouse Tryton comes with takes the first wish's name; the others are made."""
    location = get("stock.location")
    first = location.search([("type", "=", "warehouse")])[0]
    location.write([first], {"code": wishes[0]["code"], "name": wishes[0]["name"]})
    made = {wishes[0]["code"]: first.id}
    for wish in wishes[1:]:
        store, arrive, leave = location.create(
            [{"name": f"{wish['name']} {part}", "type": "storage"} for part in ("storage", "input", "output")]
        )
        made[wish["code"]] = location.create(
            [
                {
                    "name": wish["name"],
                    "code": wish["code"],
                    "type": "warehouse",
                    "storage_location": store.id,
                    "input_location": arrive.id,
                    "output_location": leave.id,
                    "lost_found_location": first.lost_found_location.id,
                }
            ]
        )[0].id
    return made


def _parties(get: Any) -> int:
    term = get("account.invoice.payment_term").create(
        [{"name": "At once", "lines": [("create", [{"type": "remainder"}])]}]
    )[0]
    config = get("account.configuration")(1)
    config.default_customer_payment_term = term
    config.save()
    party = get("party.party").create(
        [{"name": "Channel customers", "code": "CHANNEL", "addresses": [("create", [{"street": "Various"}])]}]
    )[0]
    return int(party.id)


def _services(get: Any, wishes: list[dict[str, str]]) -> None:
    unit = _unit(get)
    get("product.template").create(
        [
            {
                "name": wish["name"],
                "code": wish["code"],
                "type": "service",
                "salable": True,
                "default_uom": unit,
                "sale_uom": unit,
                "list_price": Decimal(0),
                "account_category": _goods(get),
                "products": [("create", [{}])],
            }
            for wish in wishes
        ]
    )


def _unit(get: Any) -> int:
    return int(get("product.uom").search([("name", "=", "Unit")])[0].id)


def _goods(get: Any) -> int:
    return int(get("product.category").search([("name", "=", "Goods"), ("accounting", "=", True)])[0].id)


def stock(database: Database, wishes: dict[str, Any]) -> dict[str, Any]:
    """Goods by SKU that aren't there yet, with `opening` units of each in every warehouse.

    Without `opening` they are consumables, of which Tryton never runs out: whoever ships them keeps the stock.
    (Counting 2 000 of them in takes Tryton minutes.)
    """
    made: dict[str, Any] = database.run(_goods_in, wishes)
    return made


def _goods_in(get: Any, wishes: dict[str, Any]) -> dict[str, Any]:
    wanted = {wish["sku"]: wish for wish in wishes["products"]}
    for known in get("product.product").search([("code", "in", list(wanted))]):
        wanted.pop(known.code, None)
    unit, category = _unit(get), _goods(get)
    templates = get("product.template").create(
        [
            {
                "name": wish.get("name") or sku,
                "code": sku,
                "type": "goods",
                "consumable": wishes.get("opening") is None,
                "salable": True,
                "default_uom": unit,
                "sale_uom": unit,
                "list_price": Decimal(wish.get("price", "0")),
                "account_category": category,
                "products": [("create", [{}])],
            }
            for sku, wish in wanted.items()
        ]
    )
    goods = [one.id for template in templates for one in template.products]
    opening = float(wishes.get("opening") or 0)
    if goods and opening:
        _opening_stock(get, goods, opening)
    return {"made": len(goods)}


def _opening_stock(get: Any, goods: list[int], units: float) -> None:
    inventory = get("stock.inventory")
    for warehouse in get("stock.location").search([("type", "=", "warehouse")]):
        counted = inventory.create([{"location": warehouse.storage_location.id, "empty_quantity": "keep"}])
        get("stock.inventory.line").create(
            [{"inventory": counted[0].id, "product": one, "quantity": units, "expected_quantity": 0.0} for one in goods]
        )
        inventory.confirm(counted)


if __name__ == "__main__":
    main()
