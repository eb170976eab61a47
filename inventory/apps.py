from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "inventory"

    def ready(self) -> None:
        from core import subjects
        from inventory import (
            asides,
            audit,
            lens,
            metrics,
            reasons,
            shell,
            snapshot_audit,
            transfer_asides,
            waits,
            wording,
        )

        subjects.register("item", title="Item", url_name="inventory:item", argument="label")
        subjects.register("location", title="Location")
        subjects.register("stock", title="Stock")
        subjects.register("demand", title="Reservation")
        subjects.register("movement", title="Movement")
        subjects.register("buffer_rule", title="Buffer rule", url_name="inventory:buffer")
        subjects.register("channel_feed", title="Channel feed")
        subjects.register("count", title="Count", url_name="inventory:count")
        subjects.register("count_plan", title="Count plan")
        subjects.register("transfer", title="Transfer", url_name="inventory:transfer")
        subjects.register("transfer_discrepancy", title="Transfer discrepancy", url_name="inventory:discrepancy")
        asides.register("transfers", transfer_asides.picked, transfer_asides.names)
        subjects.register("snapshot", title="Stock snapshot", url_name="inventory:snapshot")
        subjects.register("stock_source", title="Stock source", url_name="inventory:source")
        audit.register()
        metrics.register()
        snapshot_audit.register()
        reasons.register()
        waits.register()
        wording.register()
        shell.register()
        lens.register()
