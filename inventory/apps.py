from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "inventory"

    def ready(self) -> None:
        from core import subjects
        from inventory import audit, shell

        subjects.register("item", title="Item", url_name="inventory:item", argument="label")
        subjects.register("location", title="Location")
        subjects.register("stock", title="Stock")
        subjects.register("demand", title="Reservation")
        audit.register()
        shell.register()
