"""Kits, lots and serial numbers, what a unit is worth, why an adjustment was made and what it took back."""

import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from core import append_only

# A part is never a kit, a kit never has stock: each side of the rule is a constant column, and the foreign key makes
# the item agree. Neither two kits made at once nor a kit made while its first stock arrives can slip through.
KITS = """
ALTER TABLE inventory_kitcomponent
    ADD CONSTRAINT a_kit_is_marked_as_one
    FOREIGN KEY (kit_id, kit_is_kit) REFERENCES inventory_item (id, is_kit),
    ADD CONSTRAINT a_part_is_no_kit
    FOREIGN KEY (part_id, part_is_kit) REFERENCES inventory_item (id, is_kit);
ALTER TABLE inventory_stock
    ADD CONSTRAINT stock_is_of_no_kit FOREIGN KEY (item_id, is_kit) REFERENCES inventory_item (id, is_kit);
"""

# The way an item is tracked is copied to its stock rows (whoever holds a row's lock knows it, fresh), and follows the
# item only into rows where nothing lies: units that came in unnamed can't be named later.
TRACKING = """
ALTER TABLE inventory_stock ADD CONSTRAINT stock_follows_its_items_tracking
    FOREIGN KEY (item_id, tracking) REFERENCES inventory_item (id, tracking) ON UPDATE CASCADE;
ALTER TABLE inventory_lot ADD CONSTRAINT a_lot_is_tracked_as_its_item
    FOREIGN KEY (item_id, tracking) REFERENCES inventory_item (id, tracking);
ALTER TABLE inventory_lotstock ADD CONSTRAINT lot_stock_knows_serials
    FOREIGN KEY (lot_id, single) REFERENCES inventory_lot (id, single);

CREATE FUNCTION inventory_tracking_changes_while_empty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.tracking <> OLD.tracking AND OLD.sellable + OLD.damaged + OLD.quarantined + OLD.awaiting_inspection
        + OLD.in_transit_in + OLD.reserved > 0 THEN
        RAISE EXCEPTION 'item % has stock: how it is tracked can''t change', OLD.item_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER tracking_changes_while_empty BEFORE UPDATE OF tracking ON inventory_stock
    FOR EACH ROW EXECUTE FUNCTION inventory_tracking_changes_while_empty();

CREATE OR REPLACE FUNCTION inventory_stock_learns_backorder_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT allows_backorder INTO STRICT NEW.allows_backorder FROM inventory_location WHERE id = NEW.location_id;
    SELECT is_kit, tracking INTO STRICT NEW.is_kit, NEW.tracking FROM inventory_item WHERE id = NEW.item_id;
    RETURN NEW;
EXCEPTION WHEN no_data_found THEN
    RETURN NEW;  -- the foreign keys say it better
END
$$;
"""

UNTRACKED = """
CREATE OR REPLACE FUNCTION inventory_stock_learns_backorder_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT allows_backorder INTO STRICT NEW.allows_backorder FROM inventory_location WHERE id = NEW.location_id;
    RETURN NEW;
EXCEPTION WHEN no_data_found THEN
    RETURN NEW;
END
$$;
DROP TRIGGER tracking_changes_while_empty ON inventory_stock;
DROP FUNCTION inventory_tracking_changes_while_empty();
ALTER TABLE inventory_lotstock DROP CONSTRAINT lot_stock_knows_serials;
ALTER TABLE inventory_lot DROP CONSTRAINT a_lot_is_tracked_as_its_item;
ALTER TABLE inventory_stock DROP CONSTRAINT stock_follows_its_items_tracking;
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0002_rules")]

    operations = [
        migrations.CreateModel(
            name='KitComponent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.IntegerField()),
                ('kit_is_kit', models.BooleanField(db_default=True, default=True, editable=False)),
                ('part_is_kit', models.BooleanField(db_default=False, default=False, editable=False)),
            ],
            options={
                'ordering': ('kit', 'part'),
            },
        ),
        migrations.CreateModel(
            name='Lot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(help_text='The lot number or the serial number', max_length=100)),
                ('tracking', models.CharField(choices=[('NONE', 'None'), ('SERIAL', 'Serial'), ('LOT', 'Lot')], editable=False, max_length=6)),
                ('single', models.BooleanField(editable=False)),
                ('expires_on', models.DateField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'ordering': ('item', 'code'),
            },
        ),
        migrations.CreateModel(
            name='LotStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='LotStock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('sellable', 'Sellable'), ('damaged', 'Damaged'), ('quarantined', 'Quarantined'), ('awaiting_inspection', 'Awaiting inspection'), ('in_transit_in', 'In transit here'), ('supplier', 'Supplier'), ('customer', 'Customer'), ('shrinkage', 'Shrinkage'), ('found', 'Found'), ('opening', 'Opening balance')], max_length=20)),
                ('quantity', models.IntegerField()),
                ('single', models.BooleanField(editable=False)),
            ],
            options={
                'verbose_name_plural': 'lot stock',
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='item',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='item',
            name='update_update',
        ),
        migrations.AddField(
            model_name='item',
            name='cost_currency',
            field=models.CharField(blank=True, db_default='', default='', max_length=3),
        ),
        migrations.AddField(
            model_name='item',
            name='is_kit',
            field=models.BooleanField(db_default=False, default=False, help_text='Sold as one, stocked and reserved as its parts'),
        ),
        migrations.AddField(
            model_name='item',
            name='unit_cost',
            field=models.DecimalField(blank=True, decimal_places=4, help_text='What one unit is worth in the books', max_digits=20, null=True),
        ),
        migrations.AddField(
            model_name='itemevent',
            name='cost_currency',
            field=models.CharField(blank=True, db_default='', default='', max_length=3),
        ),
        migrations.AddField(
            model_name='itemevent',
            name='is_kit',
            field=models.BooleanField(db_default=False, default=False, help_text='Sold as one, stocked and reserved as its parts'),
        ),
        migrations.AddField(
            model_name='itemevent',
            name='unit_cost',
            field=models.DecimalField(blank=True, decimal_places=4, help_text='What one unit is worth in the books', max_digits=20, null=True),
        ),
        migrations.AddField(
            model_name='stock',
            name='is_kit',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name='stock',
            name='tracking',
            field=models.CharField(choices=[('NONE', 'None'), ('SERIAL', 'Serial'), ('LOT', 'Lot')], db_default='NONE', default='NONE', editable=False, max_length=6),
        ),
        migrations.AddField(
            model_name='stockmovement',
            name='compensates',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='compensated_by', to='inventory.stockmovement'),
        ),
        migrations.AddField(
            model_name='stockmovement',
            name='reason',
            field=models.CharField(blank=True, choices=[('COUNT', 'Counted'), ('FOUND', 'Found'), ('LOST', 'Lost'), ('THEFT', 'Theft'), ('DAMAGE', 'Damaged beyond sale'), ('EXPIRED', 'Past its date'), ('SAMPLE', 'Sample or display'), ('OWN_USE', 'Own use'), ('RECEIPT_ERROR', 'Receipt booked wrongly'), ('LATE_SALE', 'Sale that came late'), ('SHORT_PICK', 'Short pick'), ('SNAPSHOT', "Another system's count"), ('OTHER', 'Other (see note)')], db_default='', default='', help_text='Of an adjustment', max_length=13),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='item',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "inventory_itemevent" ("active", "attributes", "cost_currency", "country_of_origin", "created_at", "gtin", "height_mm", "hs_code", "id", "is_kit", "length_mm", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "sku", "tracking", "unit_cost", "weight_grams", "width_mm") VALUES (NEW."active", NEW."attributes", NEW."cost_currency", NEW."country_of_origin", NEW."created_at", NEW."gtin", NEW."height_mm", NEW."hs_code", NEW."id", NEW."is_kit", NEW."length_mm", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."sku", NEW."tracking", NEW."unit_cost", NEW."weight_grams", NEW."width_mm"); RETURN NULL;', hash='f410dfe94f2a12ffdf14076b4a9be3f771fcc2e0', operation='INSERT', pgid='pgtrigger_insert_insert_19813', table='inventory_item', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='item',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "inventory_itemevent" ("active", "attributes", "cost_currency", "country_of_origin", "created_at", "gtin", "height_mm", "hs_code", "id", "is_kit", "length_mm", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "sku", "tracking", "unit_cost", "weight_grams", "width_mm") VALUES (NEW."active", NEW."attributes", NEW."cost_currency", NEW."country_of_origin", NEW."created_at", NEW."gtin", NEW."height_mm", NEW."hs_code", NEW."id", NEW."is_kit", NEW."length_mm", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."sku", NEW."tracking", NEW."unit_cost", NEW."weight_grams", NEW."width_mm"); RETURN NULL;', hash='398c86f6ac2d7f80b9afe411cc1a2c99665c3436', operation='UPDATE', pgid='pgtrigger_update_update_96c2b', table='inventory_item', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='item',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('cost_currency', ''), ('unit_cost__isnull', True)), models.Q(('cost_currency__regex', '^[A-Z]{3}$'), ('unit_cost__gte', 0), ('unit_cost__isnull', False), ('unit_cost__lt', 1000000000000000)), _connector='OR'), name='a_unit_cost_has_its_currency'),
        ),
        migrations.AddConstraint(
            model_name='item',
            constraint=models.CheckConstraint(condition=models.Q(('is_kit', False), ('tracking', 'NONE'), _connector='OR'), name='a_kit_is_tracked_by_its_parts'),
        ),
        migrations.AddConstraint(
            model_name='item',
            constraint=models.UniqueConstraint(fields=('id', 'is_kit'), name='item_with_its_kit_rule'),
        ),
        migrations.AddConstraint(
            model_name='item',
            constraint=models.UniqueConstraint(fields=('id', 'tracking'), name='item_with_its_tracking'),
        ),
        migrations.AddConstraint(
            model_name='stock',
            constraint=models.CheckConstraint(condition=models.Q(('is_kit', False)), name='a_kit_has_no_stock_of_its_own'),
        ),
        migrations.AddConstraint(
            model_name='stockmovement',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), ('reason__in', ['COUNT', 'FOUND', 'LOST', 'THEFT', 'DAMAGE', 'EXPIRED', 'SAMPLE', 'OWN_USE', 'RECEIPT_ERROR', 'LATE_SALE', 'SHORT_PICK', 'SNAPSHOT', 'OTHER']), _connector='OR'), name='adjustment_reason_is_known'),
        ),
        migrations.AddConstraint(
            model_name='stockmovement',
            constraint=models.UniqueConstraint(condition=models.Q(('compensates__isnull', False)), fields=('compensates',), name='a_movement_is_compensated_once'),
        ),
        migrations.AddField(
            model_name='kitcomponent',
            name='kit',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='inventory.item'),
        ),
        migrations.AddField(
            model_name='kitcomponent',
            name='part',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='part_of', to='inventory.item'),
        ),
        migrations.AddField(
            model_name='lot',
            name='item',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lots', to='inventory.item'),
        ),
        migrations.AddField(
            model_name='lotstep',
            name='lot',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='inventory.lot'),
        ),
        migrations.AddField(
            model_name='lotstep',
            name='movement',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lots', to='inventory.stockmovement'),
        ),
        migrations.AddField(
            model_name='lotstock',
            name='location',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='lotstock',
            name='lot',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='stock', to='inventory.lot'),
        ),
        migrations.AddConstraint(
            model_name='kitcomponent',
            constraint=models.UniqueConstraint(fields=('kit', 'part'), name='a_part_is_in_its_kit_once'),
        ),
        migrations.AddConstraint(
            model_name='kitcomponent',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gte', 1), ('quantity__lte', 10000)), name='kit_part_quantity_is_positive_and_sane'),
        ),
        migrations.AddConstraint(
            model_name='kitcomponent',
            constraint=models.CheckConstraint(condition=models.Q(('kit_is_kit', True)), name='only_kits_have_parts'),
        ),
        migrations.AddConstraint(
            model_name='kitcomponent',
            constraint=models.CheckConstraint(condition=models.Q(('part_is_kit', False)), name='no_part_is_a_kit'),
        ),
        migrations.AddIndex(
            model_name='lot',
            index=models.Index(fields=['code'], name='lot_by_code'),
        ),
        migrations.AddConstraint(
            model_name='lot',
            constraint=models.UniqueConstraint(fields=('item', 'code'), name='a_lot_code_means_one_lot_of_an_item'),
        ),
        migrations.AddConstraint(
            model_name='lot',
            constraint=models.UniqueConstraint(fields=('id', 'single'), name='lot_with_its_size_rule'),
        ),
        migrations.AddConstraint(
            model_name='lot',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('single', True), ('tracking', 'SERIAL')), models.Q(('single', False), ('tracking', 'LOT')), _connector='OR'), name='a_serial_is_a_lot_of_one'),
        ),
        migrations.AddConstraint(
            model_name='lotstep',
            constraint=models.UniqueConstraint(fields=('movement', 'lot'), name='a_movement_names_a_lot_once'),
        ),
        migrations.AddConstraint(
            model_name='lotstep',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gt', 0), ('quantity__lte', 1000000000)), name='lot_step_is_positive_and_sane'),
        ),
        migrations.AddConstraint(
            model_name='lotstock',
            constraint=models.UniqueConstraint(fields=('lot', 'location', 'state'), name='one_row_per_lot_location_and_state'),
        ),
        migrations.AddConstraint(
            model_name='lotstock',
            constraint=models.UniqueConstraint(condition=models.Q(('quantity__gt', 0), ('single', True)), fields=('lot',), name='a_serial_is_in_one_place'),
        ),
        migrations.AddConstraint(
            model_name='lotstock',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gte', 0), ('quantity__lte', 1000000000)), name='lot_stock_is_neither_negative_nor_absurd'),
        ),
        migrations.AddConstraint(
            model_name='lotstock',
            constraint=models.CheckConstraint(condition=models.Q(('single', False), ('quantity__lte', 1), _connector='OR'), name='a_serial_is_one_unit'),
        ),
        migrations.AddConstraint(
            model_name='lotstock',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['sellable', 'damaged', 'quarantined', 'awaiting_inspection', 'in_transit_in'])), name='lot_stock_lies_with_us'),
        ),
        migrations.RunSQL(
            KITS,
            """
            ALTER TABLE inventory_stock DROP CONSTRAINT stock_is_of_no_kit;
            ALTER TABLE inventory_kitcomponent DROP CONSTRAINT a_part_is_no_kit, DROP CONSTRAINT a_kit_is_marked_as_one;
            """,
        ),
        migrations.RunSQL(TRACKING, UNTRACKED),
        append_only.refuse_changes("inventory_lotstep"),
    ]
