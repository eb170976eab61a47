from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = "Orders"

    def ready(self) -> None:
        from core import subjects
        from inventory import asides
        from orders import (
            audit,
            lens,
            metrics,
            money_audit,
            parcel_audit,
            reasons,
            shell,
            store_audit,
            supply_audit,
            waits,
            wording,
        )
        from orders.services.asides import names, picked

        subjects.register("order", title="Order", url_name="orders:detail", argument="label")
        subjects.register("fulfilment", title="Fulfilment", url_name="orders:fulfilment", argument="label")
        subjects.register("channel", title="Channel")
        subjects.register("account", title="Account", url_name="orders:account", argument="label")
        subjects.register("shipment", title="Shipment")
        subjects.register("wave", title="Wave")
        subjects.register("manifest", title="Manifest")
        subjects.register("payment", title="Payment")
        subjects.register("payment_route", title="Payment route")
        subjects.register("store_credit", title="Store credit", url_name="orders:store_credit", argument="label")
        subjects.register("van_call", title="Carrier collection", url_name="orders:van_call", argument="uid")
        asides.register("orders", picked, names)
        reasons.register()
        waits.register()
        wording.register()
        shell.register()
        audit.register()
        money_audit.register()
        parcel_audit.register()
        store_audit.register()
        supply_audit.register()
        metrics.register()
        lens.register()
