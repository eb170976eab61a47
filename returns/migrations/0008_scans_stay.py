"""What a carrier said of a return's parcel stays as it was said; rejected goods of before are looked at once more."""

from django.db import migrations

from core import append_only

# A rejected unit that can't be found any more has nobody to choose for it.
GONE_ALREADY = """
UPDATE returns_inspection seen SET chosen = gone.units
FROM (
    SELECT inspection_id, sum(quantity - moved_on) AS units FROM returns_disposition WHERE kind = 'MISSING' GROUP BY 1
) gone
WHERE gone.inspection_id = seen.id AND seen.verdict = 'REJECTED' AND gone.units > 0
"""


class Migration(migrations.Migration):
    dependencies = [("returns", "0007_parcels_and_rejected_goods"), ("core", "0002_append_only")]

    operations = [
        append_only.refuse_changes("returns_returnscan"),
        migrations.RunSQL(GONE_ALREADY, migrations.RunSQL.noop),
    ]
