from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0010_parcels_and_messages")]

    operations: list[object] = []
